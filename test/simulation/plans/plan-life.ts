// One worked plan on a simulated fleet, from its file to its end: the production reader, judge and state machine; devices that
// prove, shadow, serve and go back as they are told; a person who promotes and approves what is ready. Virtual time.
import { readFileSync } from 'node:fs';
import {
  type Advance,
  advance,
  firstProgress,
  type Progress,
  type Standing,
  startBake,
  trackBreaches,
} from '../../../control-plane/core/advance.ts';
import { type AssessedDevice, type Assessment, assess } from '../../../control-plane/core/assess.ts';
import { cohortOrder } from '../../../control-plane/core/cohorts.ts';
import { type Decision, decide, type PersonRequest } from '../../../control-plane/core/decide.ts';
import { factsToDecide } from '../../../control-plane/core/decide-facts.ts';
import { rememberTotals, type TotalsMemory } from '../../../control-plane/core/device-memory.ts';
import { openRandom, type Random } from '../../../control-plane/core/random.ts';
import { assignStage, keyOf, type Role } from '../../../control-plane/core/stages.ts';
import { type Fleet, type FleetDevice, openFleet } from '../../../control-plane/simulation/fleet.ts';
import {
  BASELINE_DIGEST,
  CANDIDATE_DIGEST,
  MINUTE_MS,
  openWindowMaker,
  type WindowMaker,
} from '../../../control-plane/simulation/windows.ts';
import type { Window } from '../../../shared/measure/window.ts';
import { expandGuardrails, type Guardrail } from '../../../shared/rollout/guardrails.ts';
import { importShortForm } from '../../../shared/rollout/import-short-form.ts';
import { readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';
import type { RolloutSpec } from '../../../shared/rollout/rollout-file.ts';
import { type Candidate, dress, type Placed, reportIn } from './candidate.ts';
import { figuresOf } from './figures.ts';

export type PlanEnd = {
  readonly end: 'completed' | 'rolled_back' | 'held' | 'open';
  /** The guardrail that breached, or the rule that decided. */
  readonly by: string;
  readonly stage: string;
  readonly hours: number;
  readonly reason: string;
  /** What people did, in words. */
  readonly asked: readonly string[];
};

export type PlanRun = { readonly file: string; readonly candidate: Candidate; readonly seed: number };

const EXAMPLES = new URL('../../../scripts/examples/', import.meta.url);
const START_MS = 1_800_000_000_000;
const PER_FACTORY = 32;
const BASELINE_STEPS = 24;
/** Agents send windows of a minute; here one stands for five, or for thirty where a stage lasts a day. The fleet drifts per window. */
const STEP_MS = 5 * MINUTE_MS;
const LONG_STEP_MS = 30 * MINUTE_MS;
const SHORT_STEP_MS = MINUTE_MS;
const LONG_STAGE_MS = 8 * 60 * MINUTE_MS;
const SHORT_STAGE_MS = 30 * MINUTE_MS;
const STEPS_MAX = 2000;
const USUAL_LABELS = ['person', 'vehicle'];

type Rules = {
  readonly spec: RolloutSpec;
  readonly guardrails: readonly Guardrail[];
  readonly labels: readonly string[];
};

type Place = Placed & {
  readonly before: Window[];
  readonly since: Window[];
  readonly goesBack: boolean;
  role: Role;
  switchedAtMs: number | null;
  activatedAtMs: number | null;
  hasReverted: boolean;
};

type World = {
  readonly rules: Rules;
  readonly fleet: Fleet;
  /** By the place of the device in the fleet. */
  readonly places: readonly (Place | null)[];
  readonly ordered: readonly Place[];
  readonly makeWindow: WindowMaker;
  readonly memory: TotalsMemory;
};

export function runPlan(run: PlanRun): PlanEnd {
  const world = openWorld(run);
  let standing: Standing = { state: 'running', progress: firstProgress(START_MS, 'started', 'engineer') };
  let nowMs = START_MS;
  for (let step = -BASELINE_STEPS; step < 0; step += 1) live(world, START_MS + step * STEP_MS, STEP_MS);
  world.fleet.turnDay();
  assign(world, standing.progress, nowMs);
  const asked: string[] = [];
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const stepMs = stepOf(world.rules.spec, standing.progress);
    live(world, nowMs, stepMs);
    nowMs += stepMs;
    const request = requestIn(standing, world.rules.spec);
    if (request) asked.push(`${request.actor} ${request.verb}s ${stageName(world.rules, standing.progress)}`);
    const { next, decision, assessment } = decideOnce(world, standing, { nowMs, request });
    const stage = stageName(world.rules, standing.progress);
    const end = endOf(next, decision);
    if (end !== null) {
      const hours = (nowMs - START_MS) / (60 * MINUTE_MS);
      return { end, by: ruledBy(decision, assessment), stage, hours, reason: decision.reason, asked };
    }
    standing = { state: next.state, progress: next.progress };
    if (next.effect === 'assign') assign(world, standing.progress, nowMs);
  }
  return { end: 'open', by: '', stage: stageName(world.rules, standing.progress), hours: 0, reason: 'no end', asked };
}

