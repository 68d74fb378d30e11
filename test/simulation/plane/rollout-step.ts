// One step of a rollout as the control plane takes it: the real core over rows of the simulated database. Reading and
// writing are apart, so that a leader can stall in between and write what it decided on old facts.
import {
  type Advance,
  advance,
  type Effect,
  firstProgress,
  type Progress,
  startBake,
  trackBreaches,
} from '../../../control-plane/core/advance.ts';
import { type AssessedDevice, assess } from '../../../control-plane/core/assess.ts';
import { decide, type PersonRequest } from '../../../control-plane/core/decide.ts';
import { factsToDecide } from '../../../control-plane/core/decide-facts.ts';
import { desiredInStage, desiredOutside } from '../../../control-plane/core/desired.ts';
import { judgeCommit, judgeRollback } from '../../../control-plane/core/finish.ts';
import { coveringKill } from '../../../control-plane/core/kill-cover.ts';
import { buildPlan } from '../../../control-plane/core/plan.ts';
import { mix } from '../../../control-plane/core/random.ts';
import { keyOf } from '../../../control-plane/core/stages.ts';
import { supersede } from '../../../control-plane/core/supersede.ts';
import { isOnline } from '../../../control-plane/devices/device.ts';
import type { RolloutState } from '../../../shared/protocol/api-rollouts.ts';
import type { LeaseTerms, ReleaseRef } from '../../../shared/protocol/documents.ts';
import type { Wiring } from '../wiring.ts';
import { rolloutFileOf } from './rollout-files.ts';
import type { LedgerRow, RolloutRow, Store } from './store.ts';

/** What a leader will write when it comes to it, decided on the rows it has read. */
export type Draft = {
  readonly read: RolloutRow;
  readonly ledger: readonly LedgerRow[];
  readonly state: RolloutState;
  readonly progress: Progress;
  readonly effect: Effect;
  readonly isTransition: boolean;
  readonly kind: string;
  readonly activated: readonly string[];
  /** A kill was in force when the facts were read. */
  readonly kill: string | null;
};

const ENDED: readonly RolloutState[] = ['rolled_back', 'completed', 'aborted', 'superseded'];

/** What a person asks of a rollout; the next one may be wanted in its place. */
export type Asked = PersonRequest | { readonly verb: 'supersede'; readonly actor: string; readonly reason: string };

/** Reads the rows and decides; nothing is written. */
export function draftStep(store: Store, row: RolloutRow, asked: Asked | null, nowMs: number): Draft | null {
  const ledger = store.ledgers.get(row.id) ?? [];
  const kill = coveringKill(
    store.kills.filter((record) => record.cleared === null),
    {
      rolloutId: row.id,
      candidateDigest: row.candidate.digest,
      sites: [...new Set(row.plan.devices.map(({ site }) => site))],
      endedAtMs: row.endedAtMs,
    },
  );
  const known = ledger.map((place) => assessedOf(store, row, place, nowMs));
  const situation = { store, row, ledger, known, kill, nowMs };
  if (asked?.verb === 'supersede') return draftSuperseded(situation, asked);
  const request = asked;
  const isUndo = request?.verb === 'rollback' || request?.verb === 'abort';
  if (row.state === 'rolling_back') return draftEnding(situation, 'rolling_back');
  if (row.progress.phase === 'committing' && !isUndo) return draftEnding(situation, 'committing');
  return draftDecision(situation, request);
}

type Situation = {
  readonly store: Store;
  readonly row: RolloutRow;
  readonly ledger: readonly LedgerRow[];
  readonly known: readonly AssessedDevice[];
  readonly kill: string | null;
  readonly nowMs: number;
};

/** Null: it has ended, goes back already or completes. */
function draftSuperseded(
  { row, ledger, kill, nowMs }: Situation,
  { actor, reason }: Omit<Asked, 'verb'>,
): Draft | null {
  const found = supersede(row, { by: 'the next rollout', actor, reason, nowMs });
  if (found.kind !== 'moves') return null;
  return { read: row, ledger, ...found.advance, kind: found.decision.kind, activated: [], kill };
}

