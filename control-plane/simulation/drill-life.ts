// A rehearsal on the simulated fleet, in steps of ten seconds: devices take a candidate that fails, the production core judges,
// decides and rolls back, and the fleet reports. No database, no network, no clock but its own.
import type { DrillFailure } from '../../shared/release/drill.ts';
import { type Advance, advance, firstProgress, type Standing } from '../core/advance.ts';
import { type Assessment, assess } from '../core/assess.ts';
import { decide } from '../core/decide.ts';
import { factsToDecide } from '../core/decide-facts.ts';
import type { Decision, PersonRequest } from '../core/decision.ts';
import { rememberTotals, type TotalsMemory } from '../core/device-memory.ts';
import type { DrillFacts } from '../core/drill.ts';
import { type Ending, judgeRollback } from '../core/finish.ts';
import { keyOf } from '../core/stages.ts';
import { TREATMENTS, whyBack } from './drill-faults.ts';
import { FLEET, type Fleet, type Minute, openFleet } from './fleet.ts';
import { reportOf } from './reports.ts';
import { assessedOf, assign, inOrder, observe, type Place, placeOf, type Ruled, START_MS } from './rollout-life.ts';
import { BASELINE_DIGEST, CANDIDATE_DIGEST, openWindowMaker, type WindowMaker } from './windows.ts';

/** Devices send a window as often. */
export const STEP_MS = 10_000;
/** A device's own past before the drill. */
const PAST_STEPS = 60;
/** A drill in which nothing is found ends then. */
const STEPS_MAX = 90;
/** Where a rollout is only held, the one on call decides so long after. */
const REACTION_MS = 30_000;
const ON_CALL: PersonRequest = {
  verb: 'rollback',
  actor: 'the one on call',
  reason: 'held in a drill',
  override: false,
  keep: false,
};

export type SimulatedDrill = {
  readonly failure: DrillFailure;
  readonly devices: number;
  readonly seed: number;
  readonly rules: Ruled;
  /** Guardrails of the given file that are not rehearsed. */
  readonly leftOut: readonly string[];
};

/** As many as wanted, as near as four factories of one size allow. */
export function perFactoryOf(devices: number): number {
  return Math.max(2, Math.round(devices / FLEET.factories));
}

type DrillPlace = Place & {
  /** Since when it is ordered back. */
  orderedBackAtMs: number | null;
  /** Why it took itself back; null: it did not. */
  wentBack: string | null;
  answered: boolean;
};

type Run = {
  readonly drill: SimulatedDrill;
  readonly fleet: Fleet;
  readonly places: readonly DrillPlace[];
  readonly ordered: readonly number[];
  readonly makeWindow: WindowMaker;
  readonly memory: TotalsMemory;
  readonly timeline: { atMs: number; text: string }[];
  standing: Standing;
  nowMs: number;
  firstBadAtMs: number | null;
  detected: DrillFacts['detected'];
  decided: DrillFacts['decided'];
  heldAtMs: number | null;
  backAtMs: number | null;
};

export function runSimulatedDrill(drill: SimulatedDrill): DrillFacts {
  const run = openRun(drill);
  let ending: Ending | null = null;
  for (let at = 0; at < STEPS_MAX && run.backAtMs === null; at += 1) {
    liveStep(run);
    if (run.standing.state === 'rolling_back') ending = lookBack(run);
    else judgeStep(run);
  }
  return {
    failure: drill.failure,
    assigned: run.places.filter(({ role }) => role !== 'none').length,
    exposed: run.places.filter(({ answered }) => answered).length,
    firstBadAtMs: run.firstBadAtMs,
    detected: run.detected,
    decided: run.decided,
    backAtMs: run.backAtMs,
    stragglers: ending?.stragglers ?? [],
    timeline: run.timeline,
    assumptions: [
      `a simulated fleet, seed ${drill.seed}, one window of every device each ${STEP_MS / 1000} s; real agents send one a minute unless they are told otherwise`,
      'guardrails, decisions and cohorts are those of the product; local limits are a simple model of the agent’s',
      ...(drill.leftOut.length === 0
        ? []
        : [`guardrails that need more than live frames are left out: ${drill.leftOut.join(', ')}`]),
      ...(run.decided?.by === ON_CALL.actor ? [`the one on call decides ${REACTION_MS / 1000} s after the hold`] : []),
    ],
  };
}

