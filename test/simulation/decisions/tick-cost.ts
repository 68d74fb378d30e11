// How long a tick takes when the fleet is large: real windows of 10,000 devices, one more of each at every tick, 20 guardrails.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { firstProgress } from '../../../control-plane/core/advance.ts';
import { type AssessedDevice, assess } from '../../../control-plane/core/assess.ts';
import { decide } from '../../../control-plane/core/decide.ts';
import { factsToDecide } from '../../../control-plane/core/decide-facts.ts';
import { rememberTotals, type TotalsMemory } from '../../../control-plane/core/device-memory.ts';
import { FLEET, type FleetDevice, openFleet } from '../../../control-plane/simulation/fleet.ts';
import { reportOf } from '../../../control-plane/simulation/reports.ts';
import type { Ruled } from '../../../control-plane/simulation/rollout-life.ts';
import { UNCHANGED } from '../../../control-plane/simulation/treatments.ts';
import {
  BASELINE_DIGEST,
  CANDIDATE_DIGEST,
  MINUTE_MS,
  openWindowMaker,
} from '../../../control-plane/simulation/windows.ts';
import type { Window } from '../../../shared/measure/window.ts';
import { medianOf, type Outcome } from './outcome.ts';
import { readRules, STANDARD_MINIMUM } from './rollout-texts.ts';

const START_MS = 1_800_000_000_000;
const PAST_MINUTES = 30;
const FIRST_MINUTES = 30;
const TICKS = 12;
/** The first ticks read what was before, and warm the program up. */
const WARM_TICKS = 3;
const TICK_MS_MAX = 1000;
/** Of the heap, over all ticks after the warm ones: numbers per window may stay, windows and sketches may not. */
const GROWTH_SHARE_MAX = 0.05;

/** Every metric that devices are compared by, with several limits: twenty in all. */
const GUARDRAILS: readonly string[] = [
  ...['p50', 'p95', 'p99'].flatMap((aggregate) =>
    ['latency_ms', 'run_ms'].flatMap((metric) =>
      [1.1, 1.2].map((limit) => `${aggregate}(${metric}) <= baseline * ${limit}`),
    ),
  ),
  'rate(errors, frames) <= 0.5 %',
  'rate(errors, frames) <= baseline * 1.5',
  'rate(dropped, frames) <= 2 %',
  'rate(dropped, frames) <= baseline * 1.5',
  'mean(fps) >= baseline * 0.95',
  'mean(soc_temp_c) <= baseline + 5',
  'mean(detections_per_frame) within baseline +/- 30 %',
  'mean(detections_per_frame) <= baseline * 1.5',
].map((expr, at) => `{ id: g${at}, expr: "${expr}", enforce: rollback }`);

/**
 * Hit when a tick is quick enough and the heap stays as it is; the value is the median tick in ms. `also`: smaller fleets, whose
 * median ticks are told beside it: the cost grows no faster than the fleet.
 */
export function measureTicks({
  devices,
  also = [],
}: {
  readonly devices: number;
  readonly also?: readonly number[];
}): Outcome {
  const smaller = also.map((size) => [`ms of ${size} devices`, Math.round(measureFleet(size).value)] as const);
  const { value, growthShare, detail } = measureFleet(devices);
  const isHit = value <= TICK_MS_MAX && growthShare <= GROWTH_SHARE_MAX;
  return { isHit, value: Math.round(value), detail: JSON.stringify({ ...detail, ...Object.fromEntries(smaller) }) };
}

