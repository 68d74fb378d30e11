// A page weighs what it imports, however far, and what every page loads; each file once.
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { weighDashboard } from '../../../scripts/bench/page-weight.ts';

let folder: string;
const sizes = new Map<string, number>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-weight-'));
  await mkdir(join(folder, 'assets'));
  await mkdir(join(folder, '.vite'));
  for (const [at, name] of ['index', 'kill', 'chart', 'shared', 'rollout', 'fleet', 'stream-worker-x'].entries()) {
    const code = randomBytes(100 * 2 ** at);
    await writeFile(join(folder, `assets/${name}.js`), code);
    sizes.set(name, gzipSync(code, { level: 9 }).length);
  }
});

afterEach(() => rm(folder, { recursive: true }));

const write = (manifest: object) => writeFile(join(folder, '.vite/manifest.json'), JSON.stringify(manifest));
const sizeOf = (...names: string[]) => names.reduce((sum, name) => sum + (sizes.get(name) ?? Number.NaN), 0);

it('counts what a page imports, the entry and the worker, once each', async () => {
  await write({
    'index.html': { file: 'assets/index.js', isEntry: true },
    _chart: { file: 'assets/chart.js', imports: ['_shared', 'index.html'] },
    _shared: { file: 'assets/shared.js' },
    'pages/kill.tsx': { file: 'assets/kill.js', isDynamicEntry: true, imports: ['index.html'] },
    'pages/rollout.tsx': { file: 'assets/rollout.js', isDynamicEntry: true, imports: ['_chart', '_shared'] },
    'pages/fleet.tsx': { file: 'assets/fleet.js', isDynamicEntry: true },
  });
  const weight = weighDashboard(folder);
  const always = sizeOf('index', 'stream-worker-x');
  expect(weight.pages).toEqual(
    [
      { page: 'pages/rollout.tsx', bytes: always + sizeOf('chart', 'shared', 'rollout') },
      { page: 'pages/fleet.tsx', bytes: always + sizeOf('fleet') },
      { page: 'pages/kill.tsx', bytes: always + sizeOf('kill') },
    ].sort((a, b) => b.bytes - a.bytes),
  );
  expect([weight.files, weight.allBytes]).toEqual([7, sizeOf(...sizes.keys())]);
});

it('is refused where the pages are not as it knows them', async () => {
  await write({ 'pages/kill.tsx': { file: 'assets/kill.js', isDynamicEntry: true } });
  expect(() => weighDashboard(folder)).toThrow('no entry');
});
