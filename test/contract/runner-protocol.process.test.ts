// Conformance to the runner protocol. Runs against the agent's own runner, or against the one in BELAY_RUNNER_COMMAND
// (program and arguments as a JSON array): `BELAY_RUNNER_COMMAND='["/opt/runner/run"]' vitest run test/contract/runner-protocol`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MessageReader } from '../../agent/frames/framing.ts';
import { createRing, openRing, type RingInfo } from '../../agent/frames/ring.ts';
import { decodeFromRunner } from '../../agent/inference/runner-protocol.ts';
import { type TinyVariant, writeTinyRelease } from '../builders/tiny-release.ts';
import { openRawRunner, type RawRunner } from './runner-conformance.ts';

const OURS = [process.execPath, fileURLToPath(new URL('../../agent/inference/runner-process.ts', import.meta.url))];
const COMMAND: readonly string[] = JSON.parse(process.env.BELAY_RUNNER_COMMAND ?? JSON.stringify(OURS));

let dir: string;
let runner: RawRunner;
let ring: RingInfo;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-conformance-'));
});
afterEach(() => {
  runner.end();
  rmSync(dir, { recursive: true, force: true });
});

/** A runner that was not yet greeted; slot 0 is dark, slot 1 bright. */
function start(variant: TinyVariant = 'sound') {
  const release = writeTinyRelease({ dir: join(dir, 'package'), variant });
  ring = createRing({ ringDir: dir, device: 'dev', cameraId: 'cam', contract: release.manifest.input }, 2);
  const writer = openRing(ring, 'w');
  writer.write(0, new Uint8Array(ring.frameBytes).fill(51));
  writer.write(1, new Uint8Array(ring.frameBytes).fill(204));
  writer.close();
  runner = openRawRunner(COMMAND, { manifest: release.manifest, packageDir: release.packageDir, ring });
  return release;
}

async function startReady(variant?: TinyVariant) {
  start(variant);
  runner.hello();
  return runner.heard('ready', (said) => said.type === 'ready');
}

function result(seq: number) {
  return runner.heard(`the result of ${seq}`, (said) => said.type === 'result' && said.seq === seq);
}

describe('a conforming runner', () => {
  it('says only what the protocol knows', async () => {
    await startReady();
    runner.frame(0, 1);
    runner.frame(99, 2);
    await runner.heard('the fault of 2', (said) => said.type === 'fault' && said.seq === 2);
    for (const value of runner.said) expect(decodeFromRunner({ kind: 'json', value })).toMatchObject({ ok: true });
    expect(runner.said.map((said) => said.type)).toEqual(['ready', 'result', 'fault']);
  });

  it('names its runtime, its provider and the digest of what it loaded', async () => {
    const ready = await startReady();
    expect(ready).toMatchObject({ protocol: 1, provider: { asked: 'cpu', used: 'cpu' } });
    expect(ready.modelSha256).toBe(writeTinyRelease({ dir: join(dir, 'again') }).manifest.files[0]!.sha256);
  });

  it('answers frames in order, each from its own slot, numbers up to 32 bits', async () => {
    await startReady();
    runner.frame(1, 2 ** 32 - 1);
    runner.frame(0, 5);
    const last = await result(5);
    const first = await result(2 ** 32 - 1);
    expect(runner.said.indexOf(first)).toBeLessThan(runner.said.indexOf(last));
    expect(first).toMatchObject({ finite: true, borderline: 0, answer: { task: 'detection' } });
    const answer = first.answer as { detections: { score: number; box: number[] }[] };
    expect(answer.detections).toHaveLength(1);
    expect(answer.detections[0]!.score).toBeCloseTo(0.8, 3);
    expect(answer.detections[0]!.box).toEqual([10, 20, 40, 20]);
    expect(last).toMatchObject({ borderline: 1, answer: { detections: [] } });
  });

  it('says so when the output is not finite', async () => {
    await startReady('nan');
    runner.frame(0, 1);
    expect(await result(1)).toMatchObject({ finite: false, answer: null });
  });

  it('answers what it holds on a drain, then exits with code 0', async () => {
    await startReady();
    runner.frame(0, 1);
    runner.frame(1, 2);
    runner.json({ type: 'drain' });
    expect(await runner.exited()).toEqual({ code: 0, signal: null });
    expect(runner.said.slice(1).map((said) => said.seq)).toEqual([1, 2]);
  });

  it('takes frames that were sent before it was ready', async () => {
    start();
    runner.hello();
    runner.frame(1, 1);
    await result(1);
    expect(runner.said.map((said) => said.type)).toEqual(['ready', 'result']);
  });

  it('exits when the stream ends', async () => {
    await startReady();
    runner.hangUp();
    expect(await runner.exited()).toMatchObject({ signal: null });
  });

  it('refuses a damaged model and another protocol, and exits', async () => {
    const release = start();
    const bytes = readFileSync(release.modelPath);
    bytes[bytes.length >> 1]! ^= 4;
    writeFileSync(release.modelPath, bytes);
    runner.hello();
    expect(await runner.heard('a fault', (said) => said.type === 'fault')).toMatchObject({ code: 'wrong-digest' });
    await runner.exited();
    start();
    runner.hello({ protocol: 2 });
    expect(await runner.heard('a fault', (said) => said.type === 'fault')).toMatchObject({ code: 'bad-hello' });
    await runner.exited();
  });

  it('ends, and does nothing else, when it is spoken to in garbage', async () => {
    await startReady();
    runner.raw(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await runner.exited();
    expect(runner.said.filter((said) => said.type === 'result')).toEqual([]);
  });

  it('is read by the agent as it writes', async () => {
    const ready = await startReady();
    const body = Buffer.from(JSON.stringify(ready));
    const head = Buffer.from([0, 0, 0, 0, 1]);
    head.writeUInt32LE(body.length + 1);
    const [message] = new MessageReader().push(Buffer.concat([head, body]));
    expect(decodeFromRunner(message!)).toMatchObject({ ok: true, value: { type: 'ready' } });
  });
});
