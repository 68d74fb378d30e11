// The rollout as people see it: everything of the watch screen in one answer. Reads only.
import type { Revision } from '../../shared/protocol/api-revisions.ts';
import type { RolloutDecision, RolloutView, RolloutWhy } from '../../shared/protocol/api-rollouts.ts';
import type { RolloutSpec, StageSpec } from '../../shared/rollout/rollout-file.ts';
import type { Verification } from '../../shared/rollout/verification.ts';
import { explainRollout } from '../core/explain.ts';
import { countExposure } from '../core/exposure.ts';
import { describeOut } from '../core/factory-scope.ts';
import { STATISTICS_VERSION } from '../core/judge.ts';
import { approvalsToLoosen } from '../core/revise.ts';
import { keyOf } from '../core/stages.ts';
import type { Device } from '../devices/device.ts';
import type { LedgerRow } from './ledger.ts';
import type { StoredRevision } from './revisions.ts';
import { ENDED, type Rollout } from './rollout-rows.ts';
import { closedOf, headOf, type Summarised, summarise } from './summary.ts';
import { isTakenBack, standingsNow, viewDevices, viewFactories } from './view-devices.ts';

export type ViewFacts = {
  readonly rollout: Rollout;
  /** Null: its stored file can no longer be read. */
  readonly spec: RolloutSpec | null;
  readonly ledger: readonly LedgerRow[];
  readonly devices: readonly Device[];
  readonly decisions: readonly RolloutDecision[];
  /** The kill in force that covers it, in words. */
  readonly kill: string | null;
  readonly verification: Verification | null;
  readonly revisions: readonly StoredRevision[];
  readonly nowMs: number;
};

export function viewRollout(facts: ViewFacts): RolloutView {
  const { rollout, spec, decisions, nowMs } = facts;
  const { progress, latest, plan } = rollout;
  const stages = spec?.stages ?? [];
  const closed = closedOf(headFacts(facts));
  const standings = standingsNow(facts);
  return {
    ...summarise(headFacts(facts)),
    nowMs,
    version: rollout.version,
    labels: plan.labels,
    ticket: plan.ticket,
    owners: plan.owners,
    baselines: plan.baselines,
    stages: stages.map((stage, index) => viewStage(stage, index, rollout)),
    extensionsUsed: progress.extensionsUsed,
    startedBy: progress.startedBy,
    approvals: viewApprovals(facts),
    closed: closed?.reason ?? null,
    holdReason: rollout.state === 'holding' ? progress.reason : null,
    exposure: isTakenBack(rollout) ? countExposure(standings, latest.exposure.evaluated) : latest.exposure,
    controls: latest.controls,
    factories: viewFactories(facts, standings),
    devices: viewDevices(facts, standings),
    guardrails: [...latest.verdicts],
    decisions: [...decisions],
    verification: facts.verification,
    revision: rollout.revision,
    revisions: facts.revisions.map((revision) => viewRevision(revision, spec)),
    fileText: rollout.fileText,
    fileHash: rollout.fileHash,
    planHash: plan.hash,
    statisticsVersion: STATISTICS_VERSION,
  };
}

function viewRevision({ fileText, plan, ...revision }: StoredRevision, spec: RolloutSpec | null): Revision {
  const isLooser = revision.changes.some(({ kind }) => kind === 'loosen');
  return { ...revision, needed: isLooser && spec !== null ? approvalsToLoosen(spec) : 0 };
}

/** Which words it follows, and which ones wait for approval. */
function revisionSentences({ rollout, revisions, spec }: ViewFacts): readonly string[] {
  const inForce = revisions.find(({ number }) => number === rollout.revision);
  const now =
    inForce === undefined || rollout.revision === 1
      ? []
      : [
          `revision ${inForce.number} of its file is in force, by ${inForce.actor}: ${inForce.reason} (${told(inForce)})`,
        ];
  const asked = revisions
    .filter(({ state }) => state === 'proposed' && !ENDED.includes(rollout.state))
    .map((revision) => {
      const { needed, approvals, number, actor, reason } = viewRevision(revision, spec);
      return `revision ${number}, asked for by ${actor} (${reason}), has ${approvals.length} of ${needed} approvals: ${told(revision)}`;
    });
  return [...now, ...asked];
}

