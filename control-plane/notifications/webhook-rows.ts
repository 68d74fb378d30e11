// Webhooks and their deliveries as rows. Single reads and writes; no decisions.
import type { Selectable } from 'kysely';
import type { Delivery, Webhook } from '../../shared/protocol/api-webhooks.ts';
import type { Queryable } from '../database/database.ts';
import type { Schema } from '../database/schema.ts';

export type WebhookRow = Selectable<Schema['webhooks']>;
export type DeliveryRow = Selectable<Schema['webhook_deliveries']>;
export type AttemptRow = Selectable<Schema['webhook_attempts']>;

/** Those that have not been removed, oldest first. */
export function listWebhookRows(database: Queryable): Promise<readonly WebhookRow[]> {
  const rows = database.selectFrom('webhooks').selectAll().where('removed_at_ms', 'is', null);
  return rows.orderBy('created_at_ms').orderBy('id').execute();
}

export async function findWebhookRow(database: Queryable, id: string): Promise<WebhookRow | null> {
  const row = database.selectFrom('webhooks').selectAll().where('id', '=', id).where('removed_at_ms', 'is', null);
  return (await row.executeTakeFirst()) ?? null;
}

export function wantedOf({ events, sites }: Pick<WebhookRow, 'events' | 'sites'>): Pick<Webhook, 'events' | 'sites'> {
  return JSON.parse(`{"events":${events},"sites":${sites}}`) as Pick<Webhook, 'events' | 'sites'>;
}

export async function toWebhook(database: Queryable, row: WebhookRow): Promise<Webhook> {
  const counts = await database
    .selectFrom('webhook_deliveries')
    .select((select) => [
      select.fn.countAll<number>().filterWhere('state', '=', 'waiting').as('waiting'),
      select.fn.countAll<number>().filterWhere('state', '=', 'dead').as('dead'),
      select.fn.max('settled_at_ms').filterWhere('state', '=', 'delivered').as('delivered'),
    ])
    .where('webhook_id', '=', row.id)
    .executeTakeFirstOrThrow();
  const newest = await database
    .selectFrom('webhook_attempts')
    .innerJoin('webhook_deliveries', 'webhook_deliveries.id', 'webhook_attempts.delivery_id')
    .select('error')
    .where('webhook_id', '=', row.id)
    .orderBy('at_ms', 'desc')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    ...wantedOf(row),
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    disabledAtMs: row.disabled_at_ms,
    disabledBecause: row.disabled_because,
    waiting: Number(counts.waiting),
    dead: Number(counts.dead),
    lastDeliveredAtMs: counts.delivered,
    trouble: newest?.error ?? null,
  };
}

/** False: it has been told of this event already. */
export async function insertDelivery(
  database: Queryable,
  row: Pick<DeliveryRow, 'webhook_id' | 'event_id' | 'type' | 'subject' | 'body' | 'created_at_ms' | 'next_at_ms'>,
): Promise<number | null> {
  const inserted = await database
    .insertInto('webhook_deliveries')
    .values({ ...row, state: 'waiting' })
    .onConflict((conflict) => conflict.columns(['webhook_id', 'event_id']).doNothing())
    .returning('id')
    .executeTakeFirst();
  return inserted?.id ?? null;
}

/** Newest first. */
export async function listDeliveries(database: Queryable, webhookId: string, limit: number): Promise<Delivery[]> {
  const rows = await database
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('webhook_id', '=', webhookId)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return withAttempts(database, rows);
}

export async function findDelivery(database: Queryable, webhookId: string, id: number): Promise<Delivery | null> {
  const rows = await database
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('webhook_id', '=', webhookId)
    .where('id', '=', id)
    .execute();
  return (await withAttempts(database, rows))[0] ?? null;
}

async function withAttempts(database: Queryable, rows: readonly DeliveryRow[]): Promise<Delivery[]> {
  if (rows.length === 0) return [];
  const attempts = await database
    .selectFrom('webhook_attempts')
    .selectAll()
    .where(
      'delivery_id',
      'in',
      rows.map(({ id }) => id),
    )
    .orderBy('number', 'desc')
    .execute();
  const byDelivery = Map.groupBy(attempts, ({ delivery_id }) => delivery_id);
  return rows.map((row) => ({
    id: row.id,
    eventId: row.event_id,
    type: row.type,
    subject: row.subject,
    createdAtMs: row.created_at_ms,
    state: row.state as Delivery['state'],
    attempts: row.attempts,
    nextAtMs: row.next_at_ms,
    settledAtMs: row.settled_at_ms,
    log: (byDelivery.get(row.id) ?? []).map(({ number, at_ms, took_ms, status, error, answer }) => {
      return { number, atMs: at_ms, tookMs: took_ms, status, error, answer };
    }),
  }));
}
