// Answers to requests with an Idempotency-Key, as stored. Single-table reads and writes; no decisions.
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Database } from '../database/database.ts';
import type { IdempotencyTables } from '../database/schema-idempotency.ts';

/** How long an answer is kept. */
export const ANSWERS_KEPT_MS = 24 * 60 * 60_000;

export type KeyedRequest = {
  readonly who: string;
  readonly key: string;
  readonly route: string;
  readonly requestHash: string;
};

export type KeptAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Null: it may not be kept. */
  readonly body: string | null;
};

export type KeyRow = IdempotencyTables['idempotency_keys'];

const compress = promisify(gzip);
const expand = promisify(gunzip);

export async function findKey(database: Database, { who, key }: KeyedRequest): Promise<KeyRow | null> {
  const row = await database
    .selectFrom('idempotency_keys')
    .selectAll()
    .where('who', '=', who)
    .where('key', '=', key)
    .executeTakeFirst();
  return row ?? null;
}

/** On disk before the act begins: after a crash in between, a repeated request must not be a second act. */
export async function beginKey(database: Database, request: KeyedRequest, nowMs: number): Promise<void> {
  const { who, key, route, requestHash } = request;
  const fresh = { route, request_hash: requestHash, begun_at_ms: nowMs, status: null, headers: null, body: null };
  await database
    .insertInto('idempotency_keys')
    .values({ who, key, ...fresh })
    // One that is too old to count, and that upkeep has not removed yet.
    .onConflict((conflict) => conflict.columns(['who', 'key']).doUpdateSet(fresh))
    .execute();
}

export async function keepAnswer(database: Database, { who, key }: KeyedRequest, answer: KeptAnswer): Promise<void> {
  const { status, headers, body } = answer;
  await database
    .updateTable('idempotency_keys')
    .set({ status, headers: JSON.stringify(headers), body: body === null ? null : await compress(body) })
    .where('who', '=', who)
    .where('key', '=', key)
    .execute();
}

/** What was refused did nothing: the key may be used again. */
export async function releaseKey(database: Database, { who, key }: KeyedRequest): Promise<void> {
  await database.deleteFrom('idempotency_keys').where('who', '=', who).where('key', '=', key).execute();
}

/** Null: nobody knows how it ended, or its answer may not be kept. */
export async function readKept({ status, headers, body }: KeyRow): Promise<(KeptAnswer & { body: string }) | null> {
  if (status === null || body === null) return null;
  const text = (await expand(body)).toString('utf8');
  return { status, headers: JSON.parse(headers ?? '{}') as Readonly<Record<string, string>>, body: text };
}

/** Returns how many were too old. */
export async function forgetAnswers(database: Database, nowMs: number): Promise<number> {
  const { numDeletedRows } = await database
    .deleteFrom('idempotency_keys')
    .where('begun_at_ms', '<', nowMs - ANSWERS_KEPT_MS)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