function told({ changes }: StoredRevision): string {
  return changes.map(({ sentence }) => sentence).join('; ');
}

function viewApprovals({ rollout, spec }: ViewFacts): RolloutView['approvals'] {
  const { progress, plan, state } = rollout;
  const stage = spec?.stages[progress.stageIndex];
  const isOver = ENDED.includes(state) || state === 'rolling_back' || progress.phase === 'committing';
  if (spec == null || stage?.promote !== 'approval' || isOver) return null;
  const given = progress.approvals.filter(({ planHash }) => planHash === plan.hash);
  const approvers = spec.owners.approvers.filter(
    (name) => name !== progress.startedBy && given.every(({ actor }) => actor !== name),
  );
  return {
    stage: stage.name,
    needed: stage.approvals,
    given: given.map(({ actor, reason, atMs }) => ({ actor, reason, atMs })),
    approvers,
  };
}

function headFacts({ rollout, ...facts }: ViewFacts): Summarised {
  return { ...facts, head: headOf(rollout) };
}

export function whyRollout(facts: ViewFacts): RolloutWhy {
  const { rollout, spec, decisions, kill, nowMs } = facts;
  const stages = spec?.stages ?? [];
  const { id, state, progress, latest } = rollout;
  const { status } = summarise(headFacts(facts));
  const troubled = latest.standings.filter(
    ({ isReverted, isDark, role, isActive }) => isReverted || isDark || (role !== 'none' && !isActive),
  );
  const { sentences, whatYouCanDo } = explainRollout({
    state,
    progress,
    status,
    kill,
    stageName: stages[progress.stageIndex]?.name ?? '',
    nowMs,
    verdicts: latest.verdicts,
    troubles: ENDED.includes(state)
      ? []
      : troubled.slice(0, 20).map((standing) => `${keyOf(standing)}: ${standing.detail}`),
    lastDecision: decisions[0] ?? null,
    approvals: viewApprovals(facts),
    closed: closedOf(headFacts(facts))?.reason ?? null,
  });
  const verified = facts.verification === null ? [] : [facts.verification.sentence];
  const wentBack = state === 'rolled_back' || state === 'aborted';
  const note = wentBack ? [`read what happened, and say how it goes on: belay incident get ${id}`] : [];
  return {
    id,
    atMs: nowMs,
    summary: status,
    sentences: [
      ...sentences,
      ...killSentences(facts),
      ...progress.factoriesOut.map(describeOut),
      ...revisionSentences(facts),
      ...verified,
    ],
    whatYouCanDo: [...whatYouCanDo, ...proposalsToDecide(facts), ...note],
  };
}

function killSentences({ kill, rollout: { progress } }: ViewFacts): readonly string[] {
  return kill === null || !progress.unacknowledged ? [] : [progress.unacknowledged.sentence];
}

function proposalsToDecide({ rollout, revisions }: ViewFacts): readonly string[] {
  if (ENDED.includes(rollout.state)) return [];
  return revisions
    .filter(({ state }) => state === 'proposed')
    .map(
      ({ number }) => `revision ${number} waits: belay rollout approve ${rollout.id} --revision ${number} --reason …`,
    );
}

function viewStage(stage: StageSpec, index: number, { progress, plan, state }: Rollout): RolloutView['stages'][number] {
  const time = progress.stageTimes[index];
  const isCurrent = index === progress.stageIndex && progress.phase !== 'committing' && !ENDED.includes(state);
  return {
    name: stage.name,
    mode: stage.mode,
    percent: stage.percent ?? null,
    count: stage.count ?? null,
    devices: plan.stages[index]?.devices ?? 0,
    bakeMs: stage.bake,
    extend: stage.extend,
    promote: stage.promote,
    approvals: stage.approvals,
    holdbackPct: stage.holdback,
    status: isCurrent ? 'current' : wasPassed(index, progress, state) ? 'done' : 'pending',
    startedAtMs: time?.startedAtMs ?? null,
    endedAtMs: time?.endedAtMs ?? null,
  };
}

function wasPassed(index: number, progress: Rollout['progress'], state: Rollout['state']): boolean {
  if (index < progress.stageIndex) return true;
  return index === progress.stageIndex && (progress.phase === 'committing' || state === 'completed');
}
