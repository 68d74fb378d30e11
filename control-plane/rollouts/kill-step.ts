// `abort.killSwitch`: devices of a killed rollout that have not said in time that they obeyed. Told once for each kill, on record and
// to those who own the rollout; the kill itself goes on being sent, and no decision follows from this.
import { describeDuration } from '../../shared/rollout/durations.ts';
import { list } from '../core/decide.ts';
import { findCoveringKill } from '../core/kill-cover.ts';
import { keyOf } from '../core/stages.ts';
import type { Queryable } from '../database/database.ts';
import type { LedgerRow } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import { readActiveKills, scopeOfKills } from './readings.ts';
import { compareAndSet } from './rollout-rows.ts';
import type { Situation } from './situation.ts';

/** Null: there is nothing to tell. False: somebody else moved the rollout meanwhile. */
export async function escalateKill(parts: RolloutParts, situation: Situation): Promise<boolean | null> {
  const { rollout, spec, nowMs } = situation;
  const { ack, escalateUnacked } = spec.abort.killSwitch;
  if (!escalateUnacked || situation.kill === null) return null;
  const kill = findCoveringKill(await readActiveKills(parts.database), scopeOfKills(rollout));
  const isTold = kill === null || rollout.progress.unacknowledged?.killId === kill.id;
  if (isTold || nowMs - kill.raisedAtMs < ack) return null;
  const silent = await silentOf(parts.database, kill.id, situation.ledger);
  const progress = {
    ...rollout.progress,
    unacknowledged: { killId: kill.id, sentence: sentenceOf(situation, silent) },
  };
  return parts.database.transaction().execute(async (transaction) => {
    const { state } = rollout;
    if (!(await compareAndSet(transaction, rollout, { state, progress, endedAtMs: null }))) return false;
    if (silent.length === 0) return true;
    await parts.audit.append(transaction, {
      actor: 'belay',
      action: 'kill-unacknowledged',
      subject: `rollout/${rollout.id}`,
      reason: progress.unacknowledged.sentence,
      details: { killId: kill.id, devices: silent, owners: spec.owners },
    });
    parts.log.warn({ rolloutId: rollout.id, killId: kill.id, devices: silent }, progress.unacknowledged.sentence);
    return true;
  });
}

/** Those that shall have the candidate and have not acknowledged; who is away obeys before it answers again. */
async function silentOf(database: Queryable, killId: string, ledger: readonly LedgerRow[]): Promise<readonly string[]> {
  const rows = await database
    .selectFrom('kill_acks')
    .select(['site', 'device'])
    .where('kill_id', '=', killId)
    .execute();
  const acked = new Set(rows.map(keyOf));
  return ledger
    .filter(({ role }) => role !== 'none')
    .map(keyOf)
    .filter((key) => !acked.has(key));
}

function sentenceOf({ spec, ledger }: Situation, silent: readonly string[]): string {
  const { owners, abort } = spec;
  const asked = ledger.filter(({ role }) => role !== 'none').length;
  const within = `within ${describeDuration(abort.killSwitch.ack)}`;
  if (silent.length === 0) return `all ${asked} devices acknowledged the kill ${within}`;
  return `${silent.length} of ${asked} devices have not acknowledged the kill ${within}: ${list(silent)}; ${owners.primary} and ${owners.backup} (backup) are asked to see to them`;
}