function draftDecision({ row, ledger, known, kill, nowMs }: Situation, request: PersonRequest | null): Draft {
  const { spec, guardrails } = row;
  const assessment = assess({
    nowMs,
    spec,
    guardrails,
    progress: row.progress,
    candidateDigest: row.candidate.digest,
    devices: known,
  });
  const progress = observe(row, assessment, nowMs);
  const decision = decide(
    factsToDecide({ nowMs, state: row.state, spec, guardrails, progress, assessment, kill, request }),
  );
  const next: Advance = advance({ state: row.state, progress }, decision, {
    nowMs,
    stages: spec.stages,
    isAbort: request?.verb === 'abort',
    reverted: assessment.reverted,
  });
  const activated = known
    .filter((device, at) => device.activatedAtMs === null && assessment.standings[at]?.isActive)
    .map(keyOf);
  return { read: row, ledger, ...next, kind: decision.kind, activated, kill };
}

function observe(row: RolloutRow, seen: ReturnType<typeof assess>, nowMs: number): Progress {
  const breaching = seen.verdicts.filter(({ verdict }) => verdict === 'breach').map(({ guardrail }) => guardrail);
  const progress = trackBreaches(row.progress, breaching, nowMs);
  const stage = row.spec.stages[progress.stageIndex];
  const isReady =
    row.state === 'running' && progress.phase === 'settling' && seen.pending === null && seen.exposure.exposed > 0;
  if (!isReady || !stage) return progress;
  const settleMs = stage.mode === 'golden' ? 0 : row.spec.analysis.settle;
  return startBake(progress, { nowMs, bakeMs: stage.bake, settleMs });
}

function draftEnding({ row, ledger, known, kill }: Situation, way: 'rolling_back' | 'committing'): Draft | null {
  const devices = known.flatMap((device, at) => {
    const place = ledger[at];
    const isLeftOut =
      way === 'committing' || row.progress.phase === 'committing' ? place?.pin === 'baseline' : place?.role === 'none';
    if (!place || isLeftOut) return [];
    const isReverted = device.reported?.quarantine.some(({ digest }) => digest === row.candidate.digest) ?? false;
    const { online, reported } = device;
    return [{ device: keyOf(device), online, reported, baseline: place.baseline, isReverted }];
  });
  const judgeEnd = way === 'rolling_back' ? judgeRollback : judgeCommit;
  const ending = judgeEnd(devices, row.candidate.digest);
  if (!ending.isDone || (way === 'committing' && kill !== null)) return null;
  const state = way === 'rolling_back' ? row.progress.endAs : 'completed';
  const { progress } = row;
  return { read: row, ledger, state, progress, effect: 'none', isTransition: true, kind: 'end', activated: [], kill };
}

function assessedOf(store: Store, row: RolloutRow, place: LedgerRow, nowMs: number): AssessedDevice {
  const key = keyOf(place);
  const device = store.devices.get(key);
  const windows = store.windows.get(key) ?? [];
  const since = row.progress.incidentsSinceMs;
  const hasRevertEvent = (store.events.get(key) ?? []).some(
    ({ event, receivedAtMs }) =>
      receivedAtMs >= since &&
      event.digest === row.candidate.digest &&
      (event.kind === 'reverted' || event.kind === 'quarantined'),
  );
  return {
    ...place,
    online: device !== undefined && isOnline(device, nowMs),
    lastSeenAtMs: device?.lastSeenAtMs ?? 0,
    reported: device?.reported ?? null,
    hasRevertEvent,
    history: {
      site: place.site,
      device: place.device,
      hardwareClass: place.hardwareClass,
      line: null,
      baselineDigest: place.baseline.digest,
      before: windows.filter((window) => window.endAtMs <= row.createdAtMs),
      since: windows.filter((window) => window.startAtMs >= row.createdAtMs),
    },
  };
}

/** Writes a draft, all rows at once; not when somebody else moved the rollout since it was read. */
export function writeStep(
  store: Store,
  draft: Draft,
  wiring: Wiring,
  nowMs: number,
): 'written' | 'nothing' | 'conflict' {
  const { read } = draft;
  markActivated(store, draft, nowMs);
  const isSame = draft.state === read.state && JSON.stringify(draft.progress) === JSON.stringify(read.progress);
  if (!draft.isTransition && isSame) return 'nothing';
  const stored = store.rollouts.get(read.id);
  if (!stored || !wiring.mayWrite({ read: read.version, stored: stored.version })) return 'conflict';
  const endedAtMs = ENDED.includes(draft.state) ? nowMs : null;
  const { state, progress } = draft;
  store.rollouts.set(read.id, { ...read, state, progress, endedAtMs, version: read.version + 1 });
  if (draft.effect === 'assign') assign(store, draft, wiring, nowMs);
  if (draft.effect === 'restore') restore(store, draft, nowMs);
  if (draft.effect === 'commit') {
    for (const place of draft.ledger.filter(({ pin }) => pin !== 'baseline'))
      store.writeDesired(place, (previous) => desiredOutside(read.candidate, previous), { nowMs });
  }
  return 'written';
}

