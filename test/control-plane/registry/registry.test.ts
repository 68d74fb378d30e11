// The registry over its HTTP routes: what it takes, what it refuses and how it says so, and that releases never change.
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { floatTensor } from '../../../scripts/models/onnx/model.ts';
import { writeModel } from '../../../scripts/models/onnx/writer.ts';
import type { Finding } from '../../../shared/protocol/api-releases.ts';
import { type PackageOptions, tinyPackage } from '../../builders/tiny-package.ts';
import { tinyModel } from '../../builders/tiny-release.ts';
import { openRegistryBench, type RegistryBench } from '../open-registry.ts';

let bench: RegistryBench;

beforeEach(async () => {
  bench = await openRegistryBench();
});

afterEach(() => bench.close());

async function register(options: PackageOptions = {}) {
  const release = tinyPackage(options);
  await bench.upload(release);
  return bench.post('/v1/releases', { manifest: release.manifest });
}

async function findings(options: PackageOptions): Promise<readonly Finding[]> {
  const release = tinyPackage(options);
  await bench.upload(release);
  const { body } = await bench.post('/v1/releases/check', { manifest: release.manifest });
  return (body.findings as Finding[]).filter((finding) => !finding.ok);
}

describe('registering', () => {
  it('stores a release whose every check passed, with a note and an audit row', async () => {
    const { status, body } = await register();
    expect(status).toBe(201);
    expect(body).toMatchObject({
      created: true,
      release: { id: 'tiny-detector:1.0.0+data=test0', state: 'registered', notes: [{ kind: 'registered' }] },
      report: { ok: true },
    });
    expect((await bench.audit.list({ limit: 1 }))[0]).toMatchObject({ action: 'release-registered' });
  });

  it('serves the canonical manifest, whose digest is the release', async () => {
    const { body } = await register();
    const { digest } = body.release as { digest: string };
    const response = await bench.app.inject(`/v1/manifests/${digest}`);
    expect(createHash('sha256').update(response.rawPayload).digest('hex')).toBe(digest);
    expect(response.headers['cache-control']).toContain('immutable');
  });

  it('answers the same release again with 200 and changes nothing', async () => {
    await register();
    const again = await register();
    expect(again).toMatchObject({ status: 200, body: { created: false } });
    expect((again.body.release as { notes: unknown[] }).notes).toHaveLength(1);
  });

  it('refuses other content under a number that is taken', async () => {
    await register();
    const other = await register({
      change: (manifest) => {
        manifest.changelog = 'another story';
      },
    });
    expect(other).toMatchObject({ status: 409, body: { type: '/problems/release-taken' } });
  });

  it('takes one of two different releases that claim the same number at once', async () => {
    const change = (text: string) => (manifest: Record<string, unknown>) => {
      manifest.changelog = text;
    };
    const outcomes = await Promise.all([register({ change: change('a') }), register({ change: change('b') })]);
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual([201, 409]);
  });

  it('names everything that is missing', async () => {
    const { status, body } = await bench.post('/v1/releases', {
      manifest: { ...tinyPackage().manifest, owner: undefined, provenance: { dataTag: 'test0' } },
    });
    expect(status).toBe(422);
    expect(body.errors).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ path: 'owner', message: 'is missing' }),
        expect.objectContaining({ path: 'provenance.codeCommit', message: 'is missing' }),
        expect.objectContaining({ path: 'provenance.trainConfigSha256', message: 'is missing' }),
      ]),
    );
  });
});

describe('a model card', () => {
  const README = '---\nlicense: mit\ndatasets: brackets\n---\nFinds scratches.\n';

  it('is read at registration, and shown with the release', async () => {
    const release = tinyPackage();
    await bench.upload(release);
    const { status } = await bench.post('/v1/releases', { manifest: release.manifest, card: README });
    expect(status).toBe(201);
    const found = await bench.post('/v1/releases/lookup', { reference: 'tiny-detector:1.0.0' });
    expect(found.body).toMatchObject({
      card: { license: ['mit'], datasets: ['brackets'], text: 'Finds scratches.\n' },
    });
    await bench.post('/v1/releases', { manifest: release.manifest, card: '---\nlicense: other\n---\n' });
    expect((await bench.post('/v1/releases/lookup', { reference: 'tiny-detector:1.0.0' })).body).toMatchObject({
      card: { license: ['mit'] },
    });
  });

  it('that cannot be read refuses the release, with its line', async () => {
    const release = tinyPackage();
    await bench.upload(release);
    const card = README.replace('license: mit', 'license: {id: 3}');
    const refused = await bench.post('/v1/releases', { manifest: release.manifest, card });
    expect(refused).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'README.md:2', message: expect.stringContaining('license') }] },
    });
  });
});

