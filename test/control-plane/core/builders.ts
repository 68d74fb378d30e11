// Windows, histories and guardrails for tests of the judging core: seeded, so that every run sees the same fleet.
import { rememberTotals } from '../../../control-plane/core/device-memory.ts';
import type { DeviceHistory, Question } from '../../../control-plane/core/history.ts';
import { type Scatter, ScatterSum } from '../../../control-plane/core/scatter.ts';
import type { Selected } from '../../../control-plane/core/selected.ts';
import { encodeSketch, sketchOf } from '../../../shared/measure/latency-sketch.ts';
import { type Arm, type Paired, type Window, windowSchema } from '../../../shared/measure/window.ts';
import { parseExpression } from '../../../shared/rollout/expression.ts';
import { describeLimit, describeMetric } from '../../../shared/rollout/expression-text.ts';
import type { Guardrail } from '../../../shared/rollout/guardrails.ts';
import type { Minimum } from '../../../shared/rollout/rollout-file.ts';

export const BASELINE = 'b'.repeat(64);
export const CANDIDATE = 'c'.repeat(64);
export const START_MS = 1_000_000_000;
export const WINDOW_MS = 60_000;

/** Mulberry32: a small seeded generator, 0 ≤ x < 1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Sum of twelve uniforms: normal enough, mean 0, deviation 1. */
export function gaussian(random: () => number): number {
  return Array.from({ length: 12 }, random).reduce((total, value) => total + value, -6);
}

export type ArmInput = Partial<Pick<Arm, 'role' | 'digest' | 'frames' | 'errors'>> & {
  readonly latencyMs?: number;
  readonly detections?: Readonly<Record<string, number>>;
  readonly activeMs?: number;
};

export function armOf(input: ArmInput = {}): Arm {
  const {
    role = 'baseline',
    digest = BASELINE,
    frames = 300,
    errors = {},
    latencyMs = 20,
    detections = { dent: 60 },
  } = input;
  const failed = Object.values(errors).reduce((total, count) => total + count, 0);
  // A spread of latencies with its p95 near 1.3 times the middle.
  const latencies = Array.from({ length: 10 }, (_, i) => latencyMs * (0.85 + (0.5 * i) / 10));
  const found = Object.values(detections).reduce((total, count) => total + count, 0);
  return {
    release: digest === BASELINE ? 'cv-detector:1.8.2+data=aaaa' : 'cv-detector:2.0.0+data=bbbb',
    digest,
    role,
    frames,
    answered: frames - failed,
    errors,
    latencyMs: encodeSketch(sketchOf(latencies)),
    runMs: encodeSketch(sketchOf(latencies)),
    activeMs: input.activeMs ?? WINDOW_MS,
    cpuSeconds: null,
    rssBytes: null,
    proxies: {
      detections: found,
      scoreSum: found * 0.7,
      byClass: { ...detections },
      borderline: 20,
      emptyFrames: 10,
      flickers: 1,
      trackFrames: 100,
      entropySum: 10,
    },
  };
}

export type PairedInput = {
  readonly class: string;
  readonly base: number;
  readonly lost?: number;
  readonly wrong?: number;
  readonly gained?: number;
};

export function pairedOf(classes: readonly PairedInput[], border: { candidate: number } = { candidate: 20 }): Paired {
  return {
    baselineDigest: BASELINE,
    candidateDigest: CANDIDATE,
    frames: 100,
    offered: 100,
    classes: classes.map(({ class: label, base, lost = 0, wrong = 0, gained = 0 }) => ({
      class: label,
      baselineConfident: base,
      lost,
      wrongClass: wrong,
      candidateConfident: Math.max(gained, base - lost + gained),
      gained,
    })),
    baselineBoxes: 100,
    baselineBorderline: 20,
    candidateBoxes: 100,
    candidateBorderline: border.candidate,
  };
}

export type WindowInput = {
  readonly device?: string;
  readonly site?: string;
  readonly seq: number;
  readonly startAtMs: number;
  readonly arms: readonly Arm[];
  readonly partial?: boolean;
  readonly paired?: Paired | null;
  readonly healthy?: boolean | null;
  readonly temperatureC?: number | null;
};

