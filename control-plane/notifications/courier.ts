// Carries waiting deliveries out, a few at a time and a few for each webhook: a receiver that is dead or slow holds up nobody
// but itself. What an attempt brought is written before the next one; dying in between sends the same event again.
import { describeError } from '../../shared/basics/errors.ts';
import type { Database } from '../database/database.ts';
import { retryDelayMs } from './retry.ts';
import type { Letter, Sent } from './send.ts';
import { type DeliveryRow, listWebhookRows, type WebhookRow } from './webhook-rows.ts';

export type CourierParts = {
  readonly database: Database;
  readonly post: (letter: Letter) => Promise<Sent>;
  readonly retryDelaysMs: readonly number[];
  readonly wallNow: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: { warn(fields: object, message: string): void };
};

export type AttemptCounts = { delivered: number; failed: number; dead: number };

const AT_ONCE_MAX = 16;
const AT_ONCE_PER_WEBHOOK = 4;
/** The receiver says that it is gone for good. */
const GONE = 410;

export class Courier {
  readonly #parts: CourierParts;
  readonly #underway = new Map<number, { readonly webhookId: string; readonly done: Promise<void> }>();
  readonly #counts: AttemptCounts = { delivered: 0, failed: 0, dead: 0 };
  #isClosed = false;

  constructor(parts: CourierParts) {
    this.#parts = parts;
  }

  counts(): AttemptCounts {
    return { ...this.#counts };
  }

  /** Starts what is due and has room; resolves when that has begun, not when it has ended. */
  async dispatch(onEnd: () => void): Promise<void> {
    const { database } = this.#parts;
    for (const webhook of await listWebhookRows(database)) {
      if (webhook.disabled_at_ms !== null) continue;
      const room = this.#roomFor(webhook.id);
      if (room <= 0) continue;
      for (const row of await this.#readDue(webhook.id, room)) this.#start(webhook, row, onEnd);
    }
  }

  /** One attempt now, whatever is due; for a person who waits. */
  async deliverNow(webhook: WebhookRow, deliveryId: number): Promise<void> {
    const row = await this.#parts.database
      .selectFrom('webhook_deliveries')
      .selectAll()
      .where('id', '=', deliveryId)
      .executeTakeFirstOrThrow();
    this.#start(webhook, row, () => undefined);
    await this.#underway.get(deliveryId)?.done;
  }

  /** Waits for what is under way; the caller has aborted it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#underway.values()].map(({ done }) => done));
  }

  #roomFor(webhookId: string): number {
    const own = [...this.#underway.values()].filter((each) => each.webhookId === webhookId).length;
    return Math.min(AT_ONCE_PER_WEBHOOK - own, AT_ONCE_MAX - this.#underway.size);
  }

  #readDue(webhookId: string, limit: number): Promise<readonly DeliveryRow[]> {
    let due = this.#parts.database
      .selectFrom('webhook_deliveries')
      .selectAll()
      .where('webhook_id', '=', webhookId)
      .where('state', '=', 'waiting')
      .where('next_at_ms', '<=', this.#parts.wallNow())
      .orderBy('next_at_ms')
      .orderBy('id')
      .limit(limit);
    const underway = [...this.#underway.keys()];
    if (underway.length > 0) due = due.where('id', 'not in', underway);
    return due.execute();
  }

  #start(webhook: WebhookRow, row: DeliveryRow, onEnd: () => void): void {
    if (this.#isClosed || this.#underway.has(row.id)) return;
    const done = this.#attempt(webhook, row)
      .catch((error: unknown) => {
        const fields = { webhookId: webhook.id, eventId: row.event_id, error: describeError(error) };
        this.#parts.log.warn(fields, 'a delivery could not be written down; it is sent again');
      })
      .finally(() => {
        this.#underway.delete(row.id);
        onEnd();
      });
    this.#underway.set(row.id, { webhookId: webhook.id, done });
  }

  async #attempt(webhook: WebhookRow, row: DeliveryRow): Promise<void> {
    const { url, secret } = webhook;
    const sent = await this.#parts.post({ url, secret, eventId: row.event_id, body: row.body });
    if (this.#isClosed && sent.error !== null) return; // it was we who broke it off
    const outcome = await this.#record(row, sent);
    this.#counts[outcome] += 1;
    if (sent.status === GONE) await this.#disable(webhook.id);
    if (outcome === 'dead') {
      const fields = { webhookId: webhook.id, eventId: row.event_id, type: row.type, error: sent.error };
      this.#parts.log.warn(fields, 'a webhook was not told in spite of every attempt; belay webhook log shows why');
    }
  }

  async #record(row: DeliveryRow, sent: Sent): Promise<keyof AttemptCounts> {
    const { database, wallNow, random, retryDelaysMs: delaysMs } = this.#parts;
    const nowMs = wallNow();
    const [number, tries] = [row.attempts + 1, row.tries + 1];
    const delayMs = retryDelayMs(tries, { delaysMs, chance: random(), retryAfterMs: sent.retryAfterMs });
    const outcome = sent.error === null ? 'delivered' : delayMs === null || sent.status === GONE ? 'dead' : 'failed';
    const { status, error, answer, tookMs } = sent;
    const attempt = { delivery_id: row.id, number, at_ms: nowMs, took_ms: tookMs, status, error, answer };
    await database.transaction().execute(async (transaction) => {
      await transaction.insertInto('webhook_attempts').values(attempt).execute();
      await transaction
        .updateTable('webhook_deliveries')
        .set({
          state: outcome === 'failed' ? 'waiting' : outcome,
          attempts: number,
          tries,
          next_at_ms: outcome === 'failed' ? nowMs + (delayMs ?? 0) : null,
          settled_at_ms: outcome === 'failed' ? null : nowMs,
        })
        .where('id', '=', row.id)
        .execute();
    });
    return outcome;
  }

  async #disable(webhookId: string): Promise<void> {
    await this.#parts.database
      .updateTable('webhooks')
      .set({ disabled_at_ms: this.#parts.wallNow(), disabled_because: `it answered ${GONE}: gone for good` })
      .where('id', '=', webhookId)
      .where('disabled_at_ms', 'is', null)
      .execute();
  }
}
