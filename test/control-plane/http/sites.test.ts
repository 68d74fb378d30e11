// Rollouts, incidents and audit by site: who may see plant-a alone, who may act on both, and who agrees to what somebody else
// asked for. Over real rollouts of two factories; who asks is told by a header here.
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAudit } from '../../../control-plane/audit/audit.ts';
import { registerAuditRoutes } from '../../../control-plane/http/routes/audit.ts';
import { registerRevisionRoutes } from '../../../control-plane/http/routes/revisions.ts';
import { registerRolloutRoutes } from '../../../control-plane/http/routes/rollouts.ts';
import { buildServer, type HttpApp } from '../../../control-plane/http/server.ts';
import { openSitesOf, openTouchedSites } from '../../../control-plane/http/touched-sites.ts';
import type { Caller } from '../../../control-plane/identity/caller.ts';
import type { Grant } from '../../../shared/protocol/api-identity.ts';
import { openSimFleet, type SimFleet } from '../rollouts/sim-fleet.ts';

const FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: r}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: lead, backup: second, approvers: [lead, qa, near]}
  stages: [{name: half, percent: 50, bake: 10m, promote: approval}, {name: full, percent: 100, bake: 10m}]
  guardrails: [{id: p95, expr: p95(latency_ms) <= baseline * 1.2, enforce: rollback}]