export function windowOf(input: WindowInput): Window {
  const frames = input.arms.reduce((total, arm) => total + arm.frames, 0);
  return windowSchema.parse({
    v: 1,
    site: input.site ?? 'plant-a',
    device: input.device ?? 'dev-001',
    boot: 'boot-0001',
    seq: input.seq,
    startAtMs: input.startAtMs,
    endAtMs: input.startAtMs + WINDOW_MS,
    hardwareClass: 'orin-nx',
    cohortId: 'baseline',
    generation: 1,
    killEpoch: 0,
    partial: input.partial ?? false,
    arms: input.arms,
    paired: input.paired ?? null,
    cameras: [
      {
        cameraId: 'cam-1',
        captured: frames,
        processed: frames,
        dropped: {},
        lostMs: 0,
        lumaShift: 0,
        sharpnessRatio: 1,
        saturatedShare: 0,
        redBlueRatio: 1,
        staticDetections: 0,
        trackedDetections: 10,
        healthy: input.healthy === undefined ? true : input.healthy,
        finding: input.healthy === false ? 'the picture is dark' : null,
      },
    ],
    sensors: {
      temperatureC: input.temperatureC === undefined ? 55 : input.temperatureC,
      throttled: null,
      batteryPct: null,
      batteryCharging: null,
      cpuLoadPct: null,
      memoryUsedBytes: null,
      memoryTotalBytes: null,
    },
  });
}

export const STAGE_QUESTION: Question = {
  candidateDigest: CANDIDATE,
  mode: 'serve',
  stageStartedAtMs: START_MS,
  settleMs: 0,
  liveSinceMs: START_MS,
};

export type FleetInput = {
  readonly devices: number;
  readonly candidates: number;
  readonly seed: number;
  /** Candidate latency over baseline latency. */
  readonly latencyFactor?: number;
  readonly windowsBefore?: number;
  readonly windowsSince?: number;
  readonly hardwareClasses?: readonly string[];
};

/** A site as it behaves: devices differ, drift between days, and scatter from minute to minute. */
export function fleetOf(input: FleetInput): {
  readonly candidates: readonly DeviceHistory[];
  readonly controls: readonly DeviceHistory[];
} {
  const random = seeded(input.seed);
  const classes = input.hardwareClasses ?? ['orin-nx'];
  const drift = 0.06 * gaussian(random);
  const histories = Array.from({ length: input.devices }, (_, index) => {
    const own = 20 * Math.exp(0.15 * gaussian(random));
    const change = drift + 0.04 * gaussian(random);
    const device = `dev-${String(index).padStart(3, '0')}`;
    const isCandidate = index < input.candidates;
    const latency = (isSince: boolean) => own * Math.exp((isSince ? change : 0) + 0.04 * gaussian(random));
    const before = Array.from({ length: input.windowsBefore ?? 8 }, (_w, w) =>
      windowOf({
        device,
        seq: w + 1,
        startAtMs: START_MS - (10 - w) * WINDOW_MS,
        arms: [armOf({ latencyMs: latency(false) })],
      }),
    );
    const since = Array.from({ length: input.windowsSince ?? 8 }, (_w, w) => {
      const arm = isCandidate
        ? armOf({ digest: CANDIDATE, role: 'candidate', latencyMs: latency(true) * (input.latencyFactor ?? 1) })
        : armOf({ latencyMs: latency(true) });
      return windowOf({ device, seq: 100 + w, startAtMs: START_MS + w * WINDOW_MS, arms: [arm] });
    });
    return { ...historyOf(device, classes[index % classes.length]), before, since };
  });
  return { candidates: histories.slice(0, input.candidates), controls: histories.slice(input.candidates) };
}

export function selectCandidate(history: DeviceHistory, question: Question): Selected {
  return rememberTotals().candidate(history, question);
}

export function selectControl(history: DeviceHistory, question: Question): Selected {
  return rememberTotals().control(history, question);
}

export function scatterOf(values: readonly number[]): Scatter {
  const sum = new ScatterSum();
  for (const value of values) sum.add(value);
  return sum.read();
}

export function historyOf(device = 'dev-001', hardwareClass = 'orin-nx'): DeviceHistory {
  return { site: 'plant-a', device, hardwareClass, line: 'line-1', baselineDigest: BASELINE, before: [], since: [] };
}

export function guardrailOf(expr: string, minimum: Partial<Minimum> = {}): Guardrail {
  const parsed = parseExpression(expr);
  if (!parsed.ok) throw new Error(`${expr}: ${parsed.problem.message}`);
  return {
    id: 'g',
    expression: parsed.value,
    title: describeMetric(parsed.value),
    limitText: describeLimit(parsed.value.comparison),
    enforce: 'rollback',
    stages: null,
    forMs: parsed.value.forMs,
    minimum: {
      devices: 2,
      controls: 4,
      framesPerDevice: 1000,
      baseDetections: 30,
      objects: 30,
      minutes: 5,
      ...minimum,
    },
  };
}
