// One rollout on a simulated fleet, minute by minute: the production core assesses, decides and moves it; the fleet follows.
// No database, no network, no clock but its own.
import {
  type Advance,
  advance,
  firstProgress,
  type Standing,
  startBake,
  trackBreaches,
} from '../../../control-plane/core/advance.ts';
import { type AssessedDevice, type Assessment, assess } from '../../../control-plane/core/assess.ts';
import { cohortOrder } from '../../../control-plane/core/cohorts.ts';
import { type Decision, decide } from '../../../control-plane/core/decide.ts';
import { factsToDecide } from '../../../control-plane/core/decide-facts.ts';
import { rememberTotals, type TotalsMemory } from '../../../control-plane/core/device-memory.ts';
import { assignStage, keyOf, type Role } from '../../../control-plane/core/stages.ts';
import type { Window } from '../../../shared/measure/window.ts';
import type { Reported } from '../../../shared/protocol/reports.ts';
import type { Fleet, FleetDevice } from './fleet.ts';
import { reportOf } from './reports.ts';
import type { Ruled } from './rollout-texts.ts';
import { BASELINE_DIGEST, CANDIDATE_DIGEST, MINUTE_MS, type WindowMaker } from './windows.ts';

/** What the control plane reads of the time before a rollout. */
const BASELINE_MINUTES = 120;
const START_MS = 1_800_000_000_000;

/** A device as the control plane knows it, and how it lives on. */
type Place = {
  readonly device: FleetDevice;
  readonly before: Window[];
  readonly since: Window[];
  role: Role;
  /** Since when it has the candidate. */
  switchedAtMs: number | null;
  activatedAtMs: number | null;
  lastSeenAtMs: number;
  reported: Reported;
};

export type RolloutLife = {
  /** One more minute: windows arrive, then one decision is taken. */
  readonly tick: () => Tick;
  /** One more minute without a decision: for who looks on after the end. */
  readonly liveOn: () => void;
  /** Windows of every device, candidates marked: what other rules look at. */
  readonly places: () => readonly {
    readonly device: FleetDevice;
    readonly isCandidate: boolean;
    readonly before: readonly Window[];
    readonly since: readonly Window[];
  }[];
};

export type Tick = Standing & {
  /** Minutes since the start. */
  readonly minute: number;
  readonly nowMs: number;
  readonly decision: Decision;
  readonly assessment: Assessment;
};

export function openRolloutLife(fleet: Fleet, rules: Ruled, makeWindow: WindowMaker): RolloutLife {
  const places = inOrder(fleet.devices).map(placeOf);
  const atOf = new Map(fleet.devices.map((device, at) => [device, at]));
  const ordered = places.map(({ device }) => atOf.get(device) ?? 0);
  const live = (startAtMs: number): void => liveMinute({ fleet, places, ordered, makeWindow }, startAtMs);
  for (let minute = -BASELINE_MINUTES; minute < 0; minute += 1) live(START_MS + minute * MINUTE_MS);
  fleet.turnDay();
  const memory = rememberTotals();
  let nowMs = START_MS;
  let standing: Standing = { state: 'running', progress: firstProgress(nowMs, 'started') };
  assign(places, rules, standing, nowMs);
  return {
    places: () => places.map(({ role, ...place }) => ({ ...place, isCandidate: role === 'serve' })),
    liveOn: () => {
      live(nowMs);
      nowMs += MINUTE_MS;
    },
    tick: () => {
      live(nowMs);
      nowMs += MINUTE_MS;
      const { next, decision, assessment } = step({ places, rules, memory }, standing, nowMs);
      standing = { state: next.state, progress: next.progress };
      if (next.effect === 'assign') assign(places, rules, standing, nowMs);
      const minute = Math.round((nowMs - START_MS) / MINUTE_MS);
      return { ...standing, minute, nowMs, decision, assessment };
    },
  };
}

/** The order of cohorts is the production one, site by site. */
function inOrder(devices: readonly FleetDevice[]): readonly FleetDevice[] {
  const sites = [...new Set(devices.map(({ site }) => site))].sort();
  return sites.flatMap((site) => cohortOrder(devices.filter((device) => device.site === site)));
}

function placeOf(device: FleetDevice): Place {
  return {
    device,
    before: [],
    since: [],
    role: 'none',
    switchedAtMs: null,
    activatedAtMs: null,
    lastSeenAtMs: START_MS,
    reported: reportOf(device, 'baseline', START_MS),
  };
}

