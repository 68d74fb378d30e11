// Edits a running rollout: reads the words in force and the new ones, decides, and writes the outcome in one transaction: the file
// by compare-and-set, the revision, the decision, the audit row, and the orders of devices that have the candidate.
import type {
  RevisionActBody,
  RevisionVerb,
  RolloutEditBody,
  RolloutEdited,
} from '../../shared/protocol/api-revisions.ts';
import { compareRevisions, type RevisionChange } from '../../shared/rollout/compare-revisions.ts';
import type { Plan } from '../../shared/rollout/plan.ts';
import { type FileProblem, readRolloutFile } from '../../shared/rollout/read-rollout-file.ts';
import type { RolloutFile } from '../../shared/rollout/rollout-file.ts';
import type { Stale } from '../core/expected.ts';
import {
  approvalsToLoosen,
  decideAgreement,
  decideRevision,
  type ReviseFacts,
  reviseProgress,
} from '../core/revise.ts';
import { revisePlan } from '../core/revise-plan.ts';
import { insertDecision } from './decisions.ts';
import { hashDocument, hashText } from './hashes.ts';
import { readLedger } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import { guardrailsOf } from './read-spec.ts';
import { applyEffect } from './record.ts';
import {
  insertRevision,
  keepFirst,
  listRevisions,
  type StoredRevision,
  settleRevision,
  writeApprovals,
} from './revisions.ts';
import { compareAndSet, findRollout, type Rollout, setFile } from './rollout-rows.ts';

export type Edited =
  | { readonly kind: 'done'; readonly edited: RolloutEdited }
  | { readonly kind: 'invalid'; readonly problems: readonly FileProblem[] }
  | { readonly kind: 'refused'; readonly reason: string; readonly changes: readonly RevisionChange[] }
  | Stale
  | { readonly kind: 'not-found' };

type Draft = {
  readonly rollout: Rollout;
  readonly before: RolloutFile;
  readonly after: RolloutFile;
  readonly facts: ReviseFacts;
  readonly text: string;
};

const MOVED = 'it moved at the same moment; look at it again, then decide';

export async function editRollout(parts: RolloutParts, idOrName: string, body: RolloutEditBody): Promise<Edited> {
  const rollout = await findRollout(parts.database, idOrName);
  if (rollout === null) return { kind: 'not-found' };
  const read = readRolloutFile(body.file);
  if (!read.ok) return { kind: 'invalid', problems: read.problems };
  const draft = draftOf(rollout, { text: body.file, after: read.value, base: body.baseRevision, actor: body.actor });
  const { changes } = draft.facts;
  const { guardrails, problems } = await guardrailsOf(parts, rollout, draft.after.spec);
  const decision = decideRevision(draft.facts);
  const unknown = problems.map(({ guardrail, message }) => `guardrail ${guardrail}: ${message}`);
  if (decision.kind === 'refused' || unknown.length > 0)
    return { kind: 'refused', reason: decision.kind === 'refused' ? decision.reason : unknown.join('; '), changes };
  const known = await listRevisions(parts.database, rollout);
  const number = Math.max(...known.map((one) => one.number)) + 1;
  const outcome = decision.kind === 'in-force' ? 'in-force' : 'proposed';
  const edited = { revision: number, reason: decision.reason, changes: [...changes] };
  if (body.dryRun) return { kind: 'done', edited: { ...edited, outcome: 'checked' } };
  const plan = revisePlan(rollout.plan, { file: draft.after, fileHash: hashText(body.file), guardrails }, hashDocument);
  const revision = revisionOf(parts, draft, { number, plan, body, state: outcome });
  const isWritten = await write(parts, draft, { revision, ...decision, actor: body.actor, isNew: true });
  return isWritten ? { kind: 'done', edited: { ...edited, outcome } } : { kind: 'refused', reason: MOVED, changes };
}

export async function settleProposal(
  parts: RolloutParts,
  idOrName: string,
  act: RevisionActBody & { readonly verb: RevisionVerb; readonly number: number },
): Promise<Edited> {
  const rollout = await findRollout(parts.database, idOrName);
  if (rollout === null) return { kind: 'not-found' };
  const revision = (await listRevisions(parts.database, rollout)).find(({ number }) => number === act.number);
  const read = readRolloutFile(revision?.fileText ?? '');
  if (!revision || !read.ok) return { kind: 'not-found' };
  const { actor, reason } = act;
  if (revision.state !== 'proposed')
    return {
      kind: 'refused',
      reason: `revision ${act.number} is ${revision.state}: there is nothing to decide`,
      changes: [],
    };
  const draft = draftOf(rollout, { text: revision.fileText, after: read.value, base: revision.base ?? 0, actor });
  const decision =
    act.verb === 'withdraw'
      ? { kind: 'withdrawn' as const, reason: `revision ${act.number} withdrawn: ${reason}` }
      : decideAgreement({
          ...draft.facts,
          number: revision.number,
          planHash: revision.planHash,
          seenHash: act.planHash ?? revision.planHash,
          proposedBy: revision.actor,
          given: revision.approvals,
        });
  const { changes } = draft.facts;
  if (decision.kind === 'refused') return { kind: 'refused', reason: decision.reason, changes };
  const approvals = [...revision.approvals, { actor, reason, atMs: parts.wallNow() }];
  const agreed = act.verb === 'approve' ? { ...revision, approvals } : revision;
  const isWritten = await write(parts, draft, { revision: agreed, ...decision, actor, isNew: false });
  if (!isWritten) return { kind: 'refused', reason: MOVED, changes };
  const outcome = decision.kind === 'in-force' ? 'in-force' : 'proposed';
  return {
    kind: 'done',
    edited: { outcome, revision: revision.number, reason: decision.reason, changes: [...changes] },
  };
}

