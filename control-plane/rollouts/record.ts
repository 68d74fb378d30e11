// Writes one transition: the rollout by compare-and-set, the decision with its evidence, the audit row, the ledger, the desired
// documents and the registry's note, all in one transaction. Either everything stands or nothing does.

import type { Desired } from '../../shared/protocol/documents.ts';
import { ENDED } from '../../shared/protocol/rollout-states.ts';
import { leaseTermsAt } from '../../shared/rollout/lease-section.ts';
import type { RolloutSpec, StageSpec } from '../../shared/rollout/rollout-file.ts';
import type { Progress } from '../core/advance.ts';
import { type Choice, desiredInStage, desiredOutside, type Placement } from '../core/desired.ts';
import { isOut } from '../core/factory-scope.ts';
import { assignStage, keyOf } from '../core/stages.ts';
import type { DatabaseTransaction } from '../database/database.ts';
import { writeDesired } from '../devices/desired-store.ts';
import { noteIncident } from '../incidents/open-incident.ts';
import { insertDecision } from './decisions.ts';
import { type LedgerRow, moveDevices } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import { noteInRegistry } from './registry-note.ts';
import { compareAndSet } from './rollout-rows.ts';
import type { TransitionPlan } from './transition-plan.ts';
import { insertVerification } from './verifications.ts';

/** False when another process moved the rollout meanwhile: nothing was written. */
export async function recordTransition(parts: RolloutParts, plan: TransitionPlan): Promise<boolean> {
  return parts.database.transaction().execute((transaction) => recordIn(parts, transaction, plan));
}

/** The same, in a transaction with more; false when it was moved meanwhile. */
export async function recordIn(
  parts: RolloutParts,
  transaction: DatabaseTransaction,
  plan: TransitionPlan,
): Promise<boolean> {
  const { rollout, state, progress, nowMs } = plan;
  const hasEnded = ENDED.includes(state);
  const moved = await compareAndSet(transaction, rollout, { state, progress, endedAtMs: hasEnded ? nowMs : null });
  if (!moved) return false;
  const seq = await insertDecisionOf(transaction, plan);
  await parts.audit.append(transaction, {
    actor: plan.decision.actor,
    action: `rollout-${plan.decision.kind}`,
    subject: `rollout/${rollout.id}`,
    reason: plan.decision.reason,
    details: {
      seq,
      rule: plan.decision.rule,
      from: rollout.state,
      to: state,
      version: rollout.version + 1,
      planHash: rollout.plan.hash,
    },
  });
  await applyEffect(transaction, plan);
  await plan.alongside?.(transaction);
  if (plan.verification) await insertVerification(transaction, rollout.id, plan.verification);
  await noteIncident(parts.audit, transaction, { ...plan, seq });
  await noteInRegistry(parts, transaction, plan);
  return true;
}

function insertDecisionOf(
  transaction: DatabaseTransaction,
  { rollout, spec, state, decision, nowMs }: TransitionPlan,
): Promise<number> {
  return insertDecision(transaction, {
    rolloutId: rollout.id,
    atMs: nowMs,
    kind: decision.kind,
    rule: decision.rule,
    actor: decision.actor,
    reason: decision.reason,
    fromState: rollout.state,
    toState: state,
    stage: spec.stages[rollout.progress.stageIndex]?.name ?? '',
    fileHash: rollout.fileHash,
    revision: rollout.revision,
    inputs: decision.inputs,
  });
}

export async function applyEffect(transaction: DatabaseTransaction, plan: TransitionPlan): Promise<void> {
  switch (plan.effect) {
    case 'none':
      return;
    case 'assign':
      return assign(transaction, plan);
    case 'reorder':
      return reorder(transaction, plan);
    case 'restore':
      return restore(transaction, plan);
    case 'restore-factory':
      return restoreFactory(transaction, plan);
    case 'commit':
      return commit(transaction, plan);
  }
}

async function assign(transaction: DatabaseTransaction, plan: TransitionPlan): Promise<void> {
  const { rollout, spec, ledger, progress, nowMs } = plan;
  const stage = spec.stages[progress.stageIndex];
  if (!stage) throw new TypeError(`rollout ${rollout.id} has no stage ${progress.stageIndex}`);
  const inside = ledger.filter((row) => !isOut(progress.factoriesOut, row) && row.joined !== 'baseline' && !row.aside);
  const roles = assignStage(stage, inside, spec.cohort.minPerFactory);
  const placed = inside.map((row) => ({ row, role: roles.get(keyOf(row)) ?? ('none' as const) }));
  // A device that stays outside needs no new document; everyone inside gets the name of the stage.
  const touched = placed.filter(({ row, role }) => role !== 'none' || row.role !== 'none');
  const moves = touched.map(({ row, role }) => ({
    site: row.site,
    device: row.device,
    role,
    stage: stage.name,
    reason: row.pin === null ? `stage ${stage.name}` : `pinned to the ${row.pin}`,
  }));
  await moveDevices(transaction, rollout.id, moves, nowMs);
  for (const { row, role } of touched) await place(transaction, plan, { row, role, stage });
}