type World = {
  readonly fleet: Fleet;
  readonly places: readonly Place[];
  /** Which device of the fleet stands at which place. */
  readonly ordered: readonly number[];
  readonly makeWindow: WindowMaker;
};

function liveMinute({ fleet, places, ordered, makeWindow }: World, startAtMs: number): void {
  const minutesOn: (number | null)[] = fleet.devices.map(() => null);
  places.forEach(({ switchedAtMs }, at) => {
    minutesOn[ordered[at] ?? 0] = switchedAtMs === null ? null : (startAtMs - switchedAtMs) / MINUTE_MS;
  });
  const minutes = fleet.next(minutesOn);
  places.forEach((place, at) => {
    const minute = minutes[ordered[at] ?? 0];
    if (!minute || minute.isSilent) return;
    const { switchedAtMs, device } = place;
    const serving = switchedAtMs === null ? 'baseline' : switchedAtMs === startAtMs ? 'both' : 'candidate';
    const window = makeWindow({ device, minute, startAtMs, serving });
    if (startAtMs < START_MS) place.before.push(window);
    else place.since.push(window);
    place.lastSeenAtMs = startAtMs + MINUTE_MS;
    if (serving === 'both') place.reported = reportOf(device, 'candidate', place.lastSeenAtMs);
  });
}

type Step = { readonly next: Advance; readonly decision: Decision; readonly assessment: Assessment };

type Judging = { readonly places: readonly Place[]; readonly rules: Ruled; readonly memory: TotalsMemory };

function step({ places, rules, memory }: Judging, standing: Standing, nowMs: number): Step {
  const { state } = standing;
  const { spec, guardrails } = rules;
  const devices = places.map((place) => assessedOf(place));
  const assessment = assess({
    nowMs,
    spec,
    guardrails,
    progress: standing.progress,
    candidateDigest: CANDIDATE_DIGEST,
    devices,
    memory,
  });
  places.forEach((place, at) => {
    if (assessment.standings[at]?.isActive) place.activatedAtMs ??= nowMs;
  });
  const progress = observe(rules, standing, { assessment, nowMs });
  const decision = decide(
    factsToDecide({ nowMs, state, spec, guardrails, progress, assessment, kill: null, request: null }),
  );
  const context = { nowMs, stages: spec.stages, isAbort: false, reverted: assessment.reverted };
  return { next: advance({ state, progress }, decision, context), decision, assessment };
}

/** What time and reports alone change, as the control plane does it. */
function observe(
  { spec }: Ruled,
  { state, progress: before }: Standing,
  { assessment, nowMs }: { readonly assessment: Assessment; readonly nowMs: number },
): Standing['progress'] {
  const { verdicts, pending, exposure } = assessment;
  const breaching = verdicts.filter(({ verdict }) => verdict === 'breach').map(({ guardrail }) => guardrail);
  const progress = trackBreaches(before, breaching, nowMs);
  const stage = spec.stages[progress.stageIndex];
  const isReady = state === 'running' && progress.phase === 'settling' && pending === null && exposure.exposed > 0;
  if (!isReady || !stage) return progress;
  return startBake(progress, { nowMs, bakeMs: stage.bake, settleMs: spec.analysis.settle });
}

function assessedOf(place: Place): AssessedDevice {
  const { device, role, reported, activatedAtMs, lastSeenAtMs, before, since } = place;
  const { site, hardwareClass, key } = device;
  return {
    site,
    device: device.device,
    hardwareClass,
    key,
    pin: null,
    role,
    online: true,
    lastSeenAtMs,
    reported,
    activatedAtMs,
    hasRevertEvent: false,
    history: { site, device: device.device, hardwareClass, line: null, baselineDigest: BASELINE_DIGEST, before, since },
  };
}

function assign(places: readonly Place[], { spec }: Ruled, { progress }: Standing, nowMs: number): void {
  const stage = spec.stages[progress.stageIndex];
  if (!stage) throw new TypeError(`no stage ${progress.stageIndex}`);
  const ledger = places.map(({ device, role }) => ({ ...device, role, pin: null }));
  const roles = assignStage(stage, ledger, spec.cohort.minPerFactory);
  for (const place of places) {
    const role = roles.get(keyOf(place.device)) ?? 'none';
    if (role === place.role) continue;
    place.role = role;
    place.switchedAtMs = nowMs;
  }
}
