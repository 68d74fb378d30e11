// Incidents and reports over HTTP, from rollouts that a simulated fleet has lived through.
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAudit } from '../../../control-plane/audit/audit.ts';
import { openToAnybody } from '../../../control-plane/http/access.ts';
import { registerIncidentRoutes } from '../../../control-plane/http/routes/incidents.ts';
import { registerReportRoutes } from '../../../control-plane/http/routes/reports.ts';
import { buildServer, type HttpApp } from '../../../control-plane/http/server.ts';
import { openIncidents } from '../../../control-plane/incidents/incidents.ts';
import type { Registry } from '../../../control-plane/registry/registry.ts';
import { openReports } from '../../../control-plane/reports/reports.ts';
import { incidentListSchema, incidentSchema } from '../../../shared/protocol/api-incidents.ts';
import { releaseReportSchema, rolloutReportSchema } from '../../../shared/protocol/api-reports.ts';
import { NEW, openSimFleet, type SimFleet } from '../rollouts/sim-fleet.ts';

const FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: r}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: vision-team, backup: on-call}
  stages: [{name: some, percent: 30, bake: 6m, extend: 4x4m}, {name: full, percent: 100, bake: 6m}]
  analysis:
    settle: 1m
    minimum: {devices: 2, controls: 2, framesPerDevice: 600, minutes: 2}
  guardrails:
    - {id: p95, expr: p95(latency_ms) <= baseline * 1.2, enforce: rollback}
    - {id: errors, expr: "rate(errors, frames) <= 1 %", enforce: rollback}
  abort: {verify: none}
`;

let fleet: SimFleet;
let app: HttpApp;
let id: string;

beforeAll(async () => {
  fleet = await openSimFleet({ perSite: 8, sites: ['plant-a', 'plant-b'] });
  const { database } = fleet;
  const clock = { wallNow: () => fleet.nowMs };
  const release = {
    id: NEW.release,
    digest: NEW.digest,
    state: 'registered',
    owner: 'vision-team',
    changelog: 'better',
  };
  const registry = {
    resolve: (reference: string) => (reference === NEW.digest ? { kind: 'found', ref: NEW } : { kind: 'unknown' }),
    get: async () => ({ ...release, registeredAtMs: 1, card: null, notes: [] }),
  } as unknown as Registry;
  app = await buildServer({
    version: 'test',
    log: pino({ level: 'silent' }),
    loopbackOnly: true,
    access: openToAnybody(),
  });
  registerIncidentRoutes(app, {
    incidents: openIncidents({ database, audit: openAudit({ database, ...clock }), ...clock }),
  });
  registerReportRoutes(app, {
    reports: openReports({ database }),
    registry,
    archiveOf: (name) => fleet.rollouts.archive(name),
  });
  const started = await fleet.rollouts.start({ file: FILE, actor: 'engineer', reason: 'better' });
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  id = started.id;
  fleet.behaviour = { latencyFactor: 2 };
  await fleet.runUntil(async () => (await fleet.rollouts.get(id))?.state === 'rolled_back', 40);
}, 60_000);

afterAll(async () => {
  await app.close();
  await fleet.close();
});

async function get(url: string) {
  const response = await app.inject({ method: 'GET', url });
  return { status: response.statusCode, type: String(response.headers['content-type']), text: response.body };
}

describe('/v1/incidents', () => {
  it('lists, shows, annotates and exports', async () => {
    const { incidents } = incidentListSchema.parse(JSON.parse((await get(`/v1/incidents?rollout=${id}`)).text));
    expect(incidents).toMatchObject([{ kind: 'rolled-back', rolloutId: id }]);
    const own = incidents[0]?.id ?? '';
    const payload = { actor: 'cv-team', text: 'too slow', rollForward: 'quantise it' };
    const blind = await app.inject({ method: 'POST', url: `/v1/incidents/${own}/annotate`, payload });
    expect(blind.statusCode).toBe(428);
    const read = await app.inject(`/v1/incidents/${own}`);
    const headers = { 'if-match': String(read.headers.etag) };
    const noted = await app.inject({ method: 'POST', url: `/v1/incidents/${own}/annotate`, headers, payload });
    const stale = await app.inject({ method: 'POST', url: `/v1/incidents/${own}/annotate`, headers, payload });
    expect(stale.json()).toMatchObject({ status: 412, etag: expect.stringMatching(/^"v\d+-2"$/) });
    expect(incidentSchema.parse(noted.json())).toMatchObject({ rollForward: { text: 'quantise it' } });
    const markdown = await get(`/v1/incidents/${own}/export`);
    expect(markdown.type).toContain('text/markdown');
    expect(markdown.text).toContain(`# Incident ${own}: ${NEW.release} rolled back`);
    expect(markdown.text).toContain('not verified: no verify in the file (verify: none)');
    const exported = await get(`/v1/incidents/${own}/export?format=json`);
    expect(incidentSchema.parse(JSON.parse(exported.text)).notes).toHaveLength(2);
    expect((await get(`/v1/incidents/${id}`)).status).toBe(200);
  });

  it('refuses what is unknown or says nothing', async () => {
    expect((await get('/v1/incidents/none')).status).toBe(404);
    expect((await get('/v1/incidents?rollout=none')).status).toBe(404);
    expect((await get(`/v1/incidents/${id}/export?format=pdf`)).status).toBe(400);
    const empty = await app.inject({
      method: 'POST',
      url: `/v1/incidents/${id}/annotate`,
      payload: { actor: 'x', text: ' ' },
    });
    expect(empty.statusCode).toBe(400);
  });
});

