// `belay release import` and `init`: against a small server that speaks the REST API of MLflow, and the registry of a control plane.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyPackage } from '../../builders/tiny-package.ts';
import { openPlaneBench } from '../open-plane.ts';
import { runBelay } from './run-belay.ts';

const RELEASE = tinyPackage();
const ROOT = '3/models/m-1/artifacts';
const files = new Map<string, Uint8Array>([['MLmodel', new TextEncoder().encode('flavors: {onnx: {}}')]]);
for (const { path, sha256 } of RELEASE.parsed.files) files.set(path, RELEASE.artifacts.get(sha256) ?? new Uint8Array());
files.set('README.md', new TextEncoder().encode('---\nlicense: mit\n---\nFinds scratches.\n'));

const VERSION = {
  name: 'Tiny Detector',
  version: '7',
  creation_timestamp: 1_700_000_000_000,
  user_id: 'vision team',
  description: 'more scratches',
  run_id: 'run-7',
  aliases: ['champion'],
  tags: [
    { key: 'belay.data-tag', value: 'b4f7a1' },
    { key: 'mlflow.source.git.commit', value: 'abcdef0123' },
  ],
};

/** A folder as MLflow lists it: names below it, folders marked. */
function list(folder: string) {
  const below = [...files.keys()].filter((name) => folder === '' || name.startsWith(`${folder}/`));
  const heads = below.map((name) => (folder === '' ? name : name.slice(folder.length + 1)).split('/'));
  const unique = new Map(heads.map((parts) => [parts[0] ?? '', parts.length > 1]));
  return { files: [...unique].map(([path, is_dir]) => ({ path, is_dir })) };
}

type Answer = (query: URLSearchParams) => unknown;
const RUN = {
  metrics: [{ key: 'metrics/mAP50(B)', value: 0.91 }],
  params: [{ key: 'lr', value: '0.01' }],
  tags: [],
};
const isNamed = (query: URLSearchParams): boolean => query.get('name') === VERSION.name;
const ANSWERS: Readonly<Record<string, Answer>> = {
  'mlflow/model-versions/get': (query) =>
    isNamed(query) && query.get('version') === '7' ? { model_version: VERSION } : null,
  'mlflow/registered-models/alias': (query) =>
    isNamed(query) && query.get('alias') === 'champion' ? { model_version: VERSION } : null,
  'mlflow/model-versions/search': () => ({ model_versions: [VERSION] }),
  'mlflow/model-versions/get-download-uri': () => ({ artifact_uri: `mlflow-artifacts:/${ROOT}` }),
  'mlflow/runs/get': (query) => (query.get('run_id') === 'run-7' ? { run: { data: RUN } } : null),
  'mlflow-artifacts/artifacts': (query) => list((query.get('path') ?? '').slice(ROOT.length).replace(/^\//, '')),
};

const tokens: string[] = [];
let server: Server;
let source: string;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-import-'));
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://mlflow');
    tokens.push(request.headers.authorization ?? 'none');
    const value = ANSWERS[pathname.replace('/api/2.0/', '')]?.(searchParams) ?? null;
    const file = files.get(decodeURIComponent(pathname).split(`${ROOT}/`)[1] ?? '');
    if (value !== null) response.end(JSON.stringify(value));
    else if (file !== undefined) response.end(file);
    else response.writeHead(404).end(JSON.stringify({ error_code: 'RESOURCE_DOES_NOT_EXIST' }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  source = `mlflow://127.0.0.1:${(server.address() as AddressInfo).port}/Tiny%20Detector`;
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

const FLAGS = ['--number', '1.0.0', '--task', 'detect', '--data-sha256', 'a'.repeat(64)];

describe('belay release import', () => {
  it('copies the files, says what is missing and where it could come from', async () => {
    const to = join(folder, 'bare');
    const env = { MLFLOW_TRACKING_TOKEN: 'a-token' };
    const run = await runBelay(['release', 'import', `${source}/7`, '--to', to], { env });
    expect(new Set(tokens)).toEqual(new Set(['Bearer a-token']));
    expect(run).toMatchObject({ code: 1 });
    expect(run.stdout).toContain('version is missing; from --number');
    expect(run.stdout).toContain('provenance.dataSha256 is missing; from --data-sha256');
    expect(run.stdout).not.toContain('owner');
    const model = RELEASE.parsed.files.find(({ role }) => role === 'model');
    expect(new Uint8Array(await readFile(join(to, 'model.onnx')))).toEqual(RELEASE.artifacts.get(model?.sha256 ?? ''));
  });

  it('makes a package that the registry takes, with where it comes from', async () => {
    const to = join(folder, 'whole');
    const base = join(folder, 'base.json');
    const { labels, postprocess, input } = RELEASE.manifest;
    await writeFile(base, JSON.stringify({ labels, postprocess, input }));
    const scores = ['--metrics-set', 'held out', '--metrics-count', '91'];
    const run = await runBelay([
      'release',
      'import',
      `${source}/@champion`,
      '--to',
      to,
      ...FLAGS,
      ...scores,
      '--base',
      base,
    ]);
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining(`Next: belay release check ${to}`) });
    const manifest = JSON.parse(await readFile(join(to, 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({
      name: 'tiny-detector',
      owner: 'vision team',
      changelog: 'more scratches',
      metrics: { set: 'held out', values: [{ metric: 'map50', value: 0.91, count: 91 }] },
      provenance: {
        codeCommit: 'abcdef0123',
        dataTag: 'b4f7a1',
        origin: { kind: 'mlflow', model: 'Tiny Detector', version: '7', runId: 'run-7', aliases: ['champion'] },
      },
    });
    const bench = await openPlaneBench();
    try {
      const url = ['--url', bench.plane.httpUrl];
      expect(await runBelay(['release', 'add', to, ...url])).toMatchObject({ code: 0 });
      const shown = await runBelay(['release', 'get', 'tiny-detector:1.0.0', ...url]);
      expect(shown.stdout).toContain('licence: mit');
    } finally {
      await bench.close();
    }
  });

  it('finds the newest version, and says what MLflow said when there is none', async () => {
    const newest = await runBelay(['release', 'import', `${source}/latest`, '--to', join(folder, 'newest'), '--json']);
    expect(JSON.parse(newest.stdout)).toMatchObject({ manifest: { provenance: { origin: { version: '7' } } } });
    const none = await runBelay(['release', 'import', `${source}/8`, '--to', join(folder, 'none')]);
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('RESOURCE_DOES_NOT_EXIST') });
    const wrong = await runBelay(['release', 'import', 'mlflow://nowhere']);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('mlflow://HOST:PORT/MODEL/VERSION') });
  });
});

describe('belay release init', () => {
  it('reads names, shapes and operators from the model file of a folder', async () => {
    const run = await runBelay(['release', 'init', join(folder, 'bare'), ...FLAGS, '--json']);
    const { manifest } = JSON.parse(run.stdout);
    expect(manifest.input).toMatchObject({ name: 'image_u8', dtype: 'uint8', layout: 'NHWC', shape: [1, 64, 64, 3] });
    expect(manifest.outputs).toMatchObject([{ name: 'out0', role: 'yolo' }]);
    expect(manifest.version).toBe('1.0.0');
  });
});
