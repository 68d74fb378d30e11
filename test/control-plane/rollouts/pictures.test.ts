// What the pictures of a rollout are drawn from, over a real database: how verdicts went, and the devices behind the newest ones.
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openToAnybody } from '../../../control-plane/http/access.ts';
import { registerRolloutChartRoutes } from '../../../control-plane/http/routes/rollout-charts.ts';
import { buildServer, type HttpApp } from '../../../control-plane/http/server.ts';
import { noteCourse } from '../../../control-plane/rollouts/course.ts';
import { rolloutArmsSchema } from '../../../shared/protocol/api-rollout-arms.ts';
import { rolloutCourseSchema, rolloutEvidenceSchema } from '../../../shared/protocol/api-rollout-charts.ts';
import { WINDOW_MS } from '../core/builders.ts';
import { rolloutText } from './rollout-text.ts';
import { openSimFleet, type SimFleet } from './sim-fleet.ts';

const FILE = rolloutText({
  stages: [
    'name: look, percent: 100, mode: shadow, bake: 4m, promote: auto',
    'name: some, percent: 25, bake: 8m, extend: 2x4m',
    'name: full, percent: 100, bake: 8m',
  ],
  guardrails: [
    'id: p95, expr: "p95(latency_ms) <= baseline * 1.2", enforce: rollback',
    'id: lost, expr: "rate(lost, class=micro-crack) <= 20 %", enforce: hold',
  ],
});

let fleet: SimFleet;
let app: HttpApp;
let id: string;

beforeAll(async () => {
  fleet = await openSimFleet({ perSite: 12, sites: ['plant-a', 'plant-b'] });
  fleet.behaviour = { latencyFactor: 1.1, lostShare: 0.1 };
  app = await buildServer({
    version: 'test',
    log: pino({ level: 'silent' }),
    loopbackOnly: true,
    access: openToAnybody(),
  });
  registerRolloutChartRoutes(app, {
    rollouts: {
      arms: (asked) => fleet.rollouts.arms(asked),
      course: (asked) => fleet.rollouts.course(asked),
      evidence: (asked, guardrail) => fleet.rollouts.evidence(asked, guardrail),
    },
  });
  const started = await fleet.rollouts.start({ file: FILE, actor: 'engineer', reason: 'better model' });
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  id = started.id;
  await fleet.runUntil(async () => (await fleet.rollouts.get(id))?.stage === 'some', 30);
  await fleet.run(6);
}, 30_000);

afterAll(async () => {
  await app.close();
  await fleet.close();
});

async function read(what: 'arms' | 'course' | 'evidence', query = '') {
  const response = await app.inject({ url: `/v1/rollouts/${id}/${what}${query}` });
  expect(response.statusCode).toBe(200);
  return response.json() as unknown;
}

describe('the course', () => {
  it('tells of every judged moment what each guardrail said, and where stages begin', async () => {
    const course = rolloutCourseSchema.parse(await read('course'));
    const [p95, lost] = ['p95', 'lost'].map((name) => course.guardrails.find(({ guardrail }) => guardrail === name));
    expect(course.atMs.length).toBeGreaterThanOrEqual(8);
    expect(course.atMs).toEqual(course.atMs.toSorted((a, b) => a - b));
    expect(p95?.estimate.at(-1)).toBeGreaterThan(2);
    expect(p95?.limitHigh.at(-1)).toBeCloseTo(20);
    expect(p95?.estimate[0]).toBeNull();
    expect(lost?.verdict).toContain('pass');
    expect(course.marks.map(({ text }) => text)).toEqual(['look', 'some']);
  });

  it('costs no decision when it cannot be written', async () => {
    const warnings: unknown[] = [];
    const log = { info: () => undefined, warn: (fields: unknown) => void warnings.push(fields) };
    const verdicts = (await fleet.rollouts.get(id))?.guardrails ?? [];
    await noteCourse(
      { database: fleet.database, log },
      { rolloutId: 'nobody', atMs: fleet.nowMs, stage: 'some', verdicts },
    );
    expect(warnings).toHaveLength(1);
  });
});

