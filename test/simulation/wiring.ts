// What a run puts together: the functions of the programs themselves. A mutant replaces one of them by a wrapper with a
// planted mistake; nothing else in the simulation knows that mutants exist.
import type { Effect } from '../../agent/core/effects.ts';
import { step } from '../../agent/core/reduce.ts';
import type { CoreState, DurableState } from '../../agent/core/state.ts';
import { FrameLoop, type FrameLoopParts } from '../../agent/frame-loop.ts';
import { assignStage } from '../../control-plane/core/stages.ts';
import { Watermarks } from '../../control-plane/telemetry/watermarks.ts';

export type Wiring = {
  readonly step: typeof step;
  /** The clock that the reducer is asked by. */
  readonly clock: (clocks: { readonly monotonicMs: number; readonly wallMs: number }) => number;
  /** The order in which the hands carry out the effects of one turn. */
  readonly inOrder: (effects: readonly Effect[]) => readonly Effect[];
  /** What `persist` writes. */
  readonly toDisk: (durable: DurableState, state: CoreState) => DurableState;
  readonly openFrameLoop: (parts: FrameLoopParts) => FrameLoop;
  readonly assignStage: typeof assignStage;
  /** Whether a transition that was decided on `read` may be written over `stored`. */
  readonly mayWrite: (versions: { readonly read: number; readonly stored: number }) => boolean;
  /** Whether a window is counted. */
  readonly isCounted: (facts: { readonly isKnown: boolean }) => boolean;
  readonly openWatermarks: (gapMs: number) => Pick<Watermarks, 'has' | 'load' | 'settle'>;
};

export const HONEST: Wiring = {
  step,
  clock: ({ monotonicMs }) => monotonicMs,
  inOrder: (effects) => effects,
  toDisk: (durable) => durable,
  openFrameLoop: (parts) => new FrameLoop(parts),
  assignStage,
  mayWrite: ({ read, stored }) => read === stored,
  isCounted: ({ isKnown }) => !isKnown,
  openWatermarks: (gapMs) => new Watermarks(gapMs),
};