describe('checking', () => {
  it('stores nothing', async () => {
    expect(await findings({})).toEqual([]);
    expect(await bench.registry.list()).toEqual([]);
  });

  it('names artifacts that are not uploaded', async () => {
    const { body } = await bench.post('/v1/releases/check', { manifest: tinyPackage().manifest });
    expect(body).toMatchObject({ ok: false });
    expect((body.findings as Finding[]).filter((finding) => !finding.ok).map((finding) => finding.path)).toEqual([
      'files.0.sha256',
      'files.1.sha256',
      'files.2.sha256',
    ]);
  });

  it('compares the declared contract with the real file', async () => {
    const found = await findings({
      change: (manifest) => {
        manifest.input = { ...(manifest.input as object), shape: [1, 32, 32, 3], dtype: 'float32' };
        manifest.outputs = [{ name: 'boxes', dtype: 'float32', shape: [1, 8, 1024], role: 'yolo' }];
      },
    });
    expect(found.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'input.dtype: declared float32, the file has uint8',
      'input.shape: declared 1×32×32×3, the file has 1×64×64×3',
      'outputs.0.name: the file has no output "boxes"; it has "out0"',
      'outputs: the file also answers "out0", which is not declared',
    ]);
  });

  it('refuses operators that can hang a runner', async () => {
    expect(await findings({ variant: 'hang' })).toMatchObject([
      { check: 'operators', message: expect.stringContaining('operator Loop can run for ever') },
    ]);
  });

  it('refuses custom domains and data outside the file', async () => {
    const model = writeModel({
      nodes: [{ op: 'Magic', domain: 'com.example', inputs: ['image_u8', 'w'], outputs: ['out0'] }],
      initializers: [floatTensor('w', [1])],
      inputs: [{ name: 'image_u8', dtype: 'uint8', dims: [1, 64, 64, 3] }],
      outputs: [{ name: 'out0', dtype: 'float32', dims: [1, 8, 1024] }],
      opset: 13,
      irVersion: 8,
      producer: 'test',
      metadata: {},
    });
    expect(await findings({ model })).toMatchObject([
      { message: expect.stringContaining('com.example/Magic is of a custom domain') },
    ]);
  });

  it('refuses bytes that are no model, in words', async () => {
    const found = await findings({ model: new Uint8Array(200).fill(255) });
    expect(found).toMatchObject([{ check: 'contract', message: expect.stringContaining('ONNX') }]);
  });

  it('refuses a truncated model', async () => {
    const whole = tinyModel('sound');
    expect(await findings({ model: whole.slice(0, whole.length / 2) })).toMatchObject([
      { check: 'contract', ok: false },
    ]);
  });

  it('refuses a golden set that speaks of unknown classes', async () => {
    expect(await findings({ truths: ['rust'] })).toMatchObject([
      { check: 'golden', message: 'speaks of rust; the release knows scratch, dent, micro-crack, spill' },
    ]);
  });

  it('asks for the next number when labels changed places', async () => {
    await register({ version: '1.4.0' });
    const found = await findings({
      version: '1.5.0',
      change: (manifest) => {
        manifest.labels = ['dent', 'scratch', 'micro-crack', 'spill'].map((name, id) => ({ id, name }));
      },
    });
    expect(found).toMatchObject([
      { check: 'version', message: 'label order changed (dent, scratch) → this must be 2.0.0' },
    ]);
  });
});

describe('looking up', () => {
  it('finds by full id, short id and digest, and says so when it cannot', async () => {
    const { body } = await register();
    const { id, digest } = body.release as { id: string; digest: string };
    for (const reference of [id, 'tiny-detector:1.0.0', digest]) {
      expect(await bench.post('/v1/releases/lookup', { reference })).toMatchObject({ status: 200, body: { digest } });
      expect((await bench.app.inject(`/v1/releases/${encodeURIComponent(reference)}`)).json()).toMatchObject({ id });
    }
    const unknown = await bench.post('/v1/releases/lookup', { reference: 'tiny-detector:9.9.9' });
    expect(unknown).toMatchObject({ status: 404, body: { type: '/problems/not-found' } });
  });

  it('is not archived while a rollout keeps it as the fallback; it may be withdrawn', async () => {
    const { body } = await register();
    const { digest } = body.release as { digest: string };
    const times = { version: 9, created_at_ms: 1, ended_at_ms: 2 };
    const files = { file_text: '', file_hash: '', plan: '{}', plan_hash: '', progress: '{}', latest: '{}' };
    const rollout = { id: 'full-7', name: 'full', state: 'completed', candidate_release: 'x', candidate_digest: 'x' };
    await bench.database
      .insertInto('rollouts')
      .values({ ...rollout, ...times, ...files })
      .execute();
    const keep = { digest, rollout_id: 'full-7', until_ms: Date.now() + 3_600_000 };
    await bench.database.insertInto('release_retained').values(keep).execute();
    const archive = () => bench.post(`/v1/releases/${digest}/state`, { state: 'archived', reason: 'old' });
    expect(await archive()).toMatchObject({
      status: 409,
      body: { detail: expect.stringMatching(/^rollout full-7 keeps it as the fallback until \d{4}-/) },
    });
    const withdrawn = await bench.post(`/v1/releases/${digest}/state`, { state: 'withdrawn', reason: 'burns' });
    expect(withdrawn.status).toBe(200);
    await bench.database.updateTable('release_retained').set({ until_ms: 1 }).execute();
    expect((await archive()).status).toBe(200);
  });

  it('archives with a reason, and keeps the note', async () => {
    const { body } = await register();
    const { digest } = body.release as { digest: string };
    const archived = await bench.post(`/v1/releases/${digest}/state`, { state: 'archived', reason: 'superseded' });
    expect(archived.body).toMatchObject({ state: 'archived', notes: [{ kind: 'registered' }, { kind: 'archived' }] });
    const url = `/v1/releases/${digest}/state`;
    const change = (payload: object, headers = {}) => bench.app.inject({ method: 'POST', url, headers, payload });
    expect((await change({ state: 'registered', reason: 'needed' })).statusCode).toBe(428);
    const { headers } = await bench.app.inject(`/v1/releases/${digest}`);
    expect((await change({ state: 'withdrawn', reason: 'burns' })).statusCode).toBe(200); // the safe direction needs none
    const stale = await change({ state: 'registered', reason: 'needed' }, { 'if-match': String(headers.etag) });
    expect(stale.statusCode).toBe(412);
    expect(stale.json().detail).toContain('The newest entry is "withdrawn" by operator: burns');
    const unknown = await bench.post(`/v1/releases/${'0'.repeat(64)}/state`, { state: 'archived', reason: 'x' });
    expect(unknown.status).toBe(404);
  });
});