function openRun(drill: SimulatedDrill): Run {
  const fleet = openFleet(drill.seed, TREATMENTS[drill.failure], { perFactory: perFactoryOf(drill.devices) });
  const atOf = new Map(fleet.devices.map((device, at) => [device, at]));
  const devices = inOrder(fleet.devices);
  const places = devices.map(
    (device): DrillPlace => ({ ...placeOf(device), orderedBackAtMs: null, wentBack: null, answered: false }),
  );
  const run: Run = {
    drill,
    fleet,
    places,
    ordered: devices.map((device) => atOf.get(device) ?? 0),
    makeWindow: openWindowMaker(),
    memory: rememberTotals(),
    timeline: [],
    standing: { state: 'running', progress: firstProgress(START_MS, 'drill') },
    nowMs: START_MS - PAST_STEPS * STEP_MS,
    firstBadAtMs: null,
    detected: null,
    decided: null,
    heldAtMs: null,
    backAtMs: null,
  };
  for (let at = 0; at < PAST_STEPS; at += 1) liveStep(run);
  assign(places, drill.rules, run.standing, START_MS);
  return run;
}

/** One window of every device; `nowMs` is its end afterwards. */
function liveStep(run: Run): void {
  const startAtMs = run.nowMs;
  run.nowMs += STEP_MS;
  const stepsOn: (number | null)[] = run.fleet.devices.map(() => null);
  run.places.forEach((place, at) => {
    const sinceMs = hasCandidate(place) ? place.switchedAtMs : null;
    stepsOn[run.ordered[at] ?? 0] = sinceMs === null ? null : (startAtMs - sinceMs) / STEP_MS;
  });
  const minutes = run.fleet.next(stepsOn);
  run.places.forEach((place, at) => {
    const minute = minutes[run.ordered[at] ?? 0];
    if (minute) liveDevice(run, place, { minute, startAtMs });
  });
}

function hasCandidate({ role, orderedBackAtMs, wentBack }: DrillPlace): boolean {
  return role === 'serve' && orderedBackAtMs === null && wentBack === null;
}

type Lived = { readonly minute: Minute; readonly startAtMs: number };

function liveDevice(run: Run, place: DrillPlace, { minute, startAtMs }: Lived): void {
  const { failure, rules } = run.drill;
  const isOn = hasCandidate(place);
  if (isOn) tryCandidate(run, place, startAtMs);
  if (minute.isSilent) return;
  if (isOn) {
    const forMs = run.nowMs - (place.switchedAtMs ?? startAtMs);
    place.wentBack = whyBack(failure, rules.spec.limits, { forMs, temperatureC: minute.temperatureC });
  }
  const window = run.makeWindow({
    device: place.device,
    minute,
    startAtMs,
    serving: servingOf(run, place, startAtMs),
    lengthMs: STEP_MS,
  });
  (startAtMs < START_MS ? place.before : place.since).push(window);
  place.lastSeenAtMs = run.nowMs;
  report(run, place);
}

/** The first frame of the first device, or its first golden answer, is where the clock of a drill starts. */
function tryCandidate(run: Run, place: DrillPlace, startAtMs: number): void {
  if (run.firstBadAtMs === null) {
    run.firstBadAtMs = startAtMs;
    run.timeline.push({ atMs: startAtMs, text: `the first device has the candidate: ${keyOf(place.device)}` });
  }
  place.answered = true;
}

function servingOf({ drill }: Run, place: DrillPlace, startAtMs: number): 'baseline' | 'candidate' | 'both' {
  if (place.role !== 'serve' || drill.failure === 'bad-golden') return 'baseline';
  if (place.switchedAtMs === startAtMs || place.orderedBackAtMs === startAtMs) return 'both';
  if (place.wentBack !== null || place.orderedBackAtMs !== null)
    return place.reported.phase === 'candidate' ? 'both' : 'baseline';
  return 'candidate';
}

