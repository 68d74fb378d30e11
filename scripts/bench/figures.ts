// Every figure of the benchmark, cheap ones first.
import type { Figure } from './figure.ts';
import { pipelineFps } from './pipeline-fps.ts';
import { ringHandover } from './ring-handover.ts';

export const figures: readonly Figure[] = [ringHandover, pipelineFps];
