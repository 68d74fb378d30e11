// What is said about a frame outside the loop: its outcome, and the pair when both arms have answered it. Pure.
import type { Flight, Lane } from './frame.ts';
import type { FrameOutcome, FramePair, PairedAnswer } from './telemetry/outcome.ts';

export function outcomeOf(lane: Lane, flight: Flight, result: FrameOutcome['result']): FrameOutcome {
  const { frame, role } = flight;
  const { cameraId, requestId, token } = frame;
  return { cameraId, requestId, capturedAtMs: token.capturedAtMs, release: lane.ref, role, result };
}

/** Keeps this arm's answer; the pair when the other arm has answered the same frame. */
export function pairUp(lane: Lane, flight: Flight, answer: PairedAnswer): FramePair | null {
  const { pair, cameraId } = flight.frame;
  if (pair === null) return null;
  if (flight.role === 'shadow') pair.candidate = answer;
  else pair.baseline = answer;
  const { baseline, candidate } = pair;
  if (baseline === null || candidate === null) return null;
  const map = flight.role === 'shadow' ? lane.labelMap : null;
  return { cameraId, baseline, candidate: map === null ? candidate : { ...candidate, labelMap: map } };
}
