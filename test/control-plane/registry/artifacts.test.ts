// Artifacts over real HTTP: only whole, correctly named bytes are kept; downloads resume.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openArtifactStore } from '../../../control-plane/registry/artifact-store.ts';
import { digestOf } from '../../builders/tiny-package.ts';
import { openRegistryBench, type RegistryBench } from '../open-registry.ts';

const BYTES = randomBytes(300_000);
const SHA256 = digestOf(BYTES);

let bench: RegistryBench;
let url: string;

beforeEach(async () => {
  bench = await openRegistryBench({ artifactBytesMax: 400_000 });
  url = await bench.app.listen({ host: '127.0.0.1', port: 0 });
});

afterEach(() => bench.close());

function put(sha256: string, body: Uint8Array): Promise<Response> {
  const headers = { 'content-type': 'application/octet-stream' };
  return fetch(`${url}/v1/artifacts/${sha256}`, { method: 'PUT', headers, body: new Blob([new Uint8Array(body)]) });
}

async function storedFiles(): Promise<readonly string[]> {
  return readdir(join(bench.folder, 'artifacts'));
}

describe('uploading', () => {
  it('keeps bytes under their digest, once', async () => {
    expect((await put(SHA256, BYTES)).status).toBe(201);
    const again = await put(SHA256, BYTES);
    expect(again.status).toBe(200);
    expect(await again.json()).toMatchObject({ created: false, bytes: BYTES.byteLength });
    expect(await storedFiles()).toEqual([SHA256]);
  });

  it('refuses bytes that are not what their name says and leaves nothing behind', async () => {
    const response = await put('0'.repeat(64), BYTES);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ type: '/problems/artifact-mismatch' });
    expect(await storedFiles()).toEqual([]);
  });

  it('refuses more bytes than configured', async () => {
    const large = randomBytes(500_000);
    const response = await put(digestOf(large), large);
    expect(response.status).toBe(413);
    expect(await storedFiles()).toEqual([]);
  });

  it('leaves nothing behind when the sender dies in the middle', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `PUT /v1/artifacts/${SHA256} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/octet-stream\r\nContent-Length: 300000\r\n\r\n`,
    );
    socket.write(BYTES.subarray(0, 100_000));
    await expect.poll(storedFiles).toHaveLength(1); // the part
    socket.destroy();
    await expect.poll(storedFiles).toEqual([]);
    expect((await put(SHA256, BYTES)).status).toBe(201);
  });

  it('clears parts that a crash has left', async () => {
    await writeFile(join(bench.folder, 'artifacts', `${SHA256}.x.part`), 'half');
    await openArtifactStore(join(bench.folder, 'artifacts'), 1);
    expect(await storedFiles()).toEqual([]);
  });
});

describe('downloading', () => {
  const get = (headers: Record<string, string> = {}, method = 'GET') =>
    fetch(`${url}/v1/artifacts/${SHA256}`, { method, headers });

  beforeEach(async () => {
    await put(SHA256, BYTES);
  });

  it('gives the whole file with a digest for an ETag', async () => {
    const response = await get();
    expect(response.headers.get('etag')).toBe(`"${SHA256}"`);
    expect(response.headers.get('cache-control')).toContain('immutable');
    expect(digestOf(new Uint8Array(await response.arrayBuffer()))).toBe(SHA256);
  });

  it('resumes from a byte, ends at a byte, and takes the last ones', async () => {
    for (const [range, start, end] of [
      ['bytes=100000-', 100_000, 300_000],
      ['bytes=10-19', 10, 20],
      ['bytes=-5', 299_995, 300_000],
      ['bytes=299999-999999', 299_999, 300_000],
    ] as const) {
      const response = await get({ range });
      expect(response.status).toBe(206);
      expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/300000`);
      expect(Buffer.from(await response.arrayBuffer()).equals(BYTES.subarray(start, end))).toBe(true);
    }
  });

  it('refuses a range outside, and ignores one that is not a range or of another file', async () => {
    const outside = await get({ range: 'bytes=300000-' });
    expect(outside.status).toBe(416);
    expect(outside.headers.get('content-range')).toBe('bytes */300000');
    expect((await get({ range: 'lines=1-2' })).status).toBe(200);
    expect((await get({ range: 'bytes=1-2', 'if-range': '"other"' })).status).toBe(200);
  });

  it('answers HEAD and not-modified without a body', async () => {
    const head = await get({}, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '300000']);
    expect((await get({ 'if-none-match': `"${SHA256}"` })).status).toBe(304);
  });
});
