// The cameras of this device: opened once, and what each of them has delivered, dropped and missed per window.
// It tells a camera that is lost from one that is only slow; what that means is decided elsewhere.
import type { FrameCounts } from './frame-counts.ts';
import type { RoomLog } from './frames/child-log.ts';
import { type Camera, type CameraHealth, type CameraToken, openCamera } from './frames/frames.ts';
import type { CameraConfig } from './frames/source-options.ts';
import type { HealthSample } from './telemetry/outcome.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export type CameraWatchParts = {
  readonly configs: readonly CameraConfig[];
  readonly device: string;
  readonly ringDir: string;
  readonly telemetry: Pick<
    Telemetry,
    'recordCamera' | 'recordHealth' | 'recordCameraLost' | 'cameraVerdict' | 'markPartial'
  >;
  readonly onFrame: (token: CameraToken) => void;
  readonly monotonicNow: () => number;
  readonly log: RoomLog;
};

type Watched = {
  readonly camera: Camera;
  /** Monotonic; null while frames come. */
  lostSinceMs: number | null;
  lostBecause: string | null;
  lastCounts: ReturnType<Camera['counts']>;
};

export type CameraState = {
  readonly cameraId: string;
  readonly lost: boolean;
  readonly healthy: boolean | null;
  /** What is wrong with it, in words. */
  readonly why: string | null;
};

/** A reason is one line to read. */
const WHY_CHARS_MAX = 400;

export class CameraWatch {
  readonly #parts: CameraWatchParts;
  readonly #watched = new Map<string, Watched>();

  constructor(parts: CameraWatchParts) {
    this.#parts = parts;
  }

  /** Opens every camera with no ring yet: rings come with the releases that read them. Rejects with RingError. */
  async open(): Promise<ReadonlyMap<string, Camera>> {
    const { configs, device, ringDir, telemetry, log } = this.#parts;
    for (const { id, source, frozenAfterMs } of configs) {
      const camera = await openCamera({
        cameraId: id,
        device,
        source,
        contracts: [],
        ringDir,
        log,
        onFrame: (token) => this.#onFrame(id, token),
        onHealth: (health) => telemetry.recordHealth(id, sampleOf(health, frozenAfterMs)),
        onLost: ({ detail }) => this.#onLost(id, detail),
        onEnded: () => this.#onLost(id, 'its video has been played to the end; set loop: true to play it again'),
      });
      this.#watched.set(id, { camera, lostSinceMs: null, lostBecause: null, lastCounts: camera.counts() });
    }
    return new Map([...this.#watched].map(([id, { camera }]) => [id, camera]));
  }

  release(cameraId: string, slot: number): void {
    this.#watched.get(cameraId)?.camera.release(slot);
  }

  states(): readonly CameraState[] {
    const { telemetry } = this.#parts;
    return [...this.#watched].map(([cameraId, { lostSinceMs, lostBecause }]) => {
      const { healthy, finding } = telemetry.cameraVerdict(cameraId);
      return { cameraId, lost: lostSinceMs !== null, healthy, why: lostSinceMs === null ? finding : lostBecause };
    });
  }

  /** Puts this window's counts into telemetry. */
  report(takeCounts: (cameraId: string) => FrameCounts): void {
    for (const [cameraId, watched] of this.#watched) {
      const now = watched.camera.counts();
      const { processed, dropped } = takeCounts(cameraId);
      const before = watched.lastCounts.dropped as Readonly<Record<string, number>>;
      const all: Record<string, number> = { ...dropped };
      for (const [reason, count] of Object.entries(now.dropped)) {
        const fresh = count - (before[reason] ?? 0);
        if (fresh > 0) all[reason] = (all[reason] ?? 0) + fresh;
      }
      const captured = Math.max(0, now.captured - watched.lastCounts.captured);
      watched.lastCounts = now;
      this.#parts.telemetry.recordCamera({ cameraId, counts: { captured, processed, dropped: all } });
      this.#reportLoss(cameraId, watched);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#watched.values()].map(({ camera }) => camera.close()));
  }

  #onFrame(cameraId: string, token: CameraToken): void {
    const watched = this.#watched.get(cameraId);
    if (watched && watched.lostSinceMs !== null) {
      this.#reportLoss(cameraId, watched);
      watched.lostSinceMs = null;
    }
    this.#parts.onFrame(token);
  }

  #onLost(cameraId: string, why: string): void {
    const watched = this.#watched.get(cameraId);
    this.#parts.telemetry.markPartial(`camera ${cameraId} was lost`);
    if (!watched) return;
    watched.lostSinceMs ??= this.#parts.monotonicNow();
    watched.lostBecause = why.slice(0, WHY_CHARS_MAX);
  }

  #reportLoss(cameraId: string, watched: Watched): void {
    if (watched.lostSinceMs === null) return;
    const nowMs = this.#parts.monotonicNow();
    this.#parts.telemetry.recordCameraLost(cameraId, Math.max(0, nowMs - watched.lostSinceMs));
    watched.lostSinceMs = nowMs;
  }
}

function sampleOf({ unchangedMs = 0, ...health }: CameraHealth, frozenAfterMs: number | null): HealthSample {
  const isFrozen = frozenAfterMs !== null && unchangedMs >= frozenAfterMs;
  return { ...health, frozenMs: isFrozen ? unchangedMs : null };
}