function markActivated(store: Store, { read, activated }: Draft, nowMs: number): void {
  if (activated.length === 0) return;
  const ledger = store.ledgers.get(read.id) ?? [];
  const marked = ledger.map((place) =>
    place.activatedAtMs === null && activated.includes(keyOf(place)) ? { ...place, activatedAtMs: nowMs } : place,
  );
  store.ledgers.set(read.id, marked);
}

function assign(store: Store, { read, ledger, progress }: Draft, wiring: Wiring, nowMs: number): void {
  const { lease } = read;
  const stage = read.spec.stages[progress.stageIndex];
  if (!stage) throw new TypeError(`no stage ${progress.stageIndex}`);
  const roles = wiring.assignStage(stage, ledger, read.spec.cohort.minPerFactory);
  const current = store.ledgers.get(read.id) ?? [];
  const moved = current.map((place) => {
    const role = roles.get(keyOf(place)) ?? 'none';
    return role === place.role ? place : { ...place, role, activatedAtMs: null };
  });
  store.ledgers.set(read.id, moved);
  for (const place of ledger) {
    const role = roles.get(keyOf(place)) ?? ('none' as const);
    if (role === 'none' && place.role === 'none') continue;
    const placement = {
      role,
      baseline: place.baseline,
      candidate: read.candidate,
      rolloutId: read.id,
      stage: stage.name,
      sampleEvery: stage.sampleEvery,
      limits: read.spec.limits,
      lease,
      requireWarm: false,
    };
    store.writeDesired(place, (previous) => desiredInStage(placement, previous), { nowMs });
  }
}

function restore(store: Store, { ledger, progress }: Draft, nowMs: number): void {
  const touched =
    progress.phase === 'committing'
      ? ledger.filter(({ pin }) => pin !== 'baseline')
      : ledger.filter(({ role }) => role !== 'none');
  for (const place of touched)
    store.writeDesired(place, (previous) => desiredOutside(place.baseline, previous), { nowMs });
}

/** Plans a rollout and, when nothing stands in the way, writes it with its first stage. Null when it is refused. */
export function startRollout(
  store: Store,
  from: {
    readonly id: string;
    readonly candidate: ReleaseRef;
    readonly fileIndex: number;
    readonly lease: LeaseTerms;
    readonly wiring: Wiring;
    readonly nowMs: number;
  },
): RolloutRow | null {
  const { id, candidate, nowMs } = from;
  const { file, guardrails } = rolloutFileOf(from.fileIndex, candidate.release);
  const kill = coveringKill(
    store.kills.filter((record) => record.cleared === null),
    { rolloutId: id, candidateDigest: candidate.digest, sites: [], endedAtMs: null },
  );
  const devices = [...store.devices.values()].map((device) => ({
    ...device,
    line: null,
    online: isOnline(device, nowMs),
    baseline: device.reported?.committed ?? null,
    key: mix(1, `${id} ${device.device}`) * 65_536 + (mix(2, device.device) % 65_536),
    quarantinesCandidate: device.reported?.quarantine.some(({ digest }) => digest === candidate.digest) ?? false,
    busyWith: null,
  }));
  const plan = buildPlan(
    {
      file,
      fileHash: candidate.digest,
      salt: id,
      candidate,
      guardrails,
      devices,
      readiness: [],
      refusals: kill === null ? [] : [kill],
      plannedAtMs: nowMs,
    },
    () => candidate.digest,
  );
  if (plan.refusals.length > 0) return null;
  const progress = firstProgress(nowMs, 'started');
  const { spec } = file;
  const row: RolloutRow = {
    id,
    version: 1,
    state: 'running',
    candidate,
    createdAtMs: nowMs,
    endedAtMs: null,
    plan,
    progress,
    spec,
    guardrails,
    lease: from.lease,
  };
  const ledger = plan.devices.flatMap((device): LedgerRow[] => {
    const { site, device: name, hardwareClass, position, pin, baseline } = device;
    if (baseline === null) return [];
    const place = { site, device: name, hardwareClass, key: position, position, pin, baseline };
    return [{ ...place, line: null, role: 'none', activatedAtMs: null }];
  });
  store.rollouts.set(id, row);
  store.ledgers.set(id, ledger);
  const draft = { read: row, ledger, state: row.state, progress, kind: 'start', activated: [], kill: null } as const;
  assign(store, { ...draft, effect: 'assign', isTransition: true }, from.wiring, nowMs);
  return row;
}
