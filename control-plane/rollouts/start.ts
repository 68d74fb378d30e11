// Starts a rollout: plans it afresh, and when nothing stands in the way writes it, its ledger and the first stage at once.
import type { Plan } from '../../shared/rollout/plan.ts';
import type { FileProblem } from '../../shared/rollout/read-rollout-file.ts';
import type { RolloutFile, RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import { firstProgress } from '../core/advance.ts';
import { insertDecision } from './decisions.ts';
import { hashText } from './hashes.ts';
import { insertLedger, readLedger } from './ledger.ts';
import { type MakingWay, MovedMeanwhile, makeWay, recordMakingWay } from './make-way.ts';
import type { RolloutParts } from './parts.ts';
import { type Planned, planRollout } from './planner.ts';
import { applyEffect } from './record.ts';
import { insertRollout, type Rollout } from './rollout-rows.ts';
import { EMPTY_SNAPSHOT } from './snapshot.ts';

export type Started =
  | { readonly kind: 'started'; readonly id: string; readonly plan: Plan }
  /** The file has mistakes. */
  | { readonly kind: 'invalid'; readonly problems: readonly FileProblem[] }
  /** The file is fine, and something stands in the way. */
  | { readonly kind: 'refused'; readonly reasons: readonly string[]; readonly plan: Plan };

export type StartInput = {
  readonly file: string;
  readonly actor: string;
  readonly reason: string;
  readonly override?: boolean | undefined;
  /** In place of rollouts that have these devices. */
  readonly supersede?: boolean | undefined;
};

/** `isDrill`: the candidate may be one that fails on purpose. Never taken from what a caller sends. */
export type StartRights = { readonly isDrill: boolean };

export async function startRollout(
  parts: RolloutParts,
  input: StartInput,
  rights: StartRights = { isDrill: false },
): Promise<Started> {
  const planned = await planRollout(parts, input.file, { ...rights, supersede: input.supersede ?? false });
  if (planned.kind === 'refused') return { kind: 'invalid', problems: planned.problems };
  const { plan, file, rolloutId: id } = planned;
  const nowMs = parts.wallNow();
  const way = await makeWay(parts, planned.supersedes, {
    ...{ by: id, actor: input.actor, reason: input.reason, nowMs },
    candidateDigest: plan.candidate.digest,
  });
  const reasons = [...way.refusals, ...refusalsOf(planned, input)];
  if (reasons.length > 0) return { kind: 'refused', reasons, plan };
  // Outside its windows, and while devices of another one go back, it is written and waits: a later tick tells the first devices.
  const isNow = plan.closed === null && way.waitsFor.length === 0;
  const state = isNow ? 'running' : 'scheduled';
  const overridden = input.override ? plan.needsOverride : [];
  const rollout: Rollout = {
    id,
    name: plan.name,
    state,
    version: 1,
    candidate: { release: plan.candidate.release, digest: plan.candidate.digest },
    createdAtMs: nowMs,
    endedAtMs: null,
    fileText: input.file,
    fileHash: hashText(input.file),
    revision: 1,
    plan,
    progress: {
      ...firstProgress(nowMs, input.reason, input.actor),
      startedAtMs: isNow ? nowMs : null,
      ...(planned.supersedes.length === 0 ? {} : { supersedes: planned.supersedes }),
    },
    latest: EMPTY_SNAPSHOT,
  };
  try {
    await writeStart(parts, { rollout, spec: file.spec, input, overridden, way });
  } catch (error) {
    if (error instanceof MovedMeanwhile) return { kind: 'refused', reasons: [error.message], plan };
    throw error;
  }
  parts.log.info(
    { rolloutId: id, candidate: rollout.candidate.release, devices: plan.devices.length, reason: input.reason },
    'rollout started',
  );
  return { kind: 'started', id, plan };
}

type Ready = Extract<Planned, { readonly kind: 'planned' }>;

function refusalsOf({ plan, file }: Ready, input: StartInput): readonly string[] {
  const waivable = input.override ? [] : plan.needsOverride;
  return [...plan.refusals, ...waivable, ...tooFewApprovers(file, input.actor)];
}

export type Foreseen =
  | { readonly kind: 'invalid'; readonly problems: readonly FileProblem[] }
  | { readonly kind: 'foreseen'; readonly plan: Plan; readonly refusals: readonly string[] };

/** Everything that a start looks at, without starting. */
export async function foreseeStart(parts: RolloutParts, input: StartInput): Promise<Foreseen> {
  const planned = await planRollout(parts, input.file, { isDrill: false, supersede: input.supersede ?? false });
  if (planned.kind === 'refused') return { kind: 'invalid', problems: planned.problems };
  const { plan, rolloutId: by, supersedes } = planned;
  const way = await makeWay(parts, supersedes, {
    ...{ by, actor: input.actor, reason: input.reason, nowMs: parts.wallNow() },
    candidateDigest: plan.candidate.digest,
  });
  return { kind: 'foreseen', plan, refusals: [...way.refusals, ...refusalsOf(planned, input)] };
}

type StartFacts = {
  readonly rollout: Rollout;
  readonly spec: RolloutSpec;
  readonly input: StartInput;
  readonly overridden: readonly string[];
  readonly way: MakingWay;
};

/** All at once: rollouts that make way, the rollout, its ledger, its first decision, and, when it begins now, its first stage. */
async function writeStart(parts: RolloutParts, { rollout, spec, input, overridden, way }: StartFacts): Promise<void> {
  const { plan, state, createdAtMs: nowMs } = rollout;
  const { supersedes = [] } = rollout.progress;
  await parts.database.transaction().execute(async (transaction) => {
    await recordMakingWay(parts, transaction, way);
    await insertRollout(transaction, rollout);
    await insertLedger(transaction, rollout.id, plan, nowMs);
    await insertDecision(transaction, {
      rolloutId: rollout.id,
      atMs: nowMs,
      kind: 'start',
      rule: 'person-start',
      actor: input.actor,
      reason: input.reason,
      fromState: 'draft',
      toState: state,
      stage: spec.stages[0]?.name ?? '',
      fileHash: rollout.fileHash,
      revision: rollout.revision,
      inputs: { plan, overridden, supersedes },
    });
    await parts.audit.append(transaction, {
      actor: input.actor,
      action: 'rollout-start',
      subject: `rollout/${rollout.id}`,
      reason: input.reason,
      details: {
        candidate: rollout.candidate,
        fileHash: rollout.fileHash,
        planHash: plan.hash,
        state,
        overridden,
        supersedes,
      },
    });
    await applyEffect(transaction, {
      rollout,
      spec,
      ledger: await readLedger(transaction, rollout.id, plan),
      state: 'running',
      progress: rollout.progress,
      effect: state === 'running' ? 'assign' : 'none',
      decision: { kind: 'start', rule: 'person-start', actor: input.actor, reason: input.reason, inputs: null },
      nowMs,
    });
    await parts.registry.markState(transaction, rollout.candidate.digest, {
      state: 'candidate',
      actor: input.actor,
      reason: `rollout ${rollout.id} started: ${input.reason}`,
    });
  });
}

/** Whoever starts it does not approve it: then enough others must be left. */
function tooFewApprovers({ spec }: RolloutFile, actor: string): readonly string[] {
  const others = spec.owners.approvers.filter((approver) => approver !== actor);
  if (spec.owners.approvers.length === 0) return [];
  return spec.stages
    .filter(({ approvals }) => approvals > others.length)
    .map(
      ({ name, approvals }) =>
        `stage ${name} needs ${approvals} approval${approvals === 1 ? '' : 's'} of others than ${actor}, and owners.approvers has ${others.length}`,
    );
}
