// Downloads and installs against a real HTTP server that can be told to misbehave.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Artifacts, openArtifacts } from '../../../agent/artifacts/artifacts.ts';
import { downloadOptionsSchema } from '../../../agent/artifacts/download-options.ts';
import { RegistryServer } from './registry-server.ts';
import { type BuiltRelease, buildRelease, publish, sha256, writePackage } from './release-builder.ts';

let dir = '';
let registry: RegistryServer;
let artifacts: Artifacts;
let release: BuiltRelease;
let waits: number[] = [];
const never = new AbortController().signal;
const download = downloadOptionsSchema.parse({ spreadMs: 0 });
const device = { device: 'plant-a/cam-1', download, monotonicNow: () => 0, wallNow: () => 0 };

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'belay-artifacts-'));
  registry = await RegistryServer.open();
  release = buildRelease('2.0.0');
  publish(registry.bodies, release);
  waits = [];
  const wait = async (ms: number) => void waits.push(ms);
  artifacts = openArtifacts({ ...device, dataDir: join(dir, 'data'), apiUrl: registry.url, random: () => 0.5, wait });
});
afterEach(async () => {
  await registry.close();
  rmSync(dir, { recursive: true, force: true });
});

const modelBytes = () => release.files.get('model.onnx') ?? Buffer.alloc(0);
const modelUrl = () => `/v1/artifacts/${sha256(modelBytes())}`;
const partPath = () => join(dir, 'data/artifacts', `${sha256(modelBytes())}.part`);

describe('fetch', () => {
  it('installs a release by its digest, with its files linked under their paths', async () => {
    const result = await artifacts.fetch(release.digest, never);
    expect(result).toMatchObject({ kind: 'installed', release: { ref: { release: 'cv-detector:2.0.0+data=b4f7a1' } } });
    const installed = await artifacts.readInstalled(release.digest);
    expect(readFileSync(join(installed?.packageDir ?? '', 'model.onnx')).equals(modelBytes())).toBe(true);
  });

  it('asks the network nothing when the release is here', async () => {
    await artifacts.fetch(release.digest, never);
    registry.requests.length = 0;
    expect(await artifacts.fetch(release.digest, never)).toMatchObject({ kind: 'installed' });
    expect(registry.requests).toEqual([]);
  });

  it('resumes a download that broke off in the middle', async () => {
    let isBroken = false;
    registry.misbehave = (request, response, body) => {
      if (request.url !== modelUrl() || isBroken) return false;
      isBroken = true;
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, 70_000), () => response.destroy());
      return true;
    };
    expect(await artifacts.fetch(release.digest, never)).toMatchObject({ kind: 'installed' });
    const ranges = registry.requests.filter((request) => request.url === modelUrl()).map((request) => request.range);
    expect(ranges[0]).toBeUndefined();
    expect(Number(/^bytes=(\d+)-$/.exec(ranges[1] ?? '')?.[1])).toBeGreaterThan(0);
    expect(waits).toEqual([500]);
  });

  it('finishes what an earlier life of the agent has left, and begins a spoilt rest anew', async () => {
    mkdirSync(join(dir, 'data/artifacts'), { recursive: true });
    writeFileSync(partPath(), Buffer.alloc(5_000, 7));
    expect(await artifacts.fetch(release.digest, never)).toMatchObject({ kind: 'installed' });
    const ranges = registry.requests.filter((request) => request.url === modelUrl()).map((request) => request.range);
    expect(ranges).toEqual(['bytes=5000-', undefined]);
  });

  it('begins anew when the server knows no ranges', async () => {
    mkdirSync(join(dir, 'data/artifacts'), { recursive: true });
    writeFileSync(partPath(), modelBytes().subarray(0, 5_000));
    registry.misbehave = (request, response, body) => {
      if (request.url !== modelUrl()) return false;
      response.writeHead(200, { 'content-length': body.length }).end(body);
      return true;
    };
    expect(await artifacts.fetch(release.digest, never)).toMatchObject({ kind: 'installed' });
  });

  it('never keeps wrong bytes', async () => {
    const wrong = Buffer.from(modelBytes());
    wrong[1234] = (wrong[1234] ?? 0) ^ 1;
    registry.bodies.set(modelUrl(), wrong);
    expect(await artifacts.fetch(release.digest, never)).toMatchObject({ failure: 'wrong-digest', isFinal: true });
    expect(await artifacts.readInstalled(release.digest)).toBeNull();
    expect(existsSync(join(dir, 'data/artifacts', sha256(modelBytes())))).toBe(false);
    expect(statSync(partPath()).size).toBe(0);
  });

  it('refuses a manifest whose bytes are not its digest', async () => {
    registry.bodies.set(`/v1/manifests/${release.digest}`, buildRelease('9.9.9').manifestBytes);
    expect(await artifacts.fetch(release.digest, never)).toMatchObject({ failure: 'wrong-digest', isFinal: true });
  });

  it('refuses a manifest that is not one, naming what is wrong', async () => {
    const bytes = Buffer.from('{"schema":"belay.model/1"}');
    registry.bodies.set(`/v1/manifests/${sha256(bytes)}`, bytes);
    const result = await artifacts.fetch(sha256(bytes), never);
    expect(result).toMatchObject({ failure: 'bad-manifest', isFinal: true });
    expect(result.kind === 'failed' && result.reason).toContain('name');
  });

  it('stops an endless body at the promised size', async () => {
    registry.misbehave = (request, response) => {
      if (request.url !== modelUrl()) return false;
      const piece = Buffer.alloc(64 * 1024, 1);
      const more = () => response.write(piece, () => setImmediate(more));
      response.writeHead(200);
      more();
      response.on('close', () => piece.fill(0));
      return true;
    };
    expect(await artifacts.fetch(release.digest, never)).toMatchObject({ failure: 'wrong-digest', isFinal: true });
    expect(statSync(partPath()).size).toBeLessThanOrEqual(modelBytes().length);
  });

  it('takes 404 and 403 as final, and tries 503 four times with back-off', async () => {
    expect(await artifacts.fetch(sha256('nothing'), never)).toMatchObject({
      failure: 'unknown-release',
      isFinal: true,
    });
    let status = 503;
    registry.misbehave = (request, response) => {
      if (request.url !== modelUrl()) return false;
      response.writeHead(status).end();
      return true;
    };
    expect(await artifacts.fetch(release.digest, never)).toMatchObject({ failure: 'download-failed', isFinal: false });
    expect(registry.requests.filter((request) => request.url === modelUrl())).toHaveLength(4);
    expect(waits).toEqual([500, 1000, 2000]);
    status = 403;
    expect(await artifacts.fetch(release.digest, never)).toMatchObject({ isFinal: true });
  });

  it('says that nobody listens, as something to try again', async () => {
    await registry.close();
    expect(await artifacts.fetch(release.digest, never)).toMatchObject({ failure: 'download-failed', isFinal: false });
    registry = await RegistryServer.open();
  });

  it('ends when it is cancelled', async () => {
    const abort = new AbortController();
    registry.misbehave = (request, response) => {
      if (request.url !== modelUrl()) return false;
      response.writeHead(200);
      response.write('x', () => abort.abort());
      return true;
    };
    expect(await artifacts.fetch(release.digest, abort.signal)).toMatchObject({ kind: 'failed', isFinal: false });
  });
});

