// One-minute windows as an agent sends them: real sketches, counters and sensors, made from how a device stood in a minute.
import { encodeSketch, type LatencySketch, type SketchWire, sketchOf } from '../../../shared/measure/latency-sketch.ts';
import { NO_SENSORS } from '../../../shared/measure/sensors.ts';
import type { Arm, Window } from '../../../shared/measure/window.ts';
import { type FleetDevice, type Minute, USUAL_LATENCY_MS } from './fleet.ts';

export const MINUTE_MS = 60_000;
export const BASELINE_DIGEST = 'b'.repeat(64);
export const CANDIDATE_DIGEST = 'c'.repeat(64);

/** Levels are told apart to a quarter of a percent: far below the noise, and few enough to encode each only once. */
const LEVEL_STEP = 0.0025;
/** Of the frames of a minute, on the logarithmic scale. */
const FRAME_SPREAD = 0.25;
/** The model alone takes this share of the whole way of a frame. */
const RUN_SHARE = 0.8;

export type WindowMaker = (input: WindowInput) => Window;

export type WindowInput = {
  readonly device: FleetDevice;
  readonly minute: Minute;
  readonly startAtMs: number;
  /** Which release answered, or both when it changed within the minute. */
  readonly serving: 'baseline' | 'candidate' | 'both';
};

/** Keeps the sketches that it has made: the same level has the same bytes. */
export function openWindowMaker(): WindowMaker {
  const made = new Map<number, SketchWire>();
  const wireAt = (level: number): SketchWire => {
    const step = Math.round(level / LEVEL_STEP);
    const known = made.get(step);
    if (known) return known;
    const wire = encodeSketch(framesAt(step * LEVEL_STEP));
    made.set(step, wire);
    return wire;
  };
  return (input) => windowOf(input, wireAt);
}

/** Where the frames of a minute lie, evenly by their chance: 20 in the lower four fifths, 20 above, where limits are read. */
const SHAPE: readonly { readonly z: number; readonly count: number }[] = Array.from({ length: 40 }, (_, at) => {
  const isTail = at >= 20;
  const share = isTail ? 0.8 + (0.2 * (at - 20 + 0.5)) / 20 : (0.8 * (at + 0.5)) / 20;
  return { z: probit(share), count: isTail ? 3 : 12 };
});

function framesAt(level: number): LatencySketch {
  const values = SHAPE.flatMap(({ z, count }) =>
    new Array<number>(count).fill(USUAL_LATENCY_MS * Math.exp(level + FRAME_SPREAD * z)),
  );
  return sketchOf(values);
}

function windowOf(input: WindowInput, wireAt: (level: number) => SketchWire): Window {
  const { device, minute, startAtMs, serving } = input;
  return {
    v: 1,
    site: device.site,
    device: device.device,
    boot: 'boot-00000001',
    seq: Math.round(startAtMs / MINUTE_MS),
    startAtMs,
    endAtMs: startAtMs + MINUTE_MS,
    hardwareClass: device.hardwareClass,
    cohortId: 'simulated',
    generation: 1,
    killEpoch: 0,
    partial: serving === 'both',
    arms: (serving === 'both' ? (['baseline', 'candidate'] as const) : [serving]).map((role) =>
      armOf(role, minute, wireAt),
    ),
    paired: null,
    cameras: [cameraOf(minute)],
    sensors: { ...NO_SENSORS, temperatureC: minute.temperatureC },
    spoolDropped: {},
  };
}

function armOf(role: 'baseline' | 'candidate', minute: Minute, wireAt: (level: number) => SketchWire): Arm {
  const { frames, errors, boxes, level } = minute;
  return {
    release: role === 'baseline' ? 'cv-detector:1.8.2' : 'cv-detector:2.0.0',
    digest: role === 'baseline' ? BASELINE_DIGEST : CANDIDATE_DIGEST,
    role,
    frames,
    answered: frames - errors,
    errors: errors === 0 ? {} : { timeout: errors },
    latencyMs: wireAt(level),
    runMs: wireAt(level + Math.log(RUN_SHARE)),
    activeMs: MINUTE_MS,
    cpuSeconds: null,
    rssBytes: null,
    proxies: {
      detections: boxes,
      scoreSum: boxes * 0.7,
      byClass: { dent: boxes },
      borderline: 20,
      emptyFrames: 10,
      flickers: 1,
      trackFrames: 100,
      entropySum: 10,
    },
  };
}

function cameraOf({ frames, dropped }: Minute): Window['cameras'][number] {
  return {
    cameraId: 'cam-1',
    captured: frames + dropped,
    processed: frames,
    dropped: dropped === 0 ? {} : { stale: dropped },
    lostMs: 0,
    lumaShift: 0,
    sharpnessRatio: 1,
    saturatedShare: 0,
    redBlueRatio: 1,
    staticDetections: 0,
    trackedDetections: 10,
    healthy: true,
    finding: null,
  };
}

/** The normal quantile, by bisection: used a few times at the start. */
function probit(share: number): number {
  let [low, high] = [-6, 6];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Share of a normal below z: Abramowitz and Stegun 7.1.26, good to 1e-7. */
function normalShare(z: number): number {
  const t = 1 / (1 + 0.3275911 * (Math.abs(z) / Math.SQRT2));
  const series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const tail = (series * Math.exp(-(z ** 2) / 2)) / 2;
  return z >= 0 ? 1 - tail : tail;
}
