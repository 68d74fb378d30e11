// Kills of a candidate after its rollout was complete: no rollout is held by them any more, and what happened must be on record all
// the same. An incident opens with the kill and closes when that is re-armed, each with a decision and its audit row.
import { closeIncident, openIncident } from '../incidents/open-incident.ts';
import { insertDecision } from './decisions.ts';
import type { RolloutParts } from './parts.ts';
import { killOf, readActiveKills } from './readings.ts';
import { findRollout, type Rollout } from './rollout-rows.ts';

export async function noteLateKills(parts: RolloutParts, nowMs: number): Promise<void> {
  const { database } = parts;
  const kills = await readActiveKills(database);
  const open = await database
    .selectFrom('incidents')
    .innerJoin('rollouts', 'rollouts.id', 'incidents.rollout_id')
    .select(['incidents.id', 'incidents.rollout_id'])
    .where('rollouts.state', '=', 'completed')
    .where('incidents.kind', '=', 'killed')
    .where('incidents.closed_at_ms', 'is', null)
    .execute();
  for (const incident of open) {
    const rollout = await findRollout(database, incident.rollout_id);
    if (rollout !== null && lateKill(kills, rollout) === null) await settle(parts, rollout, { incident, nowMs });
  }
  if (kills.length === 0) return;
  const completed = await database
    .selectFrom('rollouts')
    .select('id')
    .where('state', '=', 'completed')
    .where('ended_at_ms', '<', Math.max(...kills.map(({ raisedAtMs }) => raisedAtMs)))
    .execute();
  for (const { id } of completed.filter(({ id }) => open.every(({ rollout_id }) => rollout_id !== id))) {
    const rollout = await findRollout(database, id);
    const kill = rollout === null ? null : lateKill(kills, rollout);
    if (rollout !== null && kill !== null) await begin(parts, rollout, { kill, nowMs });
  }
}

/** A kill in force that names its candidate, raised after its end; in words. */
function lateKill(kills: Awaited<ReturnType<typeof readActiveKills>>, rollout: Rollout): string | null {
  const { endedAtMs } = rollout;
  return endedAtMs === null
    ? null
    : killOf(
        kills.filter(({ raisedAtMs }) => raisedAtMs > endedAtMs),
        rollout,
      );
}

async function begin(
  parts: RolloutParts,
  rollout: Rollout,
  { kill, nowMs }: { kill: string; nowMs: number },
): Promise<void> {
  const decision = { actor: 'belay', reason: `after it was complete, the candidate was ${kill}` };
  await parts.database.transaction().execute(async (transaction) => {
    const seq = await record(parts, transaction, { rollout, kind: 'kill', decision, nowMs });
    await openIncident(parts.audit, transaction, 'killed', { rollout, decision, seq, nowMs, state: rollout.state });
  });
}

type Settling = { readonly incident: { readonly id: string; readonly rollout_id: string }; readonly nowMs: number };

async function settle(parts: RolloutParts, rollout: Rollout, { incident, nowMs }: Settling): Promise<void> {
  const decision = { actor: 'belay', reason: 'the kill was re-armed' };
  await parts.database.transaction().execute(async (transaction) => {
    await record(parts, transaction, { rollout, kind: 'rearm', decision, nowMs });
    await closeIncident(parts.audit, transaction, incident, { decision, nowMs, state: rollout.state });
  });
}

type Recorded = {
  readonly rollout: Rollout;
  readonly kind: string;
  readonly decision: { readonly actor: string; readonly reason: string };
  readonly nowMs: number;
};

async function record(
  parts: RolloutParts,
  transaction: Parameters<typeof insertDecision>[0],
  { rollout, kind, decision, nowMs }: Recorded,
): Promise<number> {
  const { id, state, progress, plan, fileHash, revision } = rollout;
  const stage = plan.stages[progress.stageIndex]?.name ?? '';
  const at = { atMs: nowMs, fromState: state, toState: state, stage, fileHash, revision };
  const seq = await insertDecision(transaction, {
    rolloutId: id,
    kind,
    rule: 'kill',
    ...decision,
    ...at,
    inputs: { facts: { verdicts: [] } },
  });
  await parts.audit.append(transaction, {
    ...decision,
    action: `rollout-${kind}`,
    subject: `rollout/${id}`,
    details: { seq, rule: 'kill', from: state, to: state },
  });
  return seq;
}
