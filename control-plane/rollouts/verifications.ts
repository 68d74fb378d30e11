// How rollbacks were verified, as rows, and the devices that were away then: counted when they are back on their own release.
import { type Verification, verificationSchema } from '../../shared/rollout/verification.ts';
import { hasLeft } from '../core/finish.ts';
import { keyOf } from '../core/stages.ts';
import type { Database, Queryable } from '../database/database.ts';
import type { Device } from '../devices/device.ts';

export async function insertVerification(
  database: Queryable,
  rolloutId: string,
  verification: Verification,
): Promise<void> {
  const { atMs, kind, sentence, expr, checks, offline } = verification;
  await database
    .insertInto('rollout_verifications')
    .values({ rollout_id: rolloutId, at_ms: atMs, kind, sentence, expr, checks: JSON.stringify(checks) })
    .execute();
  for (const { site, device } of offline)
    await database
      .insertInto('rollout_returns')
      .values({ rollout_id: rolloutId, site, device, listed_at_ms: atMs, back_at_ms: null })
      .execute();
}

/** Null when it did not go back, or has not come to its end yet. */
export async function readVerification(database: Queryable, rolloutId: string): Promise<Verification | null> {
  const row = await database
    .selectFrom('rollout_verifications')
    .selectAll()
    .where('rollout_id', '=', rolloutId)
    .executeTakeFirst();
  if (!row) return null;
  const returns = await database
    .selectFrom('rollout_returns')
    .selectAll()
    .where('rollout_id', '=', rolloutId)
    .orderBy('site')
    .orderBy('device')
    .execute();
  return verificationSchema.parse({
    kind: row.kind,
    sentence: row.sentence,
    expr: row.expr,
    atMs: row.at_ms,
    checks: JSON.parse(row.checks),
    offline: returns.map(({ site, device, back_at_ms }) => ({ site, device, backAtMs: back_at_ms })),
  });
}

/** Marks the devices that were away when their rollback ended and report today that the candidate has left them. */
export async function countReturns(
  database: Database,
  devices: () => Promise<readonly Device[]>,
  nowMs: number,
): Promise<void> {
  const awaited = await database
    .selectFrom('rollout_returns')
    .innerJoin('rollouts', 'rollouts.id', 'rollout_returns.rollout_id')
    .select(['rollout_id', 'site', 'device', 'candidate_digest'])
    .where('back_at_ms', 'is', null)
    .execute();
  if (awaited.length === 0) return;
  const byKey = new Map((await devices()).map((device) => [keyOf(device), device]));
  for (const { rollout_id, site, device, candidate_digest } of awaited) {
    const known = byKey.get(keyOf({ site, device }));
    if (!known?.online || !hasLeft(known.reported, candidate_digest)) continue;
    await database
      .updateTable('rollout_returns')
      .set({ back_at_ms: nowMs })
      .where('rollout_id', '=', rollout_id)
      .where('site', '=', site)
      .where('device', '=', device)
      .execute();
  }
}
