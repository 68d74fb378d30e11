// Adds up what one camera delivered during a window, and keeps its health beyond it.
import { addCounts, type Measured } from '../../shared/measure/quality.ts';
import type { CameraWindow } from '../../shared/measure/window.ts';
import { type CameraVerdict, type HealthReference, judgeHealth, learnHealth, openHealth } from './camera-health.ts';
import type { CameraCounts, HealthSample } from './outcome.ts';
import type { TrackCounts } from './tracks.ts';

const NO_COUNTS: CameraCounts = { captured: 0, processed: 0, dropped: {} };

export class CameraRecorder {
  readonly #cameraId: string;
  #health: ReturnType<typeof openHealth>;
  #counts = NO_COUNTS;
  #lostMs = 0;
  #static = { staticDetections: 0, trackedDetections: 0 };
  /** That of the last whole window: a fresh one has too few detections to say anything. */
  #staticShare: Measured = { value: null, count: 0 };

  constructor(cameraId: string, reference: HealthReference | null) {
    this.#cameraId = cameraId;
    this.#health = openHealth(reference);
  }

  get reference(): HealthReference | null {
    return this.#health.reference;
  }

  addCounts(counts: CameraCounts): void {
    this.#counts = {
      captured: this.#counts.captured + counts.captured,
      processed: this.#counts.processed + counts.processed,
      dropped: addCounts([this.#counts.dropped, counts.dropped]),
    };
  }

  addLost(lostMs: number): void {
    this.#lostMs += lostMs;
  }

  addSample(sample: HealthSample): void {
    this.#health = learnHealth(this.#health, sample);
  }

  addTracks(counts: TrackCounts): void {
    this.#static = {
      staticDetections: this.#static.staticDetections + counts.staticDetections,
      trackedDetections: this.#static.trackedDetections + counts.trackedDetections,
    };
  }

  verdict(): CameraVerdict {
    return judgeHealth(this.#health, this.#staticShare);
  }

  take(): CameraWindow {
    const { staticDetections, trackedDetections } = this.#static;
    const value = trackedDetections > 0 ? staticDetections / trackedDetections : null;
    this.#staticShare = { value, count: trackedDetections };
    const window: CameraWindow = {
      cameraId: this.#cameraId,
      ...this.#counts,
      lostMs: this.#lostMs,
      ...this.#static,
      ...judgeHealth(this.#health, this.#staticShare),
    };
    this.#counts = NO_COUNTS;
    this.#lostMs = 0;
    this.#static = { staticDetections: 0, trackedDetections: 0 };
    return window;
  }
}
