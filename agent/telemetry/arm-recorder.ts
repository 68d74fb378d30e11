// Adds up what one release did in one role during a window: counters, sketches and quality proxies.
// It knows no clock and no device; the window recorder owns one per (digest, role).
import { encodeSketch, SketchRecorder } from '../../shared/measure/latency-sketch.ts';
import { type Arm, SCORE_BINS } from '../../shared/measure/window.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { type FoundObject, foundObjects } from './found-objects.ts';
import type { FrameOutcome, FrameResult, ServingRole } from './outcome.ts';
import { followFrame, NO_TRACKS, type TrackCounts, type TrackState } from './tracks.ts';

export type ProcessUse = { readonly cpuSeconds: number | null; readonly rssBytes: number | null };

/** Classes counted by name in one window; with a thousand of them it would outgrow what a broker carries. */
export const CLASSES_MAX = 100;
export const OTHER_CLASSES = '(other)';

type Answered = Extract<FrameResult, { kind: 'answered' }>;

export class ArmRecorder {
  readonly release: ReleaseRef;
  readonly role: ServingRole;
  readonly #latency = new SketchRecorder();
  readonly #run = new SketchRecorder();
  #tracks = new Map<string, TrackState>();
  #errors = new Map<string, number>();
  #answered = 0;
  #frames = 0;
  #byClass = new Map<string, number>();
  #sums = emptySums();
  #scoreBins = emptyBins();

  constructor(release: ReleaseRef, role: ServingRole) {
    this.release = release;
    this.role = role;
  }

  get frames(): number {
    return this.#frames;
  }

  /** Null for a failed frame; otherwise what following the detections of this camera has shown. */
  record(outcome: FrameOutcome): TrackCounts | null {
    this.#frames += 1;
    const { result } = outcome;
    if (result.kind === 'failed') {
      this.#errors.set(result.error, (this.#errors.get(result.error) ?? 0) + 1);
      return null;
    }
    this.#answered += 1;
    this.#latency.add(result.latencyMs);
    this.#run.add(result.runMs);
    const objects = foundObjects(result.answer);
    this.#addProxies(objects, result);
    return this.#follow(outcome, objects);
  }

  /** Hands out the sums and starts the next window; tracks live on, for they cross its edge. */
  take(activeMs: number, use: ProcessUse): Arm {
    const arm: Arm = {
      release: this.release.release,
      digest: this.release.digest,
      role: this.role,
      frames: this.#frames,
      answered: this.#answered,
      errors: Object.fromEntries(this.#errors),
      latencyMs: encodeSketch(this.#latency.take()),
      runMs: encodeSketch(this.#run.take()),
      activeMs,
      ...use,
      proxies: { ...this.#sums, scoreBins: this.#scoreBins, byClass: Object.fromEntries(this.#byClass) },
    };
    this.#errors = new Map();
    this.#byClass = new Map();
    this.#scoreBins = emptyBins();
    this.#sums = emptySums();
    this.#answered = this.#frames = 0;
    return arm;
  }

  #addProxies(objects: readonly FoundObject[], result: Answered): void {
    this.#sums.detections += objects.length;
    this.#sums.borderline += result.borderline;
    if (objects.length === 0) this.#sums.emptyFrames += 1;
    for (const { label, score } of objects) {
      this.#sums.scoreSum += Math.max(0, score);
      this.#sums.entropySum += binaryEntropy(score);
      const bin = Math.min(SCORE_BINS - 1, Math.max(0, Math.floor(score * SCORE_BINS)));
      this.#scoreBins[bin] = (this.#scoreBins[bin] ?? 0) + 1;
      const name = this.#byClass.has(label) || this.#byClass.size < CLASSES_MAX ? label : OTHER_CLASSES;
      this.#byClass.set(name, (this.#byClass.get(name) ?? 0) + 1);
    }
  }

  #follow(outcome: FrameOutcome, objects: readonly FoundObject[]): TrackCounts {
    const boxes = objects.flatMap(({ label, box }) => (box ? [{ label, box }] : []));
    const before = this.#tracks.get(outcome.cameraId) ?? NO_TRACKS;
    const { state, counts } = followFrame(before, boxes, outcome.capturedAtMs);
    this.#tracks.set(outcome.cameraId, state);
    this.#sums.flickers += counts.flickers;
    this.#sums.trackFrames += counts.trackFrames;
    return counts;
  }
}

/** Bits; 0 for a score of 0 or 1, and for a score that is no probability. */
function binaryEntropy(score: number): number {
  if (!(score > 0 && score < 1)) return 0;
  return -(score * Math.log2(score) + (1 - score) * Math.log2(1 - score));
}

function emptyBins(): number[] {
  return Array.from({ length: SCORE_BINS }, () => 0);
}

function emptySums() {
  return {
    detections: 0,
    scoreSum: 0,
    borderline: 0,
    emptyFrames: 0,
    flickers: 0,
    trackFrames: 0,
    entropySum: 0,
  };
}