export function readPlan(file: string): Rules {
  const read = readRolloutFile(textOf(file));
  if (!read.ok) throw new TypeError(`${file} is wrong: ${JSON.stringify(read.problems)}`);
  const { spec } = read.value;
  const named = spec.guardrails.flatMap(({ classes, expr }) => [...(classes ?? []), expr.parsed.class ?? []].flat());
  const labels = [...new Set([...named, ...USUAL_LABELS])];
  return { spec, labels, guardrails: expandGuardrails(spec, labels).guardrails };
}

/** The short form is translated first, as `belay rollout import` does it. */
function textOf(file: string): string {
  const text = readFileSync(new URL(file, EXAMPLES), 'utf8');
  if (!file.startsWith('short-form/')) return text;
  const imported = importShortForm(text, { owner: 'vision-team', backup: 'on-call-vision' });
  if (!imported.ok) throw new TypeError(`${file} cannot be imported: ${imported.reason}`);
  return imported.text;
}

function openWorld({ file, candidate, seed }: PlanRun): World {
  const rules = readPlan(file);
  const random = openRandom(seed, 'plans');
  const fleet = openFleet(seed, candidate.treatment, { perFactory: PER_FACTORY });
  const sites = [...new Set(fleet.devices.map(({ site }) => site))];
  const named = rules.spec.cohort.factories ?? sites;
  const siteOf = new Map(sites.map((site, at) => [site, named[at] ?? null]));
  const places = fleet.devices.map((device) => {
    const site = siteOf.get(device.site) ?? null;
    return site === null ? null : placeOf({ ...device, site }, { candidate, labels: rules.labels, random });
  });
  const ordered = named.flatMap((site) => {
    const here = places.filter((place) => place !== null && place.device.site === site) as Place[];
    const byDevice = new Map(here.map((place) => [place.device, place]));
    return cohortOrder([...byDevice.keys()]).flatMap((device) => byDevice.get(device) ?? []);
  });
  return { rules, fleet, places, ordered, makeWindow: openWindowMaker(), memory: rememberTotals() };
}

function placeOf(device: FleetDevice, shared: Omit<Placed, 'device'> & { readonly random: Random }): Place {
  const random = shared.random.fork(keyOf(device));
  const goesBack = random.chance(shared.candidate.revertShare);
  const state = { switchedAtMs: null, activatedAtMs: null, hasReverted: false, role: 'none' as const };
  return { ...shared, device, random, goesBack, before: [], since: [], ...state };
}

function stepOf({ stages }: RolloutSpec, { stageIndex }: Progress): number {
  const bakeMs = stages[stageIndex]?.bake ?? 0;
  if (bakeMs >= LONG_STAGE_MS) return LONG_STEP_MS;
  return bakeMs <= SHORT_STAGE_MS ? SHORT_STEP_MS : STEP_MS;
}

/** One window of everybody. */
function live({ fleet, places, makeWindow }: World, startAtMs: number, stepMs: number): void {
  const onCandidate = places.map((place) =>
    place?.switchedAtMs == null ? null : (startAtMs - place.switchedAtMs) / MINUTE_MS,
  );
  fleet.next(onCandidate).forEach((minute, at) => {
    const place = places[at];
    if (!place) return;
    const minutesOn = onCandidate[at] ?? null;
    const isTired = place.goesBack && minutesOn !== null && minutesOn >= place.candidate.revertAfterMinutes;
    if (isTired) Object.assign(place, { hasReverted: true, switchedAtMs: null });
    const serving = place.switchedAtMs === null ? 'baseline' : minutesOn === 0 ? 'both' : 'candidate';
    const made = makeWindow({ device: place.device, minute, startAtMs, serving });
    const window = dress({ ...made, endAtMs: startAtMs + stepMs }, place.role, place);
    (startAtMs < START_MS ? place.before : place.since).push(window);
  });
}

type Asked = { readonly nowMs: number; readonly request: PersonRequest | null };
type Decided = { readonly next: Advance; readonly decision: Decision; readonly assessment: Assessment };

