// A device leaves the rollouts that have it, or may come back to them, by a person's word: its place in the ledger and a record of
// it, in the transaction of that word. To be called in turn with the steps (Rollouts.inTurn), so that no tick gives it back.

import { BelayError } from '../../shared/basics/errors.ts';
import { ENDED } from '../../shared/protocol/rollout-states.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { DatabaseTransaction, Queryable } from '../database/database.ts';
import { insertDecision } from './decisions.ts';
import { moveDevices } from './ledger.ts';
import { compareAndSet, findRollout, type Rollout } from './rollout-rows.ts';

export type Said = {
  readonly address: DeviceAddress;
  /** `leave`: nothing of a candidate stays there. `return`: it takes its place again when the next stage is assigned. */
  readonly kind: 'leave' | 'return';
  /** Such as `person-drain`. */
  readonly rule: string;
  readonly actor: string;
  readonly reason: string;
  readonly nowMs: number;
};

/** Ids of the rollouts that go on and have the device in their ledger. */
export async function rolloutsOf(database: Queryable, { site, device }: DeviceAddress): Promise<readonly string[]> {
  const rows = await database
    .selectFrom('rollout_assignments')
    .innerJoin('rollouts', 'rollouts.id', 'rollout_assignments.rollout_id')
    .select('rollouts.id')
    .where('site', '=', site)
    .where('device', '=', device)
    .where('rollouts.state', 'not in', ENDED)
    .orderBy('rollouts.id')
    .execute();
  return rows.map(({ id }) => id);
}

/** Returns the rollouts that were told. */
export async function setAside(transaction: DatabaseTransaction, said: Said): Promise<readonly string[]> {
  const ids = await rolloutsOf(transaction, said.address);
  for (const id of ids) {
    const rollout = await findRollout(transaction, id);
    if (rollout !== null) await tell(transaction, rollout, said);
  }
  return ids;
}

async function tell(transaction: DatabaseTransaction, rollout: Rollout, said: Said): Promise<void> {
  const { address, kind, rule, actor, reason, nowMs } = said;
  const { state, progress, endedAtMs } = rollout;
  if (!(await compareAndSet(transaction, rollout, { state, progress, endedAtMs })))
    throw new BelayError('rollout-moved', `rollout ${rollout.id} moved at the same moment; try again`);
  const stage = await stageOf(transaction, rollout, address);
  await insertDecision(transaction, {
    rolloutId: rollout.id,
    atMs: nowMs,
    ...{ kind, rule, actor, reason, stage },
    fromState: state,
    toState: state,
    fileHash: rollout.fileHash,
    revision: rollout.revision,
    inputs: { device: address },
  });
  // Who is on the way back keeps its place there until it has reported.
  if (kind === 'leave' && state !== 'rolling_back')
    await moveDevices(transaction, rollout.id, [{ ...address, role: 'none', stage: null, reason }], nowMs);
}

/** Of its place in the ledger; empty: it has none in a stage. */
async function stageOf(database: Queryable, { id }: Rollout, { site, device }: DeviceAddress): Promise<string> {
  const row = await database
    .selectFrom('rollout_assignments')
    .select('stage')
    .where('rollout_id', '=', id)
    .where('site', '=', site)
    .where('device', '=', device)
    .executeTakeFirst();
  return row?.stage ?? '';
}