`;

const on = (role: Grant['role'], ...sites: string[]): Grant => ({ role, sites: sites[0] === '*' ? '*' : sites });
const PEOPLE: Readonly<Record<string, readonly Grant[]>> = {
  lead: [on('approver', '*')],
  qa: [on('approver', 'plant-a', 'plant-b')],
  near: [on('approver', 'plant-a'), on('viewer', 'plant-b')],
  watcher: [on('viewer', 'plant-a')],
  stranger: [on('admin', 'plant-z')],
};

let fleet: SimFleet;
let app: HttpApp;
let id: string;

beforeAll(async () => {
  fleet = await openSimFleet({ perSite: 2, sites: ['plant-a', 'plant-b'] });
  const sitesOf = openSitesOf(fleet.database);
  app = await buildServer({
    version: 'test',
    log: pino({ level: 'silent' }),
    loopbackOnly: true,
    access: {
      signIn: 'required',
      publicOrigin: null,
      sitesOf,
      touched: openTouchedSites(sitesOf, () => null),
      whoAsks: ({ headers }) => ({ kind: 'known', caller: caller(String(headers['x-as'])), csrf: null }),
    },
  });
  registerRolloutRoutes(app, { rollouts: fleet.rollouts });
  registerRevisionRoutes(app, { rollouts: fleet.rollouts });
  const audit = openAudit({ database: fleet.database, wallNow: () => fleet.nowMs });
  registerAuditRoutes(app, { audit, scopeOfKill: () => null });
  await audit.append(fleet.database, { actor: 'qa', action: 'x', subject: 'device/plant-z/cam-01', reason: 'r' });
  const started = await ask('lead', 'POST', '/v1/rollouts', { file: FILE, actor: 'somebody else', reason: 'better' });
  expect(started.body).toMatchObject({ name: 'r' });
  id = String(started.body.id);
  await fleet.run(2);
});

afterAll(async () => {
  await app?.close();
  await fleet?.close();
});

function caller(name: string): Caller {
  return { name, kind: 'person', grants: [...(PEOPLE[name] ?? [])], mayKill: true, by: { kind: 'none' } };
}

async function ask(who: string, method: 'GET' | 'POST' | 'PUT', url: string, payload?: object) {
  const response = await app.inject({
    method,
    url,
    headers: { 'x-as': who, 'if-match': '*' },
    ...(payload ? { payload } : {}),
  });
  return { status: response.statusCode, body: response.json() as Record<string, unknown> };
}

describe('a rollout of two factories', () => {
  it('was started by who was signed in, whatever the body said', async () => {
    const rows = (await ask('lead', 'GET', `/v1/audit?subject=rollout/${id}`)).body.rows as { actor: string }[];
    expect(rows.at(-1)?.actor).toBe('lead');
  });

  it('is seen by who may see one of them, and is not there for anybody else', async () => {
    for (const path of ['', '/why']) {
      expect((await ask('watcher', 'GET', `/v1/rollouts/${id}${path}`)).status).toBe(200);
      expect((await ask('stranger', 'GET', `/v1/rollouts/${id}${path}`)).status).toBe(404);
      expect((await ask('stranger', 'GET', `/v1/rollouts/r${path}`)).status).toBe(404);
    }
    expect((await ask('watcher', 'GET', '/v1/rollouts')).body.rollouts).toHaveLength(1);
    expect((await ask('stranger', 'GET', '/v1/rollouts')).body.rollouts).toEqual([]);
  });

  it('is not reached around the check by writing its address in another way', async () => {
    for (const path of [`/v1/%72ollouts/${id}`, `/v1/rollouts/${id}/`, `/v1/rollouts/${encodeURIComponent(id)}`])
      expect((await ask('stranger', 'GET', path)).status).toBe(404);
  });

  it('is touched only by who may act on both, and says which role is missing where', async () => {
    const hold = (who: string) => ask(who, 'POST', `/v1/rollouts/${id}/hold`, { reason: 'wait' });
    const missing = await hold('near');
    expect(missing).toMatchObject({ status: 403, body: { type: '/problems/forbidden' } });
    expect(missing.body.detail).toContain('near lacks the role operator on plant-b');
    const hidden = await hold('watcher');
    expect(hidden.status).toBe(403);
    expect(hidden.body.detail).not.toContain('plant-b');
    expect((await hold('stranger')).status).toBe(404);
    expect((await ask('near', 'PUT', `/v1/rollouts/${id}`, { file: FILE, reason: 'x', baseRevision: 1 })).status).toBe(
      403,
    );
  });

  it('is not started, nor planned, over a site that is not one’s own', async () => {
    const start = await ask('near', 'POST', '/v1/rollouts', { file: FILE, reason: 'mine' });
    expect(start).toMatchObject({ status: 403 });
    expect(start.body.detail).toContain('plant-b');
    expect((await ask('watcher', 'POST', '/v1/rollouts/plan', { file: FILE })).status).toBe(403);
    const own = FILE.replace('  stages', '  cohort: {factories: [plant-a]}\n  stages');
    expect((await ask('watcher', 'POST', '/v1/rollouts/plan', { file: own })).status).toBe(200);
  });

  it('is approved by another person with the role on both, never by who asked for it', async () => {
    const looser = { file: FILE.replace('* 1.2', '* 1.3'), actor: 'qa', reason: 'agreed', baseRevision: 1 };
    const proposed = await ask('lead', 'PUT', `/v1/rollouts/${id}`, looser);
    expect(proposed.body).toMatchObject({ outcome: 'proposed', revision: 2 });
    const approve = (who: string, actor: string) =>
      ask(who, 'POST', `/v1/rollouts/${id}/revisions/2/approve`, { actor, reason: 'fine' });
    for (const path of ['revisions/2/approve', 'approve'])
      expect((await ask('near', 'POST', `/v1/rollouts/${id}/${path}`, { reason: 'fine' })).status).toBe(403);
    const own = await approve('lead', 'qa'); // the name in the body is not believed
    expect(own).toMatchObject({ status: 409, body: { detail: expect.stringContaining('lead') } });
    expect(own.body.detail).toContain('somebody else');
    expect((await approve('qa', 'lead')).body).toMatchObject({ outcome: 'in-force', revision: 2 });
    const { rows } = (await ask('lead', 'GET', `/v1/audit?subject=rollout/${id}&actor=qa`)).body as { rows: unknown[] };
    expect(rows.length).toBeGreaterThan(0);
  });
});

describe('the audit', () => {
  it('shows what lies on one’s own sites, page by page', async () => {
    const all = (await ask('lead', 'GET', '/v1/audit?limit=1000')).body.rows as { subject: string }[];
    expect(all.map(({ subject }) => subject)).toContain('device/plant-z/cam-01');
    const seen = (await ask('watcher', 'GET', '/v1/audit?limit=1000')).body.rows as { subject: string }[];
    expect(seen.length).toBeGreaterThan(1);
    expect(new Set(seen.map(({ subject }) => subject))).toEqual(new Set([`rollout/${id}`]));
    const [first] = (await ask('watcher', 'GET', '/v1/audit?limit=1')).body.rows as { seq: number }[];
    const rest = await ask('watcher', 'GET', `/v1/audit?limit=1000&beforeSeq=${first?.seq}`);
    expect(rest.body.rows).toHaveLength(seen.length - 1);
    expect((await ask('stranger', 'GET', '/v1/audit')).body).toMatchObject({
      rows: [{ subject: 'device/plant-z/cam-01' }],
      nextBeforeSeq: null,
    });
  });

  it('is taken away whole by who sees everything, and by nobody else', async () => {
    expect((await ask('watcher', 'GET', '/v1/audit/export')).status).toBe(403);
    const exported = await app.inject({ method: 'GET', url: '/v1/audit/export', headers: { 'x-as': 'lead' } });
    const lines = exported.body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const head = lines.pop();
    expect(head).toMatchObject({ kind: 'head', seq: lines.length, hash: lines.at(-1).hash });
    expect(exported.headers['x-belay-audit-head']).toBe(`${head.seq}:${head.hash}`);
    const anchored = await ask('watcher', 'GET', `/v1/audit/verify?anchorSeq=${head.seq}&anchorHash=${head.hash}`);
    expect(anchored.body).toMatchObject({ kind: 'intact', head: head.hash });
    const ahead = await ask('watcher', 'GET', `/v1/audit/verify?anchorSeq=${head.seq + 7}&anchorHash=${head.hash}`);
    expect(ahead.body).toMatchObject({ kind: 'broken', reason: expect.stringContaining('cut off') });
    expect((await ask('watcher', 'GET', '/v1/audit/verify?anchorSeq=3')).status).toBe(400);
  });
});
