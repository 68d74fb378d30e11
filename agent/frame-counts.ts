// What became of a camera's frames since the last window: answered, or dropped and why. Counting only.

export type FrameCounts = { readonly processed: number; readonly dropped: Readonly<Record<string, number>> };

/** `superseded` by a newer frame, `no-release` to answer it, or `failed` by everyone who may. */
export type DropReason = 'superseded' | 'no-release' | 'failed';

type Counting = { processed: number; readonly dropped: Record<string, number> };

export class FrameCounter {
  readonly #cameras = new Map<string, Counting>();
  /** Since the start, over all cameras: handed over by a camera, answered, and answered or dropped. */
  offeredFrames = 0;
  answeredFrames = 0;
  settledFrames = 0;
  /** Those that gave way to a newer one of their camera: of a loop that is stuck they come for ever. */
  supersededFrames = 0;

  answered(cameraId: string): void {
    this.answeredFrames += 1;
    this.settledFrames += 1;
    this.#of(cameraId).processed += 1;
  }

  dropped(cameraId: string, reason: DropReason): void {
    this.settledFrames += 1;
    if (reason === 'superseded') this.supersededFrames += 1;
    const { dropped } = this.#of(cameraId);
    dropped[reason] = (dropped[reason] ?? 0) + 1;
  }

  /** Counts since the last call. */
  take(cameraId: string): FrameCounts {
    const counts = this.#of(cameraId);
    this.#cameras.delete(cameraId);
    return counts;
  }

  #of(cameraId: string): Counting {
    const counts = this.#cameras.get(cameraId) ?? { processed: 0, dropped: {} };
    this.#cameras.set(cameraId, counts);
    return counts;
  }
}