describe('reports', () => {
  it('of a rollout have every guardrail per site and hardware with estimate, range and limit', async () => {
    const report = rolloutReportSchema.parse(JSON.parse((await get(`/v1/rollouts/${id}/report`)).text));
    expect(report.exposure).toMatchObject([
      { site: 'plant-a', hardwareClass: 'orin-nx', devices: 8, served: 2 },
      { site: 'plant-b', hardwareClass: 'orin-nx', devices: 8, served: 2 },
    ]);
    expect(report.guardrails.map(({ verdict }) => [verdict.guardrail, verdict.verdict])).toContainEqual([
      'p95',
      'breach',
    ]);
    const slices = report.slices.filter(({ guardrail }) => guardrail === 'p95');
    expect(slices).toMatchObject([
      { site: 'plant-a', devices: 2, within: false },
      { site: 'plant-b', devices: 2, within: false },
    ]);
    for (const { estimate, low, high, controls } of slices) {
      expect(estimate).toBeGreaterThan(70);
      expect(estimate).toBeLessThan(140);
      expect(low).toBeLessThanOrEqual(estimate);
      expect(high).toBeGreaterThanOrEqual(estimate);
      expect(controls).toBeGreaterThan(2);
    }
    expect(report.timeline.map(({ kind }) => kind)).toEqual(['start', 'rollback', 'rollback']);
    expect(report.incidents).toHaveLength(1);
  });

  it('of a release are the same in JSON, Markdown and HTML', async () => {
    const url = `/v1/releases/${NEW.digest}/report`;
    const report = releaseReportSchema.parse(JSON.parse((await get(url)).text));
    expect(report.rollouts.map((rollout) => rollout.id)).toEqual([id]);
    const markdown = await get(`${url}?format=md`);
    expect(markdown.type).toContain('text/markdown');
    const html = await get(`${url}?format=html`);
    expect(html.type).toContain('text/html');
    for (const { text } of [markdown, html]) expect(text).toContain('plant-b');
    expect(html.text).not.toContain('<script');
    expect((await get('/v1/releases/nothing/report')).status).toBe(404);
    expect((await get('/v1/rollouts/nothing/report')).status).toBe(404);
  });
});
