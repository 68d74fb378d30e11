// `?dryRun=true` on a real control plane with devices: it says what would happen, and nothing has happened afterwards.
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DryRun, dryRunSchema } from '../../../shared/protocol/api-dry-run.ts';
import { tinyPackage } from '../../builders/tiny-package.ts';
import { openPlaneBench, type PlaneBench } from '../open-plane.ts';

let bench: PlaneBench;
let file: SqliteDatabase.Database;
let base: { release: string; digest: string };
let trial: { release: string; digest: string };

beforeAll(async () => {
  bench = await openPlaneBench();
  file = new SqliteDatabase(join(bench.folder, 'belay.db'), { readonly: true });
  base = await bench.register(tinyPackage());
  trial = await bench.register(tinyPackage({ version: '1.1.0' }));
});

afterAll(async () => {
  file.close();
  await bench.close();
});

/** Every row that a change could write. */
function written(): unknown {
  return ['audit', 'rollouts', 'kills', 'release_notes', 'desired_state', 'idempotency_keys'].map((table) =>
    file.prepare(`select count(*) as rows, '${table}' as name from ${table}`).get(),
  );
}

async function tryIt(path: string, body: object, status = 200): Promise<DryRun> {
  const before = written();
  const answer = await bench.post(`${path}?dryRun=true`, body);
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status });
  expect(written()).toEqual(before);
  return status === 200 ? dryRunSchema.parse(answer.body) : (answer.body as never);
}

const WORDS = { reason: 'try', actor: 'ana' };

/** Conditions are waited for inside a test alone. */
async function connectDevices(): Promise<void> {
  for (const [site, name] of [
    ['plant-a', 'cam-01'],
    ['plant-a', 'cam-02'],
    ['plant-b', 'cam-01'],
  ] as const) {
    const device = await bench.connect(site, name);
    await device.hello();
    const isOnTrial = name === 'cam-01';
    await device.report({
      committed: { ...base },
      serving: { ...(isOnTrial ? trial : base) },
      candidate: isOnTrial ? { ...trial, role: 'serve', state: 'serving', provider: null } : null,
    });
  }
  await expect.poll(async () => ((await bench.get('/v1/status')).body.devices as { online: number }).online).toBe(3);
  await expect.poll(async () => (await bench.get('/v1/devices/plant-b/cam-01')).body.reported).not.toBeNull();
}

describe('a dry run', () => {
  it('of a kill counts by site who would answer with something else, and sends nothing', async () => {
    await connectDevices();
    const fleet = await tryIt('/v1/kills', { scope: { kind: 'fleet' }, ...WORDS });
    expect(fleet.sentence).toBe('2 devices at 2 sites would answer with another release.');
    expect(fleet.sites).toEqual([
      { site: 'plant-a', devices: 1, online: 1, offline: 0, changing: 1 },
      { site: 'plant-b', devices: 1, online: 1, offline: 0, changing: 1 },
    ]);
    expect(fleet.moves).toEqual([{ from: trial.release, to: base.release, devices: 2 }]);
    expect((await bench.get('/v1/kills')).body.kills).toEqual([]);
    const site = await tryIt('/v1/kills', { scope: { kind: 'site', site: 'plant-b' }, ...WORDS });
    expect(site.sites.map(({ site: name }) => name)).toEqual(['plant-b']);
    const own = await tryIt('/v1/kills', { scope: { kind: 'release', release: base.release }, ...WORDS });
    expect(own.moves).toEqual([{ from: base.release, to: null, devices: 1 }]);
    const unknown = await tryIt('/v1/kills', { scope: { kind: 'release', release: 'no:1.0.0' }, ...WORDS }, 404);
    expect(unknown).toMatchObject({ type: '/problems/not-found' });
  });

  it('of a start is the plan with what stands in its way; a file with mistakes is refused as by the start', async () => {
    const text = `apiVersion: belay/v1
kind: Rollout
metadata: {name: r}
spec:
  candidate: ${trial.release}
  owners: {primary: vision-team, backup: on-call}
  stages: [{name: full, percent: 100, bake: 10m}]
  guardrails: [{id: p95, expr: p95(latency_ms) <= baseline * 1.2, enforce: rollback}]
`;
    const tried = await tryIt('/v1/rollouts', { file: text, ...WORDS });
    expect(tried.plan?.candidate.release).toBe(trial.release);
    expect(tried.sites.map(({ site }) => site)).toEqual(['plant-a', 'plant-b']);
    const started = await bench.post('/v1/rollouts', { file: text, ...WORDS });
    expect(tried.refusals.length === 0).toBe(started.status === 201);
    await tryIt('/v1/rollouts', { file: 'kind: x', ...WORDS }, 400);
  });

  it('of a verb says who would go back to what', async () => {
    const { body } = await bench.get('/v1/rollouts');
    const [rollout] = body.rollouts as { id: string }[];
    const id = rollout?.id ?? '';
    const back = await tryIt(`/v1/rollouts/${id}/rollback`, WORDS);
    expect(back.sentence).toMatch(/go back to what they ran before.* is retired in this rollout\.$/);
    expect(back.moves.every(({ to }) => to === base.release)).toBe(true);
    expect((await tryIt(`/v1/rollouts/${id}/hold`, WORDS)).sentence).toMatch(/^Growth stops; \d+ devices? keep/);
    await bench.post(`/v1/rollouts/${id}/rollback`, WORDS);
    const again = await tryIt(`/v1/rollouts/${id}/promote`, WORDS);
    expect(again.refusals).toEqual(['it is rolling back already']);
    await tryIt('/v1/rollouts/nobody/hold', WORDS, 404);
  });

  it('of a re-arm, a release and a lift says what they would do', async () => {
    const { body: kill } = await bench.post('/v1/kills', { scope: { kind: 'fleet' }, ...WORDS });
    expect((await tryIt(`/v1/kills/${kill.id}/rearm`, WORDS)).sentence).toContain('The kill ends');
    const state = await tryIt(`/v1/releases/${base.digest}/state`, { state: 'withdrawn', ...WORDS });
    expect(state.sentence).toContain(`${base.release} goes from`);
    expect(state.sites.length).toBeGreaterThan(0);
    await tryIt('/v1/devices/plant-a/cam-01/lift', WORDS, 404);
    await bench.post(`/v1/kills/${kill.id}/rearm`, WORDS);
  });

  it('is refused where nobody can say what would happen, and nothing is done', async () => {
    const drill = { failure: 'slow', simulated: { devices: 8, seed: 1 }, ...WORDS };
    expect(await tryIt('/v1/drills', drill, 422)).toMatchObject({ type: '/problems/no-dry-run' });
    expect((await bench.get('/v1/drills')).body.drills).toEqual([]);
  });
});
