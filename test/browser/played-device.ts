// A device that is played: it connects, says what it runs, sends a window again and again, and does what a test asks of it.
import { encodeSketch, sketchOf } from '../../shared/measure/latency-sketch.ts';
import type { Window } from '../../shared/measure/window.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import type { Reported } from '../../shared/protocol/reports.ts';
import type { PlaneBench, TestDevice } from '../control-plane/open-plane.ts';
import { buildArm, buildWindow } from '../shared/measure/window-builder.ts';

export type PlayedOptions = {
  readonly site: string;
  readonly device: string;
  readonly hardwareClass?: string;
  readonly line?: string | null;
  /** What answers; it should be registered where a rollout shall find it. */
  readonly release?: ReleaseRef;
  readonly windowMs?: number;
};

/** What the next windows say. */
export type Pace = { readonly fps: number; readonly p95Ms: number; readonly sensors: Partial<Window['sensors']> };

export type PlayedDevice = {
  readonly device: TestDevice;
  /** Other figures from the next window on. */
  setPace(pace: Partial<Pace>): void;
  report(part?: Partial<Reported>): Promise<void>;
  /** Sends a window now. */
  window(): Promise<void>;
  /** Its last will. */
  goOffline(): Promise<void>;
  close(): Promise<void>;
};

export const FACTORY_RELEASE: ReleaseRef = { release: 'cv-detector:1.8.2+data=b4f7a1', digest: 'a'.repeat(64) };
const WINDOW_MS = 1000;

export async function playDevice(bench: PlaneBench, options: PlayedOptions): Promise<PlayedDevice> {
  const { site, device: name, release = FACTORY_RELEASE, windowMs = WINDOW_MS } = options;
  const identity = { hardwareClass: options.hardwareClass ?? 'linux-x64', line: options.line ?? null };
  const device = await bench.connect(site, name);
  let pace: Pace = { fps: 10, p95Ms: 21, sensors: { temperatureC: 52, throttled: false } };
  let seq = 0;
  const report = (part: Partial<Reported> = {}): Promise<void> =>
    device.report({ ...identity, serving: release, committed: release, ...part });
  const window = async (): Promise<void> => {
    seq += 1;
    const endAtMs = Date.now();
    await device.window(seq, {
      ...identity,
      startAtMs: endAtMs - windowMs,
      endAtMs,
      arms: [armOf(release, pace, windowMs)],
      sensors: { ...buildWindow().sensors, ...pace.sensors },
    });
  };
  await device.hello(identity);
  await report();
  await window();
  // A window that is lost on the way out is the test's end, not its failure.
  const timer = setInterval(() => void window().catch(() => undefined), windowMs);
  return {
    device,
    setPace: (change) => {
      pace = { ...pace, ...change };
    },
    report,
    window,
    goOffline: async () => {
      clearInterval(timer);
      await device.send('status', { online: false });
    },
    close: async () => clearInterval(timer),
  };
}

function armOf({ release, digest }: ReleaseRef, { fps, p95Ms }: Pace, windowMs: number) {
  const frames = Math.round((fps * windowMs) / 1000);
  const latency = encodeSketch(sketchOf(Array.from({ length: frames }, () => p95Ms)));
  return buildArm({ release, digest, frames, answered: frames, errors: {}, activeMs: windowMs, latencyMs: latency });
}
