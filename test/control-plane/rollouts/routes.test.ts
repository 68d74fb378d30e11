// The rollout routes on a real HTTP server: every answer fits its schema, every refusal says what to do.
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openToAnybody } from '../../../control-plane/http/access.ts';
import { registerRevisionRoutes } from '../../../control-plane/http/routes/revisions.ts';
import { registerRolloutRoutes } from '../../../control-plane/http/routes/rollouts.ts';
import { buildServer, type HttpApp } from '../../../control-plane/http/server.ts';
import { rolloutEditedSchema } from '../../../shared/protocol/api-revisions.ts';
import {
  rolloutListSchema,
  rolloutPlanSchema,
  rolloutViewSchema,
  rolloutWhySchema,
} from '../../../shared/protocol/api-rollouts.ts';
import { openSimFleet, type SimFleet } from './sim-fleet.ts';

const FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: r}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: vision-team, backup: on-call}
  stages: [{name: full, percent: 100, bake: 10m}]
  guardrails: [{id: p95, expr: p95(latency_ms) <= baseline * 1.2, enforce: rollback}]
`;

let fleet: SimFleet;
let app: HttpApp;
let woken = 0;

beforeAll(async () => {
  fleet = await openSimFleet({ perSite: 2 });
  app = await buildServer({
    version: 'test',
    log: pino({ level: 'silent' }),
    loopbackOnly: true,
    access: openToAnybody(),
  });
  const wake = () => {
    woken += 1;
  };
  registerRolloutRoutes(app, { rollouts: fleet.rollouts, wake });
  registerRevisionRoutes(app, { rollouts: fleet.rollouts, wake });
});

afterAll(async () => {
  await app.close();
  await fleet.close();
});

async function call(method: 'GET' | 'POST' | 'PUT', url: string, payload?: object) {
  const headers = { 'if-match': '*' };
  const response = await app.inject({ method, url, headers, ...(payload ? { payload } : {}) });
  return { status: response.statusCode, body: response.json() as Record<string, unknown> };
}

describe('/v1/rollouts', () => {
  it('plans, and lists the mistakes of a file with their places', async () => {
    const planned = await call('POST', '/v1/rollouts/plan', { file: FILE });
    expect(rolloutPlanSchema.parse(planned.body).plan?.devices).toHaveLength(2);
    const wrong = await call('POST', '/v1/rollouts/plan', { file: FILE.replace('bake', 'bakes') });
    expect(rolloutPlanSchema.parse(wrong.body)).toMatchObject({ plan: null, problems: [{ line: 7 }, { line: 7 }] });
  });

  it('refuses to start what cannot start, in problem documents', async () => {
    const wrong = await call('POST', '/v1/rollouts', { file: 'kind: x', reason: 'try' });
    expect(wrong).toMatchObject({ status: 400, body: { type: '/problems/invalid-request' } });
    expect((wrong.body.errors as { message: string }[])[0]?.message).toMatch(/ \(line 1, column 1\)$/);
    const silent = await call('POST', '/v1/rollouts', { file: FILE });
    expect(silent).toMatchObject({ status: 400 });
    const nowhere = FILE.replace('  stages', '  cohort: {factories: [plant-z]}\n  stages');
    expect(await call('POST', '/v1/rollouts', { file: nowhere, reason: 'try' })).toMatchObject({ status: 409 });
  });

  it('starts, shows, explains and obeys', async () => {
    const started = await call('POST', '/v1/rollouts', { file: FILE, actor: 'engineer', reason: 'better' });
    expect(started.status).toBe(201);
    const { id } = rolloutViewSchema.parse(started.body);
    expect(woken).toBe(1);
    await fleet.run(2);
    const shown = rolloutViewSchema.parse((await call('GET', `/v1/rollouts/${id}`)).body);
    expect(shown).toMatchObject({ state: 'running', phase: 'baking', exposure: { assigned: 2, exposed: 2 } });
    expect(shown.nextDecisionAtMs).toBeGreaterThan(fleet.nowMs);
    expect(rolloutViewSchema.parse((await call('GET', '/v1/rollouts/r')).body).id).toBe(id);
    expect(rolloutListSchema.parse((await call('GET', '/v1/rollouts')).body).rollouts).toHaveLength(1);
    const why = rolloutWhySchema.parse((await call('GET', `/v1/rollouts/${id}/why`)).body);
    expect(why.sentences.join('\n')).toContain('no evidence');
    expect(why.whatYouCanDo.join('\n')).toContain('rollback');
    const early = await call('POST', `/v1/rollouts/${id}/promote`, { reason: 'now' });
    expect(early).toMatchObject({ status: 409, body: { detail: expect.stringContaining('looked at in') } });
    const held = await call('POST', `/v1/rollouts/${id}/hold`, { actor: 'on-call', reason: 'wait' });
    expect(rolloutViewSchema.parse(held.body)).toMatchObject({ state: 'holding', holdReason: 'on-call: wait' });
  });

  it('takes other words for it, with the revision that they were made from', async () => {
    const words = { actor: 'engineer', reason: 'agreed', baseRevision: 1 };
    const stale = await call('PUT', '/v1/rollouts/r', { ...words, file: FILE, baseRevision: 9 });
    expect(stale).toMatchObject({ status: 409, body: { detail: expect.stringContaining('revision 1 is in force') } });
    expect(await call('PUT', '/v1/rollouts/r', { ...words, file: 'kind: x' })).toMatchObject({ status: 400 });
    expect(await call('PUT', '/v1/rollouts/nobody', { ...words, file: FILE })).toMatchObject({ status: 404 });
    const looser = await call('PUT', '/v1/rollouts/r', { ...words, file: FILE.replace('* 1.2', '* 1.3') });
    expect(rolloutEditedSchema.parse(looser.body)).toMatchObject({ outcome: 'proposed', revision: 2 });
    const own = await call('POST', '/v1/rollouts/r/revisions/2/approve', { actor: 'engineer', reason: 'fine' });
    expect(own).toMatchObject({ status: 409, body: { detail: expect.stringContaining('somebody else') } });
    const agreed = await call('POST', '/v1/rollouts/r/revisions/2/approve', { actor: 'qa-lead', reason: 'fine' });
    expect(rolloutEditedSchema.parse(agreed.body)).toMatchObject({ outcome: 'in-force', revision: 2 });
    const shown = rolloutViewSchema.parse((await call('GET', '/v1/rollouts/r')).body);
    expect([shown.revision, shown.revisions.map(({ state }) => state)]).toEqual([2, ['replaced', 'in-force']]);
    expect(await call('POST', '/v1/rollouts/r/revisions/7/approve', { reason: 'x' })).toMatchObject({ status: 404 });
  });

  it('knows no other rollouts and no other verbs', async () => {
    expect(await call('GET', '/v1/rollouts/nobody')).toMatchObject({ status: 404 });
    expect(await call('GET', '/v1/rollouts/nobody/why')).toMatchObject({ status: 404 });
    expect(await call('POST', '/v1/rollouts/nobody/hold', { reason: 'x' })).toMatchObject({ status: 404 });
    expect(await call('POST', '/v1/rollouts/r/explode', { reason: 'x' })).toMatchObject({ status: 400 });
  });
});

describe('a change of a rollout', () => {
  const change = async (verb: string, tag: string | null, more: object = {}) => {
    const headers = tag === null ? {} : { 'if-match': tag };
    const payload = { actor: 'on-call', reason: 'because', ...more };
    const response = await app.inject({ method: 'POST', url: `/v1/rollouts/r/${verb}`, headers, payload });
    return { status: response.statusCode, body: response.json(), etag: response.headers.etag };
  };
  const tagNow = async () => String((await app.inject('/v1/rollouts/r')).headers.etag);

  it('must say which version it is meant for, and is refused when that is not the present one', async () => {
    const seen = await tagNow();
    expect(seen).toMatch(/^"v\d+\./);
    expect((await change('resume', null)).status).toBe(428);
    expect((await change('abort', null, { keep: true })).status).toBe(428);
    expect((await change('hold', null)).status).toBe(200); // stopping needs none
    const stale = await change('resume', seen);
    expect(stale).toMatchObject({ status: 412, body: { type: '/problems/precondition-failed' } });
    expect(stale.body.detail).toContain('It is holding; the last decision was hold by on-call: ');
    expect(stale.body.etag).toBe(stale.etag);
    expect(stale.etag).toMatch(/^"v\d+"$/);
    expect((await change('resume', stale.body.etag)).status).toBe(200);
  });

  it('is refused by the room itself, whoever asks', async () => {
    const { version } = rolloutViewSchema.parse((await call('GET', '/v1/rollouts/r')).body);
    const words = { actor: 'engineer', reason: 'x' };
    const before = [String(version - 1)];
    expect(await fleet.rollouts.act('r', 'promote', words, before)).toMatchObject({
      kind: 'stale',
      version: String(version),
    });
    const edit = { ...words, file: FILE.replace('* 1.2', '* 1.1'), baseRevision: 2 };
    expect(await fleet.rollouts.edit('r', edit, before)).toMatchObject({ kind: 'stale' });
    expect(await fleet.rollouts.settle('r', { ...words, verb: 'approve', number: 2 }, before)).toMatchObject({
      kind: 'stale',
    });
    expect(rolloutViewSchema.parse((await call('GET', '/v1/rollouts/r')).body).version).toBe(version);
  });

  it('back needs no version at all', async () => {
    expect((await change('rollback', null)).status).toBe(200);
  });
});

describe('the list of rollouts', () => {
  it('is turned page by page, and can be of those that go on', async () => {
    for (const [id, createdAtMs] of [
      ['ro_a', 5],
      ['ro_b', 5],
      ['ro_c', 9],
    ] as const)
      await sql`insert into rollouts (id, name, state, version, candidate_release, candidate_digest, created_at_ms,
          ended_at_ms, file_text, file_hash, plan, plan_hash, progress, latest)
        select ${id}, ${id}, 'completed', 1, candidate_release, candidate_digest, ${createdAtMs}, 10, file_text, file_hash,
          plan, plan_hash, progress, latest from rollouts where name = 'r'`.execute(fleet.database);
    const ids: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const { body } = await call('GET', `/v1/rollouts?limit=1${cursor && `&cursor=${cursor}`}`);
      const list = rolloutListSchema.parse(body);
      ids.push(...list.rollouts.map(({ name }) => name));
      cursor = list.nextCursor;
    }
    expect(ids).toEqual(['r', 'ro_c', 'ro_a', 'ro_b']);
    const active = rolloutListSchema.parse((await call('GET', '/v1/rollouts?state=active')).body).rollouts;
    expect(active.map(({ name }) => name)).toEqual(['r']);
    expect(await call('GET', '/v1/rollouts?state=sleeping')).toMatchObject({ status: 400 });
  });
});