describe('the evidence', () => {
  it('has each device of the guardrail that was asked for, against its own past', async () => {
    const { seen, guardrails } = rolloutEvidenceSchema.parse(await read('evidence', '?guardrail=p95'));
    const p95 = guardrails.find(({ guardrail }) => guardrail === 'p95');
    expect(seen).toMatchObject({ stage: 'some', seq: null });
    expect(p95).toMatchObject({ shows: 'change', unit: '%', limitHigh: 20, pointsOmitted: 0 });
    expect(p95?.points?.filter(({ arm }) => arm === 'candidate')).toHaveLength(6);
    expect(p95?.points?.filter(({ arm }) => arm === 'control')).toHaveLength(18);
    expect(p95?.candidate?.mean).toBeGreaterThan(5);
    expect(Math.abs(p95?.control?.mean ?? 99)).toBeLessThan(5);
    expect(guardrails.find(({ guardrail }) => guardrail === 'lost')?.points ?? null).toBeNull();
  });

  it('says the same by site and hardware', async () => {
    const { guardrails } = rolloutEvidenceSchema.parse(await read('evidence'));
    const cells = guardrails.find(({ guardrail }) => guardrail === 'p95')?.cells ?? [];
    expect(cells.map(({ site, hardwareClass, devices }) => [site, hardwareClass, devices])).toEqual([
      ['plant-a', 'orin-nx', 3],
      ['plant-b', 'orin-nx', 3],
    ]);
    expect(cells.every(({ within, estimate }) => within === true && estimate > 4 && estimate < 16)).toBe(true);
  });

  it('counts where a shadow and the baseline disagreed', async () => {
    const { shadow } = rolloutEvidenceSchema.parse(await read('evidence'));
    expect(shadow).toMatchObject({ devices: 24, isPartial: false });
    const [crack] = shadow?.classes ?? [];
    expect(crack?.class).toBe('micro-crack');
    expect(crack?.baselineConfident).toBe((crack?.agreed ?? 0) + (crack?.lost ?? 0));
    expect(crack?.lost).toBeGreaterThan(0);
  });

  it('is found again after a restart, in what a decision kept', async () => {
    await fleet.rollouts.act(id, 'hold', { actor: 'on-call', reason: 'look closer' });
    fleet.reopen();
    const { seen, guardrails } = rolloutEvidenceSchema.parse(await read('evidence', '?guardrail=p95'));
    expect(seen?.seq).toBeGreaterThan(1);
    expect(guardrails.find(({ guardrail }) => guardrail === 'p95')?.points?.length).toBe(24);
  });

  it('knows no other rollout', async () => {
    for (const what of ['arms', 'course', 'evidence'])
      expect((await app.inject({ url: `/v1/rollouts/nobody/${what}` })).statusCode).toBe(404);
  });
});

describe('both arms', () => {
  it('are added up by themselves, each with its devices and frames', async () => {
    const { stage, arms } = rolloutArmsSchema.parse(await read('arms'));
    expect(stage).toEqual({ name: 'some', mode: 'serve' });
    expect(arms.map(({ arm, devices, devicesOf }) => [arm, devices, devicesOf])).toEqual([
      ['candidate', 6, 6],
      ['control', 18, 18],
      ['past', 6, 6],
    ]);
    for (const { frames, windows, toMs, fromMs } of arms) {
      expect(frames).toBeGreaterThan(100);
      expect(windows).toBeGreaterThan(0);
      expect(toMs - fromMs).toBeGreaterThanOrEqual(WINDOW_MS);
    }
  });

  it('have their latency as a curve that rises, in no more points than a picture has', async () => {
    const { arms, tails } = rolloutArmsSchema.parse(await read('arms'));
    const [candidate, control, past] = arms.map(({ latency }) => latency);
    expect(tails.length).toBeLessThanOrEqual(100);
    for (const latency of [candidate, control, past]) {
      expect(latency?.curve.length).toBeGreaterThan(20);
      expect(latency?.curve.length).toBeLessThanOrEqual(tails.length);
      expect(latency?.curve).toEqual(latency?.curve.toSorted((a, b) => a - b));
      expect(latency?.p50).toBeLessThanOrEqual(latency?.p95 ?? 0);
    }
    // The candidate is a tenth slower on each device, and its devices are not those of the controls.
    expect((candidate?.p50 ?? 0) / (past?.p50 ?? 1)).toBeCloseTo(1.1, 1);
  });

  it('have a plain value for each guardrail that one release has by itself', async () => {
    const { guardrails } = rolloutArmsSchema.parse(await read('arms'));
    const values = guardrails.find(({ guardrail }) => guardrail === 'p95')?.values ?? [];
    expect(values.map(({ arm, unit, counted }) => [arm, unit, counted])).toEqual([
      ['candidate', 'ms', 'frame'],
      ['control', 'ms', 'frame'],
      ['past', 'ms', 'frame'],
    ]);
    expect(values.every(({ value, n }) => value > 0 && n > 100)).toBe(true);
    expect(guardrails.find(({ guardrail }) => guardrail === 'lost')?.values).toEqual([]);
  });

  it('are sent once to who has them already', async () => {
    const url = `/v1/rollouts/${id}/arms`;
    const { etag = '' } = (await app.inject({ url })).headers;
    expect((await app.inject({ url, headers: { 'if-none-match': etag } })).statusCode).toBe(304);
  });
});

it('decides on without a place to keep its course', async () => {
  await sql`drop table rollout_course`.execute(fleet.database);
  await fleet.rollouts.act(id, 'resume', { actor: 'on-call', reason: 'seen' });
  await fleet.runUntil(async () => (await fleet.rollouts.get(id))?.stage === 'full', 30);
  expect((await fleet.rollouts.get(id))?.decisions.map(({ kind }) => kind)).toContain('promote');
});

it('tells of both arms when everybody went back', async () => {
  await fleet.run(6);
  await fleet.rollouts.act(id, 'rollback', { actor: 'on-call', reason: 'enough seen' });
  await fleet.runUntil(async () => (await fleet.rollouts.get(id))?.state === 'rolled_back', 30);
  const { stage, arms } = rolloutArmsSchema.parse(await read('arms'));
  expect(stage?.name).toBe('full');
  expect(arms.map(({ arm, devices }) => [arm, devices])).toEqual([
    ['candidate', 24],
    ['past', 24],
  ]);
});