type Words = { readonly text: string; readonly after: RolloutFile; readonly base: number; readonly actor: string };

function draftOf(rollout: Rollout, { text, after, base, actor }: Words): Draft {
  const read = readRolloutFile(rollout.fileText);
  if (!read.ok) throw new TypeError(`the stored file of rollout ${rollout.id} can no longer be read`);
  const before = read.value;
  const { state, progress, revision } = rollout;
  const reached = state === 'scheduled' ? null : progress.stageIndex;
  const facts: ReviseFacts = {
    state,
    phase: progress.phase,
    revision,
    base,
    changes: compareRevisions(before, after, reached),
    approvers: before.spec.owners.approvers,
    needed: approvalsToLoosen(before.spec),
    actor,
  };
  return { rollout, before, after, facts, text };
}

type NewRevision = {
  readonly number: number;
  readonly plan: Plan;
  readonly body: RolloutEditBody;
  readonly state: StoredRevision['state'];
};

function revisionOf(parts: RolloutParts, { rollout, facts, text }: Draft, made: NewRevision): StoredRevision {
  const { number, plan, body, state } = made;
  return {
    number,
    state,
    base: rollout.revision,
    atMs: parts.wallNow(),
    actor: body.actor,
    reason: body.reason,
    fileText: text,
    fileHash: plan.fileHash,
    plan,
    planHash: plan.hash,
    changes: [...facts.changes],
    approvals: [],
  };
}

type Writing = {
  readonly revision: StoredRevision;
  readonly kind: 'in-force' | 'propose' | 'agreed' | 'withdrawn';
  readonly reason: string;
  readonly actor: string;
  readonly isNew: boolean;
};

const RECORDED = { 'in-force': 'revise', propose: 'propose', agreed: 'approve', withdrawn: 'withdraw' } as const;

/** False when the rollout moved meanwhile: nothing was written. */
async function write(parts: RolloutParts, draft: Draft, writing: Writing): Promise<boolean> {
  const { rollout, before, after } = draft;
  const { revision, kind } = writing;
  const nowMs = parts.wallNow();
  const isInForce = kind === 'in-force';
  const stages = { before: before.spec.stages, after: after.spec.stages, nowMs };
  const progress = isInForce ? reviseProgress(rollout.progress, stages) : rollout.progress;
  return parts.database.transaction().execute(async (transaction) => {
    if (!(await compareAndSet(transaction, rollout, { state: rollout.state, progress, endedAtMs: null }))) return false;
    await keepFirst(transaction, rollout);
    if (writing.isNew) await insertRevision(transaction, rollout.id, revision);
    else await writeApprovals(transaction, rollout.id, revision);
    if (kind === 'withdrawn')
      await settleRevision(transaction, rollout.id, { number: revision.number, state: 'withdrawn', nowMs });
    const words = { fileText: revision.fileText, fileHash: revision.fileHash, plan: revision.plan };
    const revised: Rollout = isInForce ? { ...rollout, ...words, revision: revision.number, progress } : rollout;
    if (isInForce) {
      await settleRevision(transaction, rollout.id, { number: rollout.revision, state: 'replaced', nowMs });
      await settleRevision(transaction, rollout.id, { number: revision.number, state: 'in-force', nowMs });
      await setFile(transaction, revised);
    }
    const decision = {
      kind: RECORDED[kind],
      rule: 'person-revise',
      actor: writing.actor,
      reason: isInForce ? `revision ${revision.number} in force: ${writing.reason}` : writing.reason,
      inputs: { revision: { ...revision, plan: null }, from: rollout.revision },
    };
    await recordRevision(parts, transaction, { rollout: revised, decision, nowMs, revision });
    const ledger = await readLedger(transaction, rollout.id, revised.plan);
    const effect = isInForce && rollout.state !== 'scheduled' ? 'reorder' : 'none';
    await applyEffect(transaction, {
      rollout: revised,
      spec: after.spec,
      ledger,
      state: rollout.state,
      progress,
      effect,
      decision,
      nowMs,
    });
    return true;
  });
}

type Recorded = {
  readonly rollout: Rollout;
  readonly decision: {
    readonly kind: string;
    readonly rule: string;
    readonly actor: string;
    readonly reason: string;
    readonly inputs: unknown;
  };
  readonly revision: StoredRevision;
  readonly nowMs: number;
};

async function recordRevision(
  parts: RolloutParts,
  transaction: Parameters<typeof insertDecision>[0],
  { rollout, decision, revision, nowMs }: Recorded,
): Promise<void> {
  const { id, state, progress, plan, fileHash } = rollout;
  const seq = await insertDecision(transaction, {
    ...decision,
    rolloutId: id,
    atMs: nowMs,
    fromState: state,
    toState: state,
    stage: plan.stages[progress.stageIndex]?.name ?? '',
    fileHash,
    revision: rollout.revision,
  });
  const { number, fileHash: asked, planHash, changes } = revision;
  await parts.audit.append(transaction, {
    actor: decision.actor,
    action: `rollout-${decision.kind}`,
    subject: `rollout/${id}`,
    reason: decision.reason,
    details: { seq, revision: number, fileHash: asked, planHash, changes: changes.map(({ sentence }) => sentence) },
  });
  parts.log.info(
    { rolloutId: id, revision: number, decision: decision.kind, reason: decision.reason },
    'rollout edited',
  );
}
