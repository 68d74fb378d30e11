// Idempotency-Key on a real server and database, with routes that count how often they act.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../../control-plane/database/database.ts';
import { openToAnybody } from '../../../control-plane/http/access.ts';
import { installIdempotency } from '../../../control-plane/http/idempotency.ts';
import { ANSWERS_KEPT_MS, beginKey, forgetAnswers } from '../../../control-plane/http/idempotency-rows.ts';
import { ProblemError } from '../../../control-plane/http/problems.ts';
import { buildServer, type HttpApp } from '../../../control-plane/http/server.ts';

let folder: string;
let database: Database;
let app: HttpApp;
let nowMs = 1_700_000_000_000;
let acts = 0;
let gate = Promise.resolve();
let key = 0;
const freshKey = () => {
  key += 1;
  return `key-${key}`;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-keys-'));
  database = await openDatabase(join(folder, 'belay.db'));
  app = await buildServer({
    version: 'test',
    log: pino({ level: 'silent' }),
    loopbackOnly: true,
    access: openToAnybody(),
  });
  const whoOf = ({ headers }: { headers: Record<string, unknown> }) => String(headers['x-who'] ?? 'ana');
  installIdempotency(app, { database, wallNow: () => nowMs, whoOf });
  const act = async () => {
    acts += 1;
    await gate;
    return { act: acts };
  };
  const open = { config: { needs: 'public' } } as const;
  app.post('/acts', open, act);
  app.post('/v1/kills', open, act);
  app.post('/refused', open, async () => {
    acts += 1;
    throw new ProblemError('conflict', 'not now');
  });
  app.post('/broken', open, async () => {
    throw new Error('half way');
  });
  app.post('/secret', open, async (_, reply) =>
    reply.header('cache-control', 'no-store').send({ token: 'shown once' }),
  );
});

afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

const ask = async (idempotencyKey: string, { url = '/acts', payload = { a: 1 }, who = 'ana' } = {}) => {
  const headers = { 'idempotency-key': idempotencyKey, 'x-who': who };
  const response = await app.inject({ method: 'POST', url, headers, payload });
  return { status: response.statusCode, body: response.json(), replayed: response.headers['idempotent-replayed'] };
};

describe('the same key', () => {
  it('is the same act, and gets the same answer', async () => {
    const own = freshKey();
    const first = await ask(own);
    const before = acts;
    expect(await ask(own)).toEqual({ ...first, replayed: 'true' });
    expect(first.replayed).toBeUndefined();
    expect(acts).toBe(before);
  });

  it('with another body or address is refused, and says what it was used for', async () => {
    const own = freshKey();
    await ask(own);
    expect(await ask(own, { payload: { a: 2 } })).toMatchObject({
      status: 422,
      body: { type: '/problems/key-reused' },
    });
    expect(await ask(own, { url: '/refused' })).toMatchObject({ status: 422 });
  });

  it('of somebody else is another key', async () => {
    const own = freshKey();
    const first = await ask(own);
    expect((await ask(own, { who: 'ben' })).body).not.toEqual(first.body);
  });

  it('is refused while the first request is being answered', async () => {
    const own = freshKey();
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    const before = acts;
    const first = ask(own);
    await expect.poll(() => acts).toBe(before + 1);
    expect(await ask(own)).toMatchObject({ status: 409, body: { type: '/problems/in-flight' } });
    resolve();
    expect(await first).toMatchObject({ status: 200 });
    expect(acts).toBe(before + 1);
  });

  it('may be used again after a refusal: nothing was done', async () => {
    const own = freshKey();
    const before = acts;
    for (const _ of [1, 2]) expect(await ask(own, { url: '/refused' })).toMatchObject({ status: 409 });
    expect(acts).toBe(before + 2);
  });

  it('is not answered a second time when nobody knows whether it was done', async () => {
    const own = freshKey();
    await ask(own, { url: '/broken' });
    expect(await ask(own, { url: '/broken' })).toMatchObject({ body: { type: '/problems/outcome-unknown' } });
    const crashed = freshKey();
    await ask(crashed);
    const row = { who: 'ana', key: crashed, route: 'POST /acts', requestHash: await hashOf(crashed) };
    await beginKey(database, row, nowMs);
    expect(await ask(crashed)).toMatchObject({ status: 409, body: { type: '/problems/outcome-unknown' } });
  });

  it('never brings a secret back', async () => {
    const own = freshKey();
    expect((await ask(own, { url: '/secret' })).status).toBe(200);
    const again = await ask(own, { url: '/secret' });
    expect(again).toMatchObject({ status: 409, body: { detail: expect.stringContaining('shown once') } });
    const { body } = await database
      .selectFrom('idempotency_keys')
      .select('body')
      .where('key', '=', own)
      .executeTakeFirstOrThrow();
    expect(body).toBeNull();
  });

  it('counts for a day, and is forgotten then', async () => {
    const own = freshKey();
    const first = await ask(own);
    nowMs += ANSWERS_KEPT_MS;
    expect((await ask(own)).body).not.toEqual(first.body);
    nowMs += ANSWERS_KEPT_MS + 1;
    expect(await forgetAnswers(database, nowMs)).toBeGreaterThan(5);
    expect(await database.selectFrom('idempotency_keys').selectAll().execute()).toEqual([]);
  });

  it('must be readable', async () => {
    expect((await ask('with space')).status).toBe(400);
    expect((await ask('x'.repeat(201))).status).toBe(400);
  });
});

/** Last, as nothing works after it. */
describe('without a database', () => {
  it('a kill with a key is obeyed all the same', async () => {
    const own = freshKey();
    await database.destroy();
    const before = acts;
    for (const _ of [1, 2]) expect((await ask(own, { url: '/v1/kills' })).status).toBe(200);
    expect(acts).toBe(before + 2);
    expect((await ask(own)).status).toBe(500);
    expect(acts).toBe(before + 2);
  });
});

async function hashOf(own: string): Promise<string> {
  const row = await database
    .selectFrom('idempotency_keys')
    .select('request_hash')
    .where('key', '=', own)
    .executeTakeFirstOrThrow();
  return row.request_hash;
}
