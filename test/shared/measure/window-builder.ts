// Windows for tests: complete and valid by default, any part replaceable.
import { encodeSketch, sketchOf } from '../../../shared/measure/latency-sketch.ts';
import { NO_SENSORS } from '../../../shared/measure/sensors.ts';
import type { Arm, Paired, Window } from '../../../shared/measure/window.ts';

export const BASELINE_DIGEST = 'a'.repeat(64);
export const CANDIDATE_DIGEST = 'b'.repeat(64);

export function buildArm(part: Partial<Arm> = {}): Arm {
  return {
    release: 'detector@1.8.2',
    digest: BASELINE_DIGEST,
    role: 'baseline',
    frames: 10,
    answered: 9,
    errors: { deadline: 1 },
    latencyMs: encodeSketch(sketchOf([10, 11, 12, 13, 14, 15, 16, 17, 90])),
    runMs: encodeSketch(sketchOf([5, 5, 5, 5, 6, 6, 6, 6, 7])),
    activeMs: 1000,
    cpuSeconds: 0.5,
    rssBytes: 1000,
    proxies: {
      detections: 12,
      scoreSum: 9,
      byClass: { scratch: 10, dent: 2 },
      borderline: 4,
      emptyFrames: 3,
      flickers: 1,
      trackFrames: 10,
      entropySum: 6,
    },
    ...part,
  };
}

export function buildPaired(part: Partial<Paired> = {}): Paired {
  return {
    baselineDigest: BASELINE_DIGEST,
    candidateDigest: CANDIDATE_DIGEST,
    frames: 8,
    offered: 10,
    classes: [
      { class: 'scratch', baselineConfident: 10, lost: 4, wrongClass: 1, candidateConfident: 8, gained: 2 },
      { class: 'spill', baselineConfident: 0, lost: 0, wrongClass: 0, candidateConfident: 3, gained: 3 },
    ],
    baselineBoxes: 20,
    baselineBorderline: 5,
    candidateBoxes: 10,
    candidateBorderline: 5,
    ...part,
  };
}

export function buildWindow(part: Partial<Window> = {}): Window {
  return {
    v: 1,
    site: 'plant-a',
    device: 'cam-01',
    boot: 'boot-0001',
    seq: 1,
    startAtMs: 1_000_000,
    endAtMs: 1_060_000,
    hardwareClass: 'x86-n100',
    cohortId: 'baseline',
    generation: 3,
    killEpoch: 0,
    partial: false,
    arms: [buildArm()],
    paired: null,
    cameras: [],
    sensors: {
      ...NO_SENSORS,
      temperatureC: 51.5,
      throttled: false,
      batteryPct: null,
      batteryCharging: null,
      cpuLoadPct: 40,
      memoryUsedBytes: 100,
      memoryTotalBytes: 200,
    },
    spoolDropped: {},
    ...part,
  };
}
