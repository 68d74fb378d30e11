// Kills and their acknowledgements as rows, with the audit of each. The kill switch works without it; this only remembers.
import type { KillAck } from '../../shared/protocol/api-kills.ts';
import { killScopeSchema } from '../../shared/protocol/documents.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../database/database.ts';
import type { FloorTables } from '../database/schema.ts';
import type { KillRecord } from './kill-records.ts';

export type KillStore = {
  readAll(): Promise<{
    readonly records: readonly KillRecord[];
    readonly acks: ReadonlyMap<string, readonly KillAck[]>;
  }>;
  /** Inserts a raised kill with its audit row; nothing happens when it is there. */
  recordRaised(record: KillRecord): Promise<void>;
  recordCleared(record: KillRecord): Promise<void>;
  recordAcks(acks: readonly (KillAck & { readonly killId: string })[]): Promise<void>;
};

/** Acknowledgements of kills that are over are read for as many of them. */
const KILLS_READ_MAX = 2000;

export function openKillStore({ database, audit }: { readonly database: Database; readonly audit: Audit }): KillStore {
  return {
    readAll: () => readAll(database),
    recordRaised: (record) => recordRaised(database, audit, record),
    recordCleared: (record) => recordCleared(database, audit, record),
    recordAcks: (acks) => recordAcks(database, acks),
  };
}

async function readAll(database: Database) {
  const rows = await database.selectFrom('kills').selectAll().orderBy('epoch', 'desc').limit(KILLS_READ_MAX).execute();
  const records = rows.map(toRecord).reverse();
  const acks = new Map<string, KillAck[]>();
  for (const row of await database.selectFrom('kill_acks').selectAll().execute()) {
    const record = records.find((candidate) => candidate.id === row.kill_id);
    if (!record) continue;
    const list = acks.get(row.kill_id) ?? [];
    list.push(toAck(row, record));
    acks.set(row.kill_id, list);
  }
  return { records, acks };
}

async function recordRaised(database: Database, audit: Audit, record: KillRecord): Promise<void> {
  const { id, scope, topic, reason, actor, epoch, raisedAtMs, recipients } = record;
  await database.transaction().execute(async (transaction) => {
    const present = await transaction.selectFrom('kills').select('id').where('id', '=', id).executeTakeFirst();
    if (present) return;
    const text = { scope: JSON.stringify(scope), recipients: JSON.stringify(recipients) };
    await transaction
      .insertInto('kills')
      .values({ id, topic, reason, actor, epoch, raised_at_ms: raisedAtMs, ...text })
      .execute();
    const details = { scope, epoch, sent: recipients.length };
    await audit.append(transaction, { actor, action: 'kill-raised', subject: `kill/${id}`, reason, details });
  });
}

async function recordCleared(database: Database, audit: Audit, { id, cleared }: KillRecord): Promise<void> {
  if (cleared === null) throw new TypeError(`kill ${id} is not cleared`);
  const { atMs, by, reason, epoch } = cleared;
  await database.transaction().execute(async (transaction) => {
    const kill = transaction.selectFrom('kills').select('cleared_at_ms').where('id', '=', id);
    const wasCleared = (await kill.executeTakeFirst())?.cleared_at_ms != null;
    await transaction
      .updateTable('kills')
      .set({ cleared_at_ms: atMs, cleared_by: by, cleared_reason: reason, cleared_epoch: epoch })
      .where('id', '=', id)
      .execute();
    // A kill that was raised meanwhile gives the same end a newer epoch; it is one act of one person.
    if (wasCleared) return;
    const entry = { actor: by, action: 'kill-rearmed', subject: `kill/${id}`, reason, details: { epoch } };
    await audit.append(transaction, entry);
  });
}

async function recordAcks(database: Database, acks: readonly (KillAck & { readonly killId: string })[]): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    for (const ack of acks) {
      await transaction
        .insertInto('kill_acks')
        .values({
          kill_id: ack.killId,
          site: ack.site,
          device: ack.device,
          acked_at_ms: ack.ackedAtMs,
          round_trip_ms: ack.roundTripMs,
          effect_ms: ack.effectMs,
          was_serving: ack.wasServing === null ? null : Number(ack.wasServing),
          digest: ack.digest,
          request_id: ack.requestId,
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
  });
}

function toRecord(row: FloorTables['kills']): KillRecord {
  const { id, topic, reason, actor, epoch } = row;
  return {
    id,
    scope: killScopeSchema.parse(JSON.parse(row.scope)),
    topic,
    reason,
    actor,
    epoch,
    raisedAtMs: row.raised_at_ms,
    recipients: JSON.parse(row.recipients) as KillRecord['recipients'],
    cleared:
      row.cleared_at_ms === null
        ? null
        : {
            atMs: row.cleared_at_ms,
            by: row.cleared_by ?? '',
            reason: row.cleared_reason ?? '',
            epoch: row.cleared_epoch ?? row.epoch,
          },
  };
}

function toAck(row: FloorTables['kill_acks'], record: KillRecord): KillAck {
  const { site, device, digest } = row;
  const recipient = record.recipients.find((candidate) => candidate.site === site && candidate.device === device);
  return {
    site,
    device,
    ackedAtMs: row.acked_at_ms,
    roundTripMs: row.round_trip_ms,
    effectMs: row.effect_ms,
    wasServing: row.was_serving === null ? null : row.was_serving === 1,
    digest,
    requestId: row.request_id,
    wasOffline: recipient?.online !== true,
  };
}