function report(run: Run, place: DrillPlace): void {
  const { device, wentBack } = place;
  if (wentBack === null) {
    place.reported = reportOf(device, hasCandidate(place) ? 'candidate' : 'baseline', run.nowMs);
    return;
  }
  const kind = run.drill.failure === 'bad-golden' ? 'proof-failed' : run.drill.failure === 'crash' ? 'crash' : 'breach';
  const entry = { digest: CANDIDATE_DIGEST, release: 'cv-detector:2.0.0', reason: wentBack, kind, sinceMs: run.nowMs };
  place.reported = { ...reportOf(device, 'baseline', run.nowMs), quarantine: [entry] };
  notice(run, `the devices themselves (${wentBack})`, `${keyOf(device)} goes back by itself: ${wentBack}`);
}

function notice(run: Run, by: string, text: string): void {
  if (run.detected !== null) return;
  run.detected = { atMs: run.nowMs, by };
  tell(run, text);
}

/** A sentence is told once. */
function tell({ timeline, nowMs }: Run, text: string): void {
  if (timeline.at(-1)?.text !== text) timeline.push({ atMs: nowMs, text });
}

function judgeStep(run: Run): void {
  const { drill, places, standing, nowMs } = run;
  const { spec, guardrails } = drill.rules;
  const assessment = assess({
    nowMs,
    spec,
    guardrails,
    progress: standing.progress,
    candidateDigest: CANDIDATE_DIGEST,
    devices: places.map(assessedOf),
    memory: run.memory,
  });
  places.forEach((place, at) => {
    if (assessment.standings[at]?.isActive) place.activatedAtMs ??= nowMs;
  });
  const progress = observe(drill.rules, standing, { assessment, nowMs });
  const request = run.heldAtMs !== null && nowMs - run.heldAtMs >= REACTION_MS ? ON_CALL : null;
  const { state } = standing;
  const decision = decide(factsToDecide({ nowMs, state, spec, guardrails, progress, assessment, kill: null, request }));
  const context = { nowMs, stages: spec.stages, isAbort: false, reverted: assessment.reverted, request };
  move(run, { decision, assessment, next: advance({ state, progress }, decision, context) });
}

type Moved = { readonly decision: Decision; readonly assessment: Assessment; readonly next: Advance };

function move(run: Run, { decision, next }: Moved): void {
  const { nowMs, places, drill } = run;
  const wasHeld = run.standing.state === 'holding';
  run.standing = { state: next.state, progress: next.progress };
  if (next.state === 'holding' && !wasHeld) {
    run.heldAtMs = nowMs;
    notice(run, `the control plane (${decision.rule})`, `held: ${decision.reason}`);
  }
  if (next.state !== 'holding') run.heldAtMs = null;
  if (next.effect === 'assign') assign(places, drill.rules, run.standing, nowMs);
  if (next.effect !== 'restore') return;
  notice(run, `the control plane (${decision.rule})`, `rollback: ${decision.reason}`);
  run.decided = {
    atMs: nowMs,
    by: decision.rule.startsWith('person') ? ON_CALL.actor : `the control plane (${decision.rule})`,
  };
  tell(run, `rollback: ${decision.reason}`);
  for (const place of places) if (place.role !== 'none') place.orderedBackAtMs = nowMs;
}

/** Whether everyone reports frames answered by the baseline, by the production rule. */
function lookBack(run: Run): Ending {
  const devices = run.places
    .filter(({ role }) => role !== 'none')
    .map(({ device, reported, wentBack }) => ({
      device: keyOf(device),
      online: true,
      reported,
      baseline: { release: 'cv-detector:1.8.2', digest: BASELINE_DIGEST },
      isReverted: wentBack !== null,
    }));
  const ending = judgeRollback(devices, CANDIDATE_DIGEST);
  if (ending.isDone) {
    run.backAtMs = run.nowMs;
    tell(run, ending.sentence);
  }
  return ending;
}
