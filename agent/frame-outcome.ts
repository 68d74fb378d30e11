// What is said about a frame outside the loop: its outcome, and the pair when both arms have answered it. Pure.
import type { Answer, Detection } from '../shared/release/answers.ts';
import type { InputContract } from '../shared/release/manifest.ts';
import type { Flight, Lane, SeenAnswer } from './frame.ts';
import { boxToInput, boxToPicture, isSameView, type PictureSize } from './frames/frames.ts';
import type { FrameOutcome, FramePair, PairedAnswer } from './telemetry/outcome.ts';

export type FrameError = Extract<FrameOutcome['result'], { kind: 'failed' }>['error'];

/** One runner's answer to a frame whose slot is still held; `pair` when the other arm has answered it as well. */
export type AnsweredFrame = {
  readonly lane: Lane;
  readonly flight: Flight;
  readonly outcome: FrameOutcome;
  readonly pair: FramePair | null;
};

export function outcomeOf(lane: Lane, flight: Flight, result: FrameOutcome['result']): FrameOutcome {
  const { frame, role } = flight;
  const { cameraId, requestId, token } = frame;
  return { cameraId, requestId, capturedAtMs: token.capturedAtMs, release: lane.ref, role, result };
}

/** Keeps this arm's answer; the pair when the other arm has answered the same frame. */
export function pairUp(lane: Lane, flight: Flight, answer: PairedAnswer): FramePair | null {
  const { pair, cameraId, token } = flight.frame;
  if (pair === null) return null;
  const seen: SeenAnswer = { ...answer, input: lane.input };
  if (flight.role === 'shadow') pair.candidate = seen;
  else pair.baseline = seen;
  const { baseline, candidate } = pair;
  if (baseline === null || candidate === null) return null;
  const map = flight.role === 'shadow' ? lane.labelMap : null;
  const placed = { ...candidate, answer: inViewOf(baseline.input, candidate, token.picture) };
  return { cameraId, baseline, candidate: map === null ? placed : { ...placed, labelMap: map } };
}

/** Releases may see the picture through different sizes, fits and regions: places compare only in one of them. */
function inViewOf(view: InputContract, { answer, input }: SeenAnswer, picture: PictureSize): Answer {
  if (isSameView(view, input) || (answer.task !== 'detection' && answer.task !== 'segmentation')) return answer;
  const detections = answer.detections.map((detection) => {
    const [x, y, w, h] = boxToInput(boxToPicture(detection.box, picture, input), picture, view);
    return { ...detection, box: [x, y, w, h] as Detection['box'] };
  });
  return { ...answer, detections };
}
