// The door of the notifications room: webhooks that are told what happens, and what became of every message. Telling nobody, or
// somebody who never answers, slows nothing: it reads what is on record and runs beside everything else.
import { randomBytes, randomUUID } from 'node:crypto';
import { describeError } from '../../shared/basics/errors.ts';
import {
  type Delivery,
  TEST_EVENT,
  type Webhook,
  type WebhookActBody,
  type WebhookCreateBody,
  type WebhookCreated,
  type WebhookVerb,
} from '../../shared/protocol/api-webhooks.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../database/database.ts';
import { openAddressRule } from './address-rule.ts';
import { collect } from './collect.ts';
import { type AttemptCounts, Courier } from './courier.ts';
import { cloudEventText } from './notice.ts';
import { send } from './send.ts';
import {
  findDelivery,
  findWebhookRow,
  insertDelivery,
  listDeliveries,
  listWebhookRows,
  toWebhook,
  type WebhookRow,
} from './webhook-rows.ts';

export type NotificationParts = {
  readonly database: Database;
  readonly audit: Pick<Audit, 'append'>;
  readonly settings: NotificationSettings;
  /** Names this control plane in ids and sources of events; stays the same for good. */
  readonly instance: string;
  readonly wallNow: () => number;
  readonly monotonicNow: () => number;
  readonly random: () => number;
  readonly log: { warn(fields: object, message: string): void };
};

export type NotificationSettings = {
  readonly everyMs: number;
  readonly timeoutMs: number;
  readonly retryDelaysMs: readonly number[];
  /** Settled deliveries are removed after this. */
  readonly keepMs: number;
  readonly allowNetworks: readonly string[];
};

export type WebhookFigures = {
  readonly enabled: number;
  readonly disabled: number;
  readonly waiting: number;
  readonly oldestMs: number;
  readonly attempts: AttemptCounts;
};

export type Added =
  | { readonly kind: 'added'; readonly webhook: WebhookCreated }
  | { readonly kind: 'refused'; readonly reason: string };

const WEBHOOKS_MAX = 50;
const SECRET_BYTES = 32;
const SWEEP_EVERY_MS = 10 * 60_000;
const SWEEP_ROWS = 2000;

