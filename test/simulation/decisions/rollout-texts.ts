// Rollout files for the simulated fleet, as an operator would write them. Read by the real reader.
import type { Ruled } from '../../../control-plane/simulation/rollout-life.ts';
import { expandGuardrails } from '../../../shared/rollout/guardrails.ts';
import { readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';

/** From the first devices to all, judged by eight guardrails at once. The last stage keeps a tenth to compare with until it completes. */
export const WHOLE_ROLLOUT: readonly string[] = [
  '{ name: first, percent: 5, bake: 30m, extend: 2x30m }',
  '{ name: quarter, percent: 25, bake: 30m, extend: 2x30m }',
  '{ name: half, percent: 50, bake: 30m, extend: 2x30m }',
  '{ name: full, percent: 100, holdback: 10, bake: 30m, extend: 2x30m, judge: [noBreach, pointEstimate] }',
];

/** 12 devices, looked at every minute for two hours; a file must end with everyone, which these runs do not reach. */
export const TWELVE_DEVICES: readonly string[] = [
  '{ name: first, count: 12, bake: 150m }',
  '{ name: full, percent: 100, bake: 10m }',
];

const LATENCY = '{ id: p95, expr: "p95(latency_ms) <= baseline * 1.10", enforce: rollback }';

export const EIGHT_GUARDRAILS: readonly string[] = [
  LATENCY,
  '{ id: p99, expr: "p99(latency_ms) <= baseline * 1.20", enforce: rollback }',
  '{ id: p50, expr: "p50(latency_ms) <= baseline * 1.15", enforce: rollback }',
  '{ id: errors, expr: "rate(errors, frames) <= 0.5 %", enforce: rollback }',
  '{ id: dropped, expr: "rate(dropped, frames) <= 2 %", enforce: rollback }',
  '{ id: fps, expr: "mean(fps) >= baseline * 0.95", enforce: rollback }',
  '{ id: thermal, expr: "mean(soc_temp_c) <= baseline + 5", enforce: rollback }',
  '{ id: detections, expr: "mean(detections_per_frame) within baseline +/- 30 %", enforce: hold }',
];

export const ONE_GUARDRAIL: readonly string[] = [LATENCY];

/** Of detection, where minutes of data are counted: a device counts from its first minute. */
export const FIRST_MINUTE = '{ devices: 2, controls: 4, framesPerDevice: 100, minutes: 1 }';
export const STANDARD_MINIMUM = '{ devices: 2, controls: 4, framesPerDevice: 2000, minutes: 15 }';

export type FileParts = {
  readonly stages: readonly string[];
  readonly guardrails: readonly string[];
  readonly minimum: string;
};

export function readRules({ stages, guardrails, minimum }: FileParts): Ruled {
  const text = [
    'apiVersion: belay/v1',
    'kind: Rollout',
    'metadata: { name: simulated }',
    'spec:',
    '  candidate: "cv-detector:2.0.0"',
    '  owners: { primary: vision-team, backup: on-call-vision }',
    '  stages:',
    ...stages.map((stage) => `    - ${stage}`),
    '  analysis:',
    '    settle: 3m',
    `    minimum: ${minimum}`,
    '    missing: { stale: 5m, maxSilent: 20% }',
    '  guardrails:',
    ...guardrails.map((guardrail) => `    - ${guardrail}`),
  ].join('\n');
  const read = readRolloutFile(text);
  if (!read.ok) throw new TypeError(`the simulated rollout file is wrong: ${JSON.stringify(read.problems)}`);
  const { spec } = read.value;
  return { spec, guardrails: expandGuardrails(spec, ['dent']).guardrails };
}