/** Everyone keeps role and place; limits, lease and the like are those of the revision. */
async function reorder(transaction: DatabaseTransaction, plan: TransitionPlan): Promise<void> {
  const stage = plan.spec.stages[plan.progress.stageIndex];
  if (!stage) throw new TypeError(`rollout ${plan.rollout.id} has no stage ${plan.progress.stageIndex}`);
  for (const row of plan.ledger.filter(({ role }) => role !== 'none'))
    await place(transaction, plan, { row, role: row.role, stage });
}

type Placed = { readonly row: LedgerRow; readonly role: LedgerRow['role']; readonly stage: StageSpec };

async function place(
  transaction: DatabaseTransaction,
  { rollout, spec, nowMs }: TransitionPlan,
  { row, role, stage }: Placed,
): Promise<void> {
  const placement = {
    role,
    baseline: row.baseline,
    candidate: rollout.candidate,
    rolloutId: rollout.id,
    stage: stage.name,
    sampleEvery: stage.sampleEvery,
    limits: spec.limits,
    lease: leaseTermsAt(spec.lease, row.site),
    requireWarm: spec.requireWarm,
    maxExtraLoadPct: stage.maxExtraLoad,
    prewarm: prewarmOf(spec),
  };
  await desire(transaction, { row, nowMs, change: (previous) => desiredInStage(placement, previous) });
}

/** Null while the file asks for nothing: as agents have always done it. */
function prewarmOf({ prewarm }: RolloutSpec): NonNullable<Placement['prewarm']> | null {
  const { warmupFrames, coldStartProbes } = prewarm;
  return warmupFrames === null && coldStartProbes === 1 ? null : { warmupFrames, coldStartProbes };
}

/** Who has something of the candidate, and goes back. */
export function takenBack(ledger: readonly LedgerRow[], progress: Progress): readonly LedgerRow[] {
  if (progress.phase !== 'committing') return ledger.filter(({ role }) => role !== 'none');
  // Who keeps a release by a person's word, or is there no more, was not given this one.
  const isKept = ({ aside }: LedgerRow) => aside?.kind === 'pinned' || aside?.kind === 'retired';
  return ledger.filter((row) => row.pin !== 'baseline' && !isOut(progress.factoriesOut, row) && !isKept(row));
}

/** Each device back to what it ran before this rollout, not to "the latest stable". */
async function restore(transaction: DatabaseTransaction, { ledger, progress, nowMs }: TransitionPlan): Promise<void> {
  for (const row of takenBack(ledger, progress))
    await desire(transaction, { row, nowMs, change: (previous) => desiredOutside(row.baseline, previous) });
}

/** The newest factory that is out: its devices go back, and nothing of this rollout is given to them again. */
async function restoreFactory(transaction: DatabaseTransaction, plan: TransitionPlan): Promise<void> {
  const { rollout, ledger, progress, nowMs } = plan;
  const out = progress.factoriesOut.at(-1);
  const touched = ledger.filter(({ site, role }) => site === out?.site && role !== 'none');
  const moves = touched.map(({ site, device, stage }) => {
    return { site, device, stage, role: 'none' as const, reason: `went back with ${site}` };
  });
  await moveDevices(transaction, rollout.id, moves, nowMs);
  for (const row of touched)
    await desire(transaction, { row, nowMs, change: (previous) => desiredOutside(row.baseline, previous) });
}

/** The candidate becomes everyone's baseline, but for those pinned to the old one and for factories that went back. */
async function commit(
  transaction: DatabaseTransaction,
  { rollout, ledger, progress, nowMs }: TransitionPlan,
): Promise<void> {
  const touched = ledger.filter((row) => row.pin !== 'baseline' && !isOut(progress.factoriesOut, row) && !row.aside);
  for (const row of touched)
    await desire(transaction, { row, nowMs, change: (previous) => desiredOutside(rollout.candidate, previous) });
}

type Wish = {
  readonly row: LedgerRow;
  readonly nowMs: number;
  readonly change: (previous: Desired | null) => Choice;
};

async function desire(transaction: DatabaseTransaction, { row: { site, device }, nowMs, change }: Wish): Promise<void> {
  await writeDesired(transaction, { site, device, nowMs, change });
}