function decideOnce({ rules, ordered, memory }: World, standing: Standing, { nowMs, request }: Asked): Decided {
  const { spec, guardrails } = rules;
  const { state } = standing;
  const devices = ordered.map((place) => assessedOf(place, nowMs));
  const asked = { nowMs, spec, guardrails, progress: standing.progress };
  const assessment = assess({ ...asked, candidateDigest: CANDIDATE_DIGEST, devices, memory });
  ordered.forEach((place, at) => {
    if (assessment.standings[at]?.isActive) place.activatedAtMs ??= nowMs;
  });
  const progress = observe(spec, standing, { assessment, nowMs });
  const decision = decide(factsToDecide({ ...asked, state, progress, assessment, kill: null, request }));
  const context = { nowMs, stages: spec.stages, isAbort: false, reverted: assessment.reverted, request };
  return { next: advance({ state, progress }, decision, context), decision, assessment };
}

/** What time and reports alone change, as the control plane does it. */
function observe(
  spec: RolloutSpec,
  { state, progress: before }: Standing,
  { assessment, nowMs }: { readonly assessment: Assessment; readonly nowMs: number },
): Progress {
  const breaching = assessment.verdicts.filter(({ verdict }) => verdict === 'breach').map(({ guardrail }) => guardrail);
  const progress = trackBreaches(before, breaching, nowMs);
  const stage = spec.stages[progress.stageIndex];
  const { pending, exposure } = assessment;
  const isReady = state === 'running' && progress.phase === 'settling' && pending === null && exposure.exposed > 0;
  if (!isReady || !stage) return progress;
  const settleMs = stage.mode === 'golden' ? 0 : spec.analysis.settle;
  return startBake(progress, { nowMs, bakeMs: stage.bake, settleMs });
}

function assessedOf(place: Place, nowMs: number): AssessedDevice {
  const { device, role, activatedAtMs, hasReverted, before, since } = place;
  const { site, hardwareClass, key } = device;
  const servesSinceMs = role === 'serve' ? place.switchedAtMs : null;
  return {
    ...{ site, device: device.device, hardwareClass, key, pin: null, role, online: true, lastSeenAtMs: nowMs },
    reported: reportIn(hasReverted ? 'none' : role, place, nowMs),
    activatedAtMs,
    hasRevertEvent: hasReverted,
    history: {
      ...{ site, device: device.device, hardwareClass, line: null, baselineDigest: BASELINE_DIGEST, before, since },
      business: figuresOf(place, { startMs: START_MS, nowMs, servesSinceMs }),
      servesSinceMs,
    },
  };
}

function assign({ rules, ordered }: World, { stageIndex }: Progress, nowMs: number): void {
  const stage = rules.spec.stages[stageIndex];
  if (!stage) throw new TypeError(`no stage ${stageIndex}`);
  const ledger = ordered.map(({ device, role }) => ({ ...device, role, pin: null }));
  const roles = assignStage(stage, ledger, rules.spec.cohort.minPerFactory);
  for (const place of ordered) {
    const role = roles.get(keyOf(place.device)) ?? 'none';
    if (role === place.role) continue;
    place.role = role;
    place.switchedAtMs = role === 'serve' ? nowMs : null;
    place.activatedAtMs = null;
  }
}

/** A person does what a ready stage waits for, and nothing else. */
function requestIn({ state, progress }: Standing, { stages, owners }: RolloutSpec): PersonRequest | null {
  if (state !== 'awaiting_approval') return null;
  const stage = stages[progress.stageIndex];
  const given = progress.approvals.map(({ actor }) => actor);
  if (stage?.promote === 'approval' && given.length >= stage.approvals) return null;
  const approver = [...owners.approvers, 'on-call'].find((name) => !given.includes(name)) ?? 'on-call';
  const verb = stage?.promote === 'approval' ? 'approve' : 'promote';
  return { verb, actor: approver, reason: 'ready', override: false, keep: false };
}

function endOf({ state }: Advance, { kind }: Decision): PlanEnd['end'] | null {
  if (kind === 'complete') return 'completed';
  if (state === 'rolling_back') return 'rolled_back';
  return state === 'holding' ? 'held' : null;
}

/** A breach is told by its guardrail. */
function ruledBy({ rule, reason }: Decision, { verdicts }: Assessment): string {
  if (rule !== 'guardrail-breach') return rule;
  return verdicts.find(({ sentence }) => sentence === reason)?.guardrail ?? rule;
}

function stageName({ spec }: Rules, { stageIndex }: Progress): string {
  return spec.stages[stageIndex]?.name ?? '';
}
