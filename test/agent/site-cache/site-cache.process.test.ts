// The site cache as a real process between real agents' downloads and a real registry.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openArtifacts } from '../../../agent/artifacts/artifacts.ts';
import { downloadOptionsSchema } from '../../../agent/artifacts/download-options.ts';
import { RegistryServer } from '../artifacts/registry-server.ts';
import { type BuiltRelease, buildRelease, publish, sha256 } from '../artifacts/release-builder.ts';

const PROGRAM = fileURLToPath(new URL('../../../agent/site-cache/main.ts', import.meta.url));
const never = new AbortController().signal;
let folder = '';
let registry: RegistryServer;
let release: BuiltRelease;
let cache: { readonly url: string; readonly child: ChildProcess };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'belay-site-cache-'));
  registry = await RegistryServer.open();
  release = buildRelease('2.0.0');
  publish(registry.bodies, release);
  cache = await start();
});
afterEach(async () => {
  await stop();
  await registry.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start() {
  const options = ['--upstream', registry.url, '--dir', join(folder, 'cache'), '--listen', '127.0.0.1:0'];
  const child = spawn(process.execPath, [PROGRAM, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, url: `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}` };
}

async function stop(): Promise<void> {
  if (cache.child.exitCode !== null) return;
  cache.child.kill('SIGTERM');
  await once(cache.child, 'exit');
}

function device(name: string) {
  return openArtifacts({
    dataDir: join(folder, name),
    apiUrl: 'http://127.0.0.1:9', // nobody: everything must come from the cache
    device: `plant-a/${name}`,
    download: downloadOptionsSchema.parse({ spreadMs: 0, siteCacheUrl: cache.url }),
    monotonicNow: () => 0,
    wallNow: () => 0,
  });
}

describe('the site cache', () => {
  it('fetches each file once for two agents that ask at the same time', async () => {
    const both = await Promise.all([device('cam-1'), device('cam-2')].map((one) => one.fetch(release.digest, never)));
    expect(both.map((result) => result.kind)).toEqual(['installed', 'installed']);
    const urls = registry.requests.map(({ url }) => url);
    expect(urls.length).toBe(new Set(urls).size);
  });

  it('starts beside what it cannot read, and fetches again what was damaged', async () => {
    await device('cam-1').fetch(release.digest, never);
    await stop();
    mkdirSync(join(folder, 'cache/manifests/no-manifest'));
    writeFileSync(join(folder, 'cache/manifests', release.digest), '{"schema":"belay.model/1"');
    registry.requests.length = 0;
    cache = await start();
    expect(await device('cam-2').fetch(release.digest, never)).toMatchObject({ kind: 'installed' });
    expect(registry.requests.map(({ url }) => url)).toEqual([`/v1/manifests/${release.digest}`]);
  });

  it('goes on with what it had after a restart, without asking upstream', async () => {
    await device('cam-1').fetch(release.digest, never);
    await stop();
    registry.requests.length = 0;
    cache = await start();
    expect(await device('cam-2').fetch(release.digest, never)).toMatchObject({ kind: 'installed' });
    expect(registry.requests).toEqual([]);
  });

  it('fetches nothing that no manifest names, and serves ranges of what it has', async () => {
    const stranger = await fetch(`${cache.url}/v1/artifacts/${'a'.repeat(64)}`);
    expect(stranger.status).toBe(404);
    expect(registry.requests).toEqual([]);
    await device('cam-1').fetch(release.digest, never);
    const model = release.files.get('model.onnx') ?? Buffer.alloc(0);
    const rest = await fetch(`${cache.url}/v1/artifacts/${sha256(model)}`, { headers: { range: 'bytes=10-' } });
    expect(rest.status).toBe(206);
    expect(Buffer.from(await rest.arrayBuffer()).equals(model.subarray(10))).toBe(true);
    expect((await fetch(`${cache.url}/../etc/passwd`)).status).toBe(404);
    expect((await fetch(cache.url, { method: 'POST' })).status).toBe(405);
  });

  it('says that it has nothing when upstream has nothing', async () => {
    registry.bodies.clear();
    expect((await fetch(`${cache.url}/v1/manifests/${release.digest}`)).status).toBe(404);
  });
});

describe('its command line', () => {
  it('names every mistake and how it is used', async () => {
    const child = spawn(process.execPath, [PROGRAM, '--upstream', 'nowhere'], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(2);
    expect(said).toContain('--upstream must be a URL');
    expect(said).toContain('--dir must name a folder');
  });
});
