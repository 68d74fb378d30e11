// The windows of one device as a picture shows them: at most so many points, each the sum of the windows in its stretch of time.
// Sums and extremes only, so that thinning hides no peak.
import type { SketchWire } from '../../shared/measure/latency-sketch.ts';
import { SketchSum } from '../../shared/measure/sketch-sum.ts';
import type { DeviceWindows, SeriesPoint } from '../../shared/protocol/api-device-windows.ts';

/** What a picture needs of a window. */
export type SeriesWindow = {
  readonly startAtMs: number;
  readonly endAtMs: number;
  readonly arms: readonly SeriesArm[];
  readonly sensors: {
    readonly temperatureC: number | null;
    readonly throttled: boolean | null;
    readonly batteryPct: number | null;
  };
};

type SeriesArm = {
  readonly release: string;
  readonly role: 'baseline' | 'candidate' | 'shadow';
  readonly answered: number;
  readonly activeMs: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly latencyMs: SketchWire;
};

export type SeriesRange = { readonly fromMs: number; readonly toMs: number; readonly pointsMax: number };

type Change = DeviceWindows['changes'][number];

/** Windows come in the order of their start. */
export class DeviceSeries {
  readonly #range: SeriesRange;
  readonly #points: SeriesPoint[] = [];
  readonly #changes: Change[] = [];
  #bucket: Bucket | null = null;
  #windows = 0;

  constructor(range: SeriesRange) {
    this.#range = range;
  }

  add(window: SeriesWindow): void {
    const { fromMs, toMs, pointsMax } = this.#range;
    const share = (window.startAtMs - fromMs) / Math.max(1, toMs - fromMs);
    const index = Math.min(pointsMax - 1, Math.max(0, Math.floor(share * pointsMax)));
    if (this.#bucket !== null && this.#bucket.index !== index) this.#close(this.#bucket);
    this.#bucket ??= openBucket(index);
    addWindow(this.#bucket, window);
    this.#noteChange(window);
    this.#windows += 1;
  }

  finish(): DeviceWindows {
    if (this.#bucket !== null) this.#close(this.#bucket);
    const { fromMs, toMs } = this.#range;
    return { fromMs, toMs, windows: this.#windows, points: [...this.#points], changes: [...this.#changes] };
  }

  #close(bucket: Bucket): void {
    this.#points.push(pointOf(bucket));
    this.#bucket = null;
  }

  #noteChange({ startAtMs, arms }: SeriesWindow): void {
    const main = mainArm(arms);
    if (main === null) return;
    const last = this.#changes.at(-1);
    if (last?.release === main.release && last.role === main.role) return;
    this.#changes.push({ atMs: startAtMs, release: main.release, role: main.role });
  }
}

type Bucket = {
  readonly index: number;
  readonly live: SketchSum;
  readonly shadow: SketchSum;
  readonly answeredBy: Map<string, { readonly arm: SeriesArm; answered: number }>;
  windows: number;
  atMs: number;
  activeMs: number;
  errors: number;
  temperatureC: number | null;
  throttled: boolean | null;
  batteryPct: number | null;
};

function openBucket(index: number): Bucket {
  return {
    index,
    live: new SketchSum(),
    shadow: new SketchSum(),
    answeredBy: new Map(),
    windows: 0,
    atMs: 0,
    activeMs: 0,
    errors: 0,
    temperatureC: null,
    throttled: null,
    batteryPct: null,
  };
}

function addWindow(bucket: Bucket, { endAtMs, arms, sensors }: SeriesWindow): void {
  bucket.windows += 1;
  bucket.atMs = Math.max(bucket.atMs, endAtMs);
  bucket.temperatureC = either(Math.max, bucket.temperatureC, sensors.temperatureC);
  bucket.batteryPct = either(Math.min, bucket.batteryPct, sensors.batteryPct);
  if (sensors.throttled !== null) bucket.throttled = bucket.throttled === true || sensors.throttled;
  for (const arm of arms) {
    if (arm.role === 'shadow') bucket.shadow.add(arm.latencyMs);
    else addLive(bucket, arm);
  }
}

function addLive(bucket: Bucket, arm: SeriesArm): void {
  bucket.live.add(arm.latencyMs);
  bucket.activeMs += arm.activeMs;
  bucket.errors += Object.values(arm.errors).reduce((sum, count) => sum + count, 0);
  const key = `${arm.role} ${arm.release}`;
  const known = bucket.answeredBy.get(key) ?? { arm, answered: 0 };
  known.answered += arm.answered;
  bucket.answeredBy.set(key, known);
}

function pointOf(bucket: Bucket): SeriesPoint {
  const { atMs, windows, activeMs, errors, temperatureC, throttled, batteryPct } = bucket;
  const arms = [...bucket.answeredBy.values()].sort((a, b) => b.answered - a.answered);
  const answered = arms.reduce((sum, arm) => sum + arm.answered, 0);
  const main = arms[0]?.arm ?? null;
  return {
    atMs,
    windows,
    fps: activeMs > 0 ? (answered * 1000) / activeMs : null,
    p95Ms: bucket.live.quantile(0.95),
    errors,
    shadowP95Ms: bucket.shadow.quantile(0.95),
    release: main?.release ?? null,
    role: main === null ? null : roleOf(main),
    temperatureC,
    throttled,
    batteryPct,
  };
}

/** The arm that answered most of a window's live frames. */
function mainArm(arms: readonly SeriesArm[]): { readonly release: string; readonly role: string } | null {
  const live = arms.filter((arm) => arm.role !== 'shadow' && arm.answered > 0);
  return live.sort((a, b) => b.answered - a.answered)[0] ?? null;
}

function roleOf({ role }: SeriesArm): 'baseline' | 'candidate' {
  return role === 'candidate' ? 'candidate' : 'baseline';
}

function either(pick: (a: number, b: number) => number, a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return pick(a, b);
}
