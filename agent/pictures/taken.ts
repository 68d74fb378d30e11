// A frame that was taken out of its ring because somebody asked for pictures, with what was found in it. Pure but for the copy.
import type { InputContract } from '../../shared/release/manifest.ts';
import type { AnsweredFrame } from '../frame-outcome.ts';
import { type ShownArm, shownAlone, shownPair } from '../preview/compare-arms.ts';
import { CONFIDENT_SCORE } from '../telemetry/pairing.ts';

export type Taken = {
  readonly cameraId: string;
  readonly requestId: string;
  /** Monotonic. */
  readonly capturedMs: number;
  /** The view that the picture and all boxes are in. */
  readonly contract: InputContract;
  readonly bytes: Uint8Array;
  readonly arms: readonly ShownArm[];
};

/** A copy of a slot's frame; null when it cannot be read. */
export type ReadFrame = (cameraId: string, contract: InputContract, slot: number) => Uint8Array | null;

/** Reads a millisecond or two; the slot must still be held. Null: there is no answer, or no frame to be read. */
export function take(answered: AnsweredFrame, readFrame: ReadFrame): Taken | null {
  const { lane, flight, outcome, pair } = answered;
  const { cameraId, requestId, role, release, result } = outcome;
  if (result.kind === 'failed') return null;
  // Both arms' boxes are in the view of the baseline, whichever of them has answered last.
  const contract = pair === null ? lane.input : (flight.frame.pair?.baseline?.input ?? lane.input);
  const bytes = readFrame(cameraId, contract, flight.frame.token.slot);
  if (bytes === null) return null;
  const alone = role === 'candidate' ? 'candidate' : 'baseline';
  const arms = pair === null ? shownAlone(alone, release.release, result.answer) : shownPair(pair);
  return { cameraId, requestId, capturedMs: flight.frame.token.monotonicMs, contract, bytes, arms };
}

/** What one arm is sure of and the other has not, added up by scores: 0 when they agree. */
export function disagreementOf(arms: readonly ShownArm[]): number {
  const disputed = arms.flatMap(({ objects }) => objects.filter(({ isDisputed }) => isDisputed));
  return disputed.reduce((sum, { score }) => (score >= CONFIDENT_SCORE ? sum + score : sum), 0);
}