describe('factory package', () => {
  it('is imported once, byte by byte', async () => {
    writePackage(join(dir, 'factory'), release);
    const imported = await artifacts.importPackage(join(dir, 'factory'));
    expect(imported.ref.digest).toBe(release.digest);
    rmSync(join(dir, 'factory/model.onnx'));
    expect((await artifacts.importPackage(join(dir, 'factory'))).ref.digest).toBe(release.digest);
  });

  it('is refused when a file is not what its manifest says', async () => {
    writePackage(join(dir, 'factory'), release);
    writeFileSync(join(dir, 'factory/model.onnx'), Buffer.alloc(modelBytes().length));
    await expect(artifacts.importPackage(join(dir, 'factory'))).rejects.toThrow('model.onnx is not the file');
  });
});

describe('care of the disk', () => {
  it('drops a damaged file so that the next fetch brings it anew', async () => {
    const result = await artifacts.fetch(release.digest, never);
    const path = result.kind === 'installed' ? join(result.release.packageDir, 'model.onnx') : '';
    const damaged = Buffer.from(modelBytes());
    damaged[9] = (damaged[9] ?? 0) ^ 4;
    writeFileSync(path, damaged);
    await artifacts.discardDamaged(release.digest);
    expect(await artifacts.readInstalled(release.digest)).toBeNull();
    expect(await artifacts.fetch(release.digest, never)).toMatchObject({ kind: 'installed' });
    expect(readFileSync(path).equals(modelBytes())).toBe(true);
  });

  it('copies a damaged factory release anew from its package, with nobody to ask', async () => {
    const alone = openArtifacts({ ...device, dataDir: join(dir, 'alone'), apiUrl: null });
    writePackage(join(dir, 'factory'), release);
    const { packageDir } = await alone.importPackage(join(dir, 'factory'));
    writeFileSync(join(packageDir, 'model.onnx'), Buffer.alloc(modelBytes().length));
    await alone.discardDamaged(release.digest);
    expect(await alone.readInstalled(release.digest)).not.toBeNull();
    expect(readFileSync(join(packageDir, 'model.onnx')).equals(modelBytes())).toBe(true);
  });

  it('removes what a wrong clock has dated into the future', async () => {
    await artifacts.fetch(release.digest, never);
    const future = Date.now() / 1000 + 365 * 86_400;
    for (const name of readdirSync(join(dir, 'data/artifacts')))
      utimesSync(join(dir, 'data/artifacts', name), future, future);
    await artifacts.collectGarbage([]);
    expect(readdirSync(join(dir, 'data/artifacts'))).toEqual([]);
  });

  it('leaves a whole release alone', async () => {
    await artifacts.fetch(release.digest, never);
    await artifacts.discardDamaged(release.digest);
    expect(await artifacts.readInstalled(release.digest)).not.toBeNull();
  });

  it('collects what nobody keeps, and never what is kept', async () => {
    const other = buildRelease('3.0.0');
    publish(registry.bodies, other);
    await artifacts.fetch(release.digest, never);
    await artifacts.fetch(other.digest, never);
    for (const name of readdirSync(join(dir, 'data/artifacts'))) utimesSync(join(dir, 'data/artifacts', name), 1, 1);
    await artifacts.collectGarbage([other.digest]);
    expect(readdirSync(join(dir, 'data/releases'))).toEqual([other.digest]);
    expect(existsSync(join(dir, 'data/artifacts', sha256(modelBytes())))).toBe(false);
    expect((await artifacts.readInstalled(other.digest))?.ref.digest).toBe(other.digest);
  });
});