export class Notifications {
  readonly #parts: NotificationParts;
  readonly #rule: ReturnType<typeof openAddressRule>;
  readonly #ending = new AbortController();
  readonly #courier: Courier;
  readonly #names: { readonly source: string; readonly idPrefix: string };
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();
  #isDue = false;
  #sweptAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: NotificationParts) {
    const { settings, wallNow, monotonicNow, instance } = parts;
    this.#parts = parts;
    this.#rule = openAddressRule(settings.allowNetworks);
    this.#names = { source: `urn:belay:${instance}`, idPrefix: `evt_${instance.slice(0, 8)}_` };
    const signal = this.#ending.signal;
    this.#courier = new Courier({
      ...parts,
      retryDelaysMs: settings.retryDelaysMs,
      post: (letter) =>
        send(letter, { rule: this.#rule, timeoutMs: settings.timeoutMs, wallNow, monotonicNow, signal }),
    });
  }

  start(): void {
    this.#timer = setInterval(() => this.wake(), this.#parts.settings.everyMs);
    this.wake();
  }

  /** Look soon; calls while one is due are one. */
  wake(): void {
    if (this.#timer === null || this.#isDue) return;
    this.#isDue = true;
    this.#looking = this.#looking.then(() => this.#look());
  }

  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#ending.abort(new Error('the control plane is closing'));
    await this.#looking;
    await this.#courier.close();
  }

  async list(): Promise<Webhook[]> {
    const { database } = this.#parts;
    return Promise.all((await listWebhookRows(database)).map((row) => toWebhook(database, row)));
  }

  async add({ url, description, events, sites, actor, reason }: WebhookCreateBody): Promise<Added> {
    const { database, audit, wallNow } = this.#parts;
    const refusal = this.#rule.refuseUrl(url);
    if (refusal !== null) return { kind: 'refused', reason: `${url}: ${refusal}` };
    if ((await listWebhookRows(database)).length >= WEBHOOKS_MAX)
      return { kind: 'refused', reason: `there are ${WEBHOOKS_MAX} webhooks already; remove one` };
    const secret = `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
    const row: WebhookRow = {
      id: `w-${randomBytes(5).toString('hex')}`,
      url,
      secret,
      description,
      events: JSON.stringify(events),
      sites: JSON.stringify(sites),
      created_at_ms: wallNow(),
      created_by: actor,
      disabled_at_ms: null,
      disabled_because: null,
      removed_at_ms: null,
    };
    await database.transaction().execute(async (transaction) => {
      await transaction.insertInto('webhooks').values(row).execute();
      const subject = `webhook/${row.id}`;
      const said = { actor, subject, reason: reason ?? description, details: { url, events, sites } };
      await audit.append(transaction, { ...said, action: 'webhook-added' });
    });
    return { kind: 'added', webhook: { ...(await toWebhook(database, row)), secret } };
  }

  /** Null: there is no such webhook. */
  async act(id: string, verb: WebhookVerb, { actor, reason }: WebhookActBody): Promise<Webhook | null> {
    const { database, audit, wallNow } = this.#parts;
    const before = await findWebhookRow(database, id);
    if (before === null) return null;
    const row = { ...before, ...changeOf(verb, wallNow(), `${actor}: ${reason ?? 'no reason given'}`) };
    await database.transaction().execute(async (transaction) => {
      await transaction.updateTable('webhooks').set(row).where('id', '=', id).execute();
      if (verb === 'remove') {
        const waiting = transaction.updateTable('webhook_deliveries').where('webhook_id', '=', id);
        const end = { state: 'dead', next_at_ms: null, settled_at_ms: wallNow() };
        await waiting.where('state', '=', 'waiting').set(end).execute();
      }
      const entry = { actor, subject: `webhook/${id}`, reason: reason ?? '' };
      await audit.append(transaction, { ...entry, action: PAST[verb], details: { url: before.url } });
    });
    this.wake();
    return toWebhook(database, row);
  }

  /** Newest first; null: there is no such webhook. */
  async deliveries(id: string, limit: number): Promise<Delivery[] | null> {
    const { database } = this.#parts;
    return (await findWebhookRow(database, id)) && listDeliveries(database, id, limit);
  }

  /** The same event with the same id once more, with every attempt before it. */
  async redeliver(id: string, deliveryId: number): Promise<Delivery | null> {
    const { database, wallNow } = this.#parts;
    if ((await findWebhookRow(database, id)) === null) return null;
    await database
      .updateTable('webhook_deliveries')
      .set({ state: 'waiting', tries: 0, next_at_ms: wallNow(), settled_at_ms: null })
      .where('webhook_id', '=', id)
      .where('id', '=', deliveryId)
      .execute();
    this.wake();
    return findDelivery(database, id, deliveryId);
  }

  /** Sends a ping, once, and waits for what comes of it. */
  async test(id: string): Promise<Delivery | null> {
    const { database, wallNow } = this.#parts;
    const webhook = await findWebhookRow(database, id);
    if (webhook === null) return null;
    const nowMs = wallNow();
    const event = { id: `${this.#names.idPrefix}t${randomUUID()}`, subject: `webhook/${id}`, type: TEST_EVENT };
    const data = { webhookId: id, text: 'Belay can reach this receiver.' };
    const body = cloudEventText({ ...event, atMs: nowMs, data }, this.#names.source);
    const { type, subject } = event;
    const row = { webhook_id: id, event_id: event.id, type, subject, body, created_at_ms: nowMs, next_at_ms: null };
    const deliveryId = await insertDelivery(database, row);
    if (deliveryId === null) throw new TypeError(`event ${event.id} was made twice`);
    await this.#courier.deliverNow(webhook, deliveryId);
    await this.#endTest(deliveryId);
    return findDelivery(database, id, deliveryId);
  }

  async figures(): Promise<WebhookFigures> {
    const { database, wallNow } = this.#parts;
    const rows = await listWebhookRows(database);
    const disabled = rows.filter(({ disabled_at_ms }) => disabled_at_ms !== null).length;
    const { waiting, oldest } = await database
      .selectFrom('webhook_deliveries')
      .select((select) => [select.fn.countAll<number>().as('waiting'), select.fn.min('created_at_ms').as('oldest')])
      .where('state', '=', 'waiting')
      .executeTakeFirstOrThrow();
    const oldestMs = oldest === null ? 0 : Math.max(0, wallNow() - Number(oldest));
    const attempts = this.#courier.counts();
    return { enabled: rows.length - disabled, disabled, waiting: Number(waiting), oldestMs, attempts };
  }

  /** A ping that failed is not tried again behind the back of the person who saw it fail. */
  async #endTest(deliveryId: number): Promise<void> {
    await this.#parts.database
      .updateTable('webhook_deliveries')
      .set({ state: 'dead', next_at_ms: null, settled_at_ms: this.#parts.wallNow() })
      .where('id', '=', deliveryId)
      .where('state', '=', 'waiting')
      .execute();
  }

  async #look(): Promise<void> {
    this.#isDue = false;
    if (this.#ending.signal.aborted) return;
    try {
      await collect({ ...this.#parts, ...this.#names });
      await this.#courier.dispatch(() => this.wake());
      await this.#sweep();
    } catch (error) {
      this.#parts.log.warn({ error: describeError(error) }, 'webhooks could not be told now; trying again');
    }
  }

  async #sweep(): Promise<void> {
    const { database, wallNow, settings } = this.#parts;
    const nowMs = wallNow();
    if (nowMs - this.#sweptAtMs < SWEEP_EVERY_MS) return;
    this.#sweptAtMs = nowMs;
    const old = database
      .selectFrom('webhook_deliveries')
      .select('id')
      .where('state', '<>', 'waiting')
      .where('settled_at_ms', '<', nowMs - settings.keepMs)
      .limit(SWEEP_ROWS);
    await database.deleteFrom('webhook_deliveries').where('id', 'in', old).execute();
  }
}

const PAST = { enable: 'webhook-enabled', disable: 'webhook-disabled', remove: 'webhook-removed' } as const;

function changeOf(verb: WebhookVerb, nowMs: number, because: string): Partial<WebhookRow> {
  switch (verb) {
    case 'enable':
      return { disabled_at_ms: null, disabled_because: null };
    case 'disable':
      return { disabled_at_ms: nowMs, disabled_because: because };
    case 'remove':
      return { removed_at_ms: nowMs };
  }
}