function measureFleet(devices: number) {
  const rules = readRules({
    stages: ['{ name: quarter, percent: 25, bake: 1d }', '{ name: full, percent: 100, bake: 1d }'],
    guardrails: GUARDRAILS,
    minimum: STANDARD_MINIMUM,
  });
  const fleet = openFleet(1, UNCHANGED, { perFactory: devices / FLEET.factories });
  const lives = livesOf(fleet.devices);
  const memory = rememberTotals();
  const ticksMs: number[] = [];
  let heapAtFirst = 0;
  for (let at = 0; at < TICKS; at += 1) {
    for (const life of lives) life.since.push(...life.coming.slice(at, at + 1));
    const startedAtMs = performance.now();
    tick({ lives, rules, memory }, START_MS + (FIRST_MINUTES + at + 1) * MINUTE_MS);
    ticksMs.push(performance.now() - startedAtMs);
    if (at === WARM_TICKS - 1) heapAtFirst = heapBytes();
  }
  const heapAtLast = heapBytes();
  // Asked for after the heap was read: whatever is still needed is not collected before.
  const windows = lives.reduce((total, { before, since }) => total + before.length + since.length, 0);
  tick({ lives, rules, memory }, START_MS + (FIRST_MINUTES + TICKS) * MINUTE_MS);
  const value = medianOf(ticksMs.slice(WARM_TICKS)) ?? Number.POSITIVE_INFINITY;
  const growthShare = (heapAtLast - heapAtFirst) / heapAtFirst;
  const detail = {
    windows,
    firstTickMs: Math.round(ticksMs[0] ?? 0),
    slowestTickMs: Math.round(Math.max(...ticksMs.slice(WARM_TICKS))),
    heapMb: Math.round(heapAtLast / 1e6),
    heapGrowthMb: Math.round((heapAtLast - heapAtFirst) / 1e6),
  };
  return { value, growthShare, detail };
}

type Life = {
  readonly device: FleetDevice;
  readonly isCandidate: boolean;
  readonly before: readonly Window[];
  readonly since: Window[];
  /** All windows are made beforehand, so that what grows is the judge alone. */
  readonly coming: readonly Window[];
};

function livesOf(devices: readonly FleetDevice[]): readonly Life[] {
  const makeTemplate = openWindowMaker();
  const templates = openFleet(2, UNCHANGED, { perFactory: 100 });
  const pool = templates.next([]).map((minute, at) => {
    const device = templates.devices[at] ?? devices[0];
    if (!device) throw new TypeError('a fleet of no devices');
    const make = (serving: 'baseline' | 'candidate') => makeTemplate({ device, minute, startAtMs: START_MS, serving });
    return { baseline: make('baseline'), candidate: make('candidate') };
  });
  return devices.map((device, at) => {
    const isCandidate = at % 4 === 0;
    const windowAt = (minute: number): Window => {
      const both = pool[(at * 7 + minute * 13 + 7919) % pool.length];
      const template = isCandidate && minute >= 0 ? both?.candidate : both?.baseline;
      if (!template) throw new TypeError('no window to copy');
      const startAtMs = START_MS + minute * MINUTE_MS;
      return { ...template, site: device.site, device: device.device, startAtMs, endAtMs: startAtMs + MINUTE_MS };
    };
    const span = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => windowAt(from + i));
    return {
      device,
      isCandidate,
      before: span(-PAST_MINUTES, 0),
      since: span(0, FIRST_MINUTES),
      coming: span(FIRST_MINUTES, FIRST_MINUTES + TICKS),
    };
  });
}

type Judging = { readonly lives: readonly Life[]; readonly rules: Ruled; readonly memory: TotalsMemory };

function tick({ lives, rules, memory }: Judging, nowMs: number): void {
  const { spec, guardrails } = rules;
  const progress = { ...firstProgress(START_MS, 'started'), phase: 'baking' as const, lookAtMs: nowMs + MINUTE_MS };
  const devices = lives.map((life): AssessedDevice => assessedOf(life, nowMs));
  const assessment = assess({ nowMs, spec, guardrails, progress, candidateDigest: CANDIDATE_DIGEST, devices, memory });
  decide(factsToDecide({ nowMs, state: 'running', spec, guardrails, progress, assessment, kill: null, request: null }));
}

function assessedOf({ device, isCandidate, before, since }: Life, nowMs: number): AssessedDevice {
  const { site, hardwareClass, key, device: name } = device;
  return {
    site,
    device: name,
    hardwareClass,
    key,
    pin: null,
    role: isCandidate ? 'serve' : 'none',
    online: true,
    lastSeenAtMs: nowMs,
    reported: reportOf(device, isCandidate ? 'candidate' : 'baseline', nowMs),
    activatedAtMs: isCandidate ? START_MS : null,
    hasRevertEvent: false,
    history: { site, device: name, hardwareClass, line: null, baselineDigest: BASELINE_DIGEST, before, since },
  };
}

/** After a full collection. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  return process.memoryUsage().heapUsed;
}
