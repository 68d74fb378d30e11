// Where a release comes from: the site cache first, the control plane when that has nothing, within pace and budget.
import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Artifacts, openArtifacts } from '../../../agent/artifacts/artifacts.ts';
import { type DownloadOptions, downloadOptionsSchema } from '../../../agent/artifacts/download-options.ts';
import { RegistryServer } from './registry-server.ts';
import { type BuiltRelease, buildRelease, publish } from './release-builder.ts';

const never = new AbortController().signal;
let folder = '';
let registry: RegistryServer;
let cache: RegistryServer;
let release: BuiltRelease;
let waits: number[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'belay-sources-'));
  registry = await RegistryServer.open();
  cache = await RegistryServer.open();
  release = buildRelease('2.0.0');
  publish(registry.bodies, release);
  waits = [];
});
afterEach(async () => {
  await Promise.all([registry.close(), cache.close()]);
  rmSync(folder, { recursive: true, force: true });
});

function open(options: Partial<DownloadOptions>, wallNow: () => number = () => 1): Artifacts {
  return openArtifacts({
    dataDir: join(folder, 'data'),
    apiUrl: registry.url,
    authorization: 'Basic of-this-device',
    device: 'plant-a/cam-1',
    download: { ...downloadOptionsSchema.parse({ spreadMs: 0 }), ...options },
    monotonicNow: () => 0,
    wallNow,
    random: () => 0.5,
    wait: async (ms) => void waits.push(ms),
  });
}

const busy = (response: ServerResponse, progress: number): true => {
  response.writeHead(503, { 'retry-after': '2', 'belay-progress-bytes': String(progress) }).end();
  return true;
};

describe('a site cache', () => {
  it('is asked before the control plane, which then hears nothing', async () => {
    publish(cache.bodies, release);
    expect(await open({ siteCacheUrl: cache.url }).fetch(release.digest, never)).toMatchObject({ kind: 'installed' });
    expect(registry.requests).toEqual([]);
    expect(cache.requests.length).toBeGreaterThan(1);
    expect([...cache.shown]).toEqual(['']); // the password is for the control plane alone
  });

  it('is stood in for by the control plane, which is told who asks, also for the rest of a file', async () => {
    registry.misbehave = (_, response, body) => {
      registry.misbehave = () => false;
      response.writeHead(200, { 'content-length': body.length }).write(body.subarray(0, 10));
      setImmediate(() => response.destroy());
      return true;
    };
    expect(await open({ siteCacheUrl: cache.url }).fetch(release.digest, never)).toMatchObject({ kind: 'installed' });
    expect([...registry.shown]).toEqual(['Basic of-this-device']);
  });

  it('costs only time when it is gone, empty, or has wrong bytes', async () => {
    const gone = await RegistryServer.open();
    const siteCacheUrl = gone.url;
    await gone.close();
    expect(await open({ siteCacheUrl }).fetch(release.digest, never)).toMatchObject({ kind: 'installed' });
    // Four tries, and then no more of them for the other files of the release.
    expect(waits).toHaveLength(3);
    rmSync(join(folder, 'data'), { recursive: true });
    expect(await open({ siteCacheUrl: cache.url }).fetch(release.digest, never)).toMatchObject({ kind: 'installed' });
    rmSync(join(folder, 'data'), { recursive: true });
    publish(cache.bodies, release);
    for (const [url, body] of cache.bodies) cache.bodies.set(url, Buffer.from(body).fill(7, 0, 1));
    expect(await open({ siteCacheUrl: cache.url }).fetch(release.digest, never)).toMatchObject({ kind: 'installed' });
  });

  it('is waited for while it is seen to fetch, as long as it asks, and no longer', async () => {
    publish(cache.bodies, release);
    let asked = 0;
    cache.misbehave = (request, response) => {
      if (!request.url?.includes('/artifacts/')) return false;
      asked += 1;
      return asked <= 12 ? busy(response, asked) : false;
    };
    expect(await open({ siteCacheUrl: cache.url }).fetch(release.digest, never)).toMatchObject({ kind: 'installed' });
    expect(registry.requests).toEqual([]);
    expect(waits).toEqual(Array.from({ length: 12 }, () => 2000));
    rmSync(join(folder, 'data'), { recursive: true });
    cache.misbehave = (request, response) => (request.url?.includes('/artifacts/') ? busy(response, 5) : false);
    expect(await open({ siteCacheUrl: cache.url }).fetch(release.digest, never)).toMatchObject({ kind: 'installed' });
    expect(registry.requests.length).toBeGreaterThan(0);
  });
});

describe('a budget that is spent', () => {
  it('stops a download where it is, says when it goes on, and goes on from there', async () => {
    const total = [...release.files.values()].reduce((sum, bytes) => sum + bytes.length, 0);
    let wallMs = Date.parse('2026-01-01T00:00:00Z');
    const budget = { bytesPerDayMax: Math.ceil(total / 2) };
    const stopped = await open(budget, () => wallMs).fetch(release.digest, never);
    expect(stopped).toMatchObject({ kind: 'failed', isFinal: false });
    expect(stopped.kind === 'failed' && stopped.reason).toContain('2026-01-02T00:00:00');
    wallMs += 24 * 3_600_000;
    registry.requests.length = 0;
    let result = await open(budget, () => wallMs).fetch(release.digest, never);
    if (result.kind === 'failed') {
      wallMs += 24 * 3_600_000;
      result = await open(budget, () => wallMs).fetch(release.digest, never);
    }
    expect(result).toMatchObject({ kind: 'installed' });
  });
});

describe('admission', () => {
  it('keeps the first fetch of a release waiting, and no other', async () => {
    const artifacts = open({ spreadMs: 60_000 });
    registry.misbehave = (_request, response) => {
      response.writeHead(500).end();
      return true;
    };
    await artifacts.fetch(release.digest, never);
    const [first] = waits;
    expect(first).toBeGreaterThan(0);
    waits = [];
    registry.misbehave = () => false;
    await artifacts.fetch(release.digest, never);
    expect(waits).toEqual([]);
  });
});
