// A power cut after every single step of an install: whatever is taken for a release then is whole, and what was told as
// installed still is. The rig with real disks is test/faults; this one runs everywhere.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Artifacts, openArtifacts } from '../../../agent/artifacts/artifacts.ts';
import { sha256OfFile } from '../../../agent/artifacts/files.ts';
import { CrashDisk, type Remains } from './crash-disk.ts';
import { RegistryServer } from './registry-server.ts';
import { buildRelease, publish, writePackage } from './release-builder.ts';

const release = buildRelease('2.0.0', 20_000);
const clocks = { device: 'cam-1', monotonicNow: () => performance.now(), wallNow: () => Date.now() };
let dir = '';
let disk: CrashDisk;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-crash-'));
  mkdirSync(join(dir, 'data'));
  disk = new CrashDisk(join(dir, 'data'));
});
afterEach(() => {
  disk.close();
  rmSync(dir, { recursive: true, force: true });
});

describe('a power cut after any step', () => {
  it('of a download and its install leaves the release whole or absent, and keeps it once it was told', async () => {
    const registry = await RegistryServer.open();
    publish(registry.bodies, release);
    const artifacts = openArtifacts({ ...clocks, dataDir: join(dir, 'data'), apiUrl: registry.url });
    expect(await artifacts.fetch(release.digest, new AbortController().signal)).toMatchObject({ kind: 'installed' });
    await registry.close();
    await expectWholeOrAbsent();
  });

  it('of the import of a factory package likewise', async () => {
    writePackage(join(dir, 'factory'), release);
    const artifacts = openArtifacts({ ...clocks, dataDir: join(dir, 'data'), apiUrl: null });
    await artifacts.importPackage(join(dir, 'factory'));
    await expectWholeOrAbsent();
  });
});

/** Both unkind file systems, after every step; the last two are what they hold when the install was told. */
async function expectWholeOrAbsent(): Promise<void> {
  disk.close();
  expect(disk.remains.length).toBeGreaterThan(30);
  const found: boolean[] = [];
  for (const [step, remains] of disk.remains.entries()) found.push(await isInstalled(remains, step));
  expect(found.slice(-2)).toEqual([true, true]);
  expect(found).toContain(false);
}

async function isInstalled(remains: Remains, step: number): Promise<boolean> {
  const dataDir = join(dir, `cut-${step}`);
  for (const [path, content] of remains) {
    mkdirSync(dirname(join(dataDir, path)), { recursive: true });
    writeFileSync(join(dataDir, path), content);
  }
  const artifacts: Artifacts = openArtifacts({ ...clocks, dataDir, apiUrl: null });
  const installed = await artifacts.readInstalled(release.digest);
  for (const { path, sha256 } of installed?.manifest.files ?? [])
    expect(await sha256OfFile(join(installed?.packageDir ?? '', path)), `${path} after step ${step}`).toBe(sha256);
  return installed !== null;
}
