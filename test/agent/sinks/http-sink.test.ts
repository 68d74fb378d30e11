// Answers over HTTP against real receivers: in batches over one connection, with trouble of every kind.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openHttpSink } from '../../../agent/sinks/http-sink.ts';
import type { Sink } from '../../../agent/sinks/sink.ts';
import { type HttpSinkConfig, sinkSchema } from '../../../agent/sinks/sink-config.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';
import { HttpReceiver } from './http-receiver.ts';

const folders: string[] = [];
const receivers: HttpReceiver[] = [];
const sinks: Sink[] = [];

afterEach(async () => {
  await Promise.all(sinks.splice(0).map((sink) => sink.close()));
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function openReceiver(tls: ConstructorParameters<typeof HttpReceiver>[0] = null): Promise<HttpReceiver> {
  const receiver = new HttpReceiver(tls);
  receivers.push(receiver);
  await receiver.open();
  return receiver;
}

function openSink(url: string, options: object = {}) {
  const log = openRecordingLog();
  const config = sinkSchema.parse({ kind: 'http', url, ...options }) as HttpSinkConfig;
  const sink = openHttpSink(config, { log });
  sinks.push(sink);
  return { sink, log };
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'belay-http-sink-'));
  folders.push(folder);
  return folder;
}

const line = (number: number) => JSON.stringify({ number });
const range = (count: number) => Array.from({ length: count }, (_, number) => line(number));
const settled = { timeout: 15_000 };

describe('the HTTP sink', () => {
  it('posts NDJSON: at once when it is idle, together what came meanwhile, over one connection', async () => {
    const receiver = await openReceiver();
    const { sink } = openSink(`http://127.0.0.1:${receiver.port}/answers`, { batch: 4 });
    for (const one of range(10)) sink.publish(one);
    await expect.poll(() => sink.counts()).toEqual({ sent: 10, dropped: {}, trouble: null });
    expect(receiver.lines()).toEqual(range(10));
    expect(receiver.received.map(({ lines }) => lines.length)).toEqual([1, 4, 4, 1]);
    expect(receiver.received[0]?.headers['content-type']).toBe('application/x-ndjson');
    expect(receiver.connections).toBe(1);
  });

  it('loses a batch that is refused for good, says so once, and goes on', async () => {
    const receiver = await openReceiver();
    receiver.status = 422;
    const { sink, log } = openSink(`http://127.0.0.1:${receiver.port}/`);
    sink.publish(line(1));
    await expect.poll(() => sink.counts().dropped).toEqual({ refused: 1 });
    sink.publish(line(2));
    await expect.poll(() => sink.counts().dropped).toEqual({ refused: 2 });
    expect(sink.counts().trouble).toContain('answers 422');
    expect(log.entries).toHaveLength(1);
    receiver.status = 204;
    sink.publish(line(3));
    await expect.poll(() => sink.counts()).toEqual({ sent: 1, dropped: { refused: 2 }, trouble: null });
    expect(receiver.lines()).toEqual([line(3)]);
  });

  it.each([500, 503, 429, 408])('keeps what a receiver in trouble (%i) did not take, in order', async (status) => {
    const receiver = await openReceiver();
    receiver.status = status;
    const { sink } = openSink(`http://127.0.0.1:${receiver.port}/`);
    for (const one of range(5)) sink.publish(one);
    await expect.poll(() => sink.counts().trouble).toContain(`answers ${status}`);
    receiver.status = 200;
    await expect.poll(() => sink.counts(), settled).toEqual({ sent: 5, dropped: {}, trouble: null });
    expect(receiver.lines()).toEqual(range(5));
  });

  it('gives up on a receiver that says nothing, and tries again', async () => {
    const receiver = await openReceiver();
    receiver.status = null;
    const { sink } = openSink(`http://127.0.0.1:${receiver.port}/`, { timeoutMs: 100 });
    sink.publish(line(1));
    await expect.poll(() => sink.counts().trouble).toContain('no answer within 100 ms');
    receiver.status = 200;
    await expect.poll(() => sink.counts().sent, settled).toBe(1);
  });

  it('never keeps more than its queue while nobody is there, and sends the newest when somebody comes', async () => {
    const receiver = await openReceiver();
    const { port } = receiver;
    await receiver.close();
    receivers.splice(0);
    const { sink } = openSink(`http://127.0.0.1:${port}/`, { batch: 10_000 });
    const startedMs = performance.now();
    for (const one of range(12_000)) sink.publish(one);
    expect(performance.now() - startedMs).toBeLessThan(2000);
    await expect.poll(() => sink.counts().trouble).toContain('ECONNREFUSED');
    const back = new HttpReceiver(null);
    receivers.push(back);
    await back.open(port);
    await expect.poll(() => sink.counts().trouble, settled).toBeNull();
    await expect.poll(() => sink.counts().sent, settled).toBe(10_000);
    expect(sink.counts().dropped).toEqual({ 'queue-full': 2_000 });
    expect(back.lines().at(-1)).toBe(line(11_999));
  });

  it('sends the headers of a file, and reads it again when it is refused', async () => {
    const receiver = await openReceiver();
    const headersFile = join(newFolder(), 'headers');
    writeFileSync(headersFile, '# token of this line\nAuthorization: Bearer old\nx-line: press-1\n');
    const { sink } = openSink(`http://127.0.0.1:${receiver.port}/`, { headersFile });
    receiver.status = 401;
    sink.publish(line(1));
    await expect.poll(() => sink.counts().dropped.refused).toBe(1);
    writeFileSync(headersFile, 'Authorization: Bearer new\n');
    receiver.status = 200;
    sink.publish(line(2));
    await expect.poll(() => sink.counts().sent).toBe(1);
    expect(receiver.received[0]?.headers).toMatchObject({ authorization: 'Bearer new' });
  });

  it('shows nothing of a headers file that is wrong, and waits for a better one', async () => {
    const receiver = await openReceiver();
    const headersFile = join(newFolder(), 'headers');
    writeFileSync(headersFile, 'Bearer s3cret\n');
    const { sink } = openSink(`http://127.0.0.1:${receiver.port}/`, { headersFile });
    sink.publish(line(1));
    await expect.poll(() => sink.counts().trouble).toContain('header 1 is not "Name: value"');
    expect(sink.counts().trouble).not.toContain('s3cret');
    writeFileSync(headersFile, 'x-token: s3cret\n');
    await expect.poll(() => sink.counts().sent, settled).toBe(1);
  });

  it('speaks TLS to a receiver whose certificate it was given, and to no other', async () => {
    const folder = newFolder();
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=receiver', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
    const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', [...make, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
    const receiver = await openReceiver({ key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') });
    const url = `https://127.0.0.1:${receiver.port}/`;
    const stranger = openSink(url);
    stranger.sink.publish(line(1));
    await expect.poll(() => stranger.sink.counts().trouble).toMatch(/self-signed|DEPTH_ZERO|certificate/);
    const known = openSink(url, { caFile: cert });
    known.sink.publish(line(2));
    await expect.poll(() => known.sink.counts().sent, settled).toBe(1);
    expect(receiver.lines()).toEqual([line(2)]);
  });

  it('hands over what waits when the agent stops, and is stopped by no receiver', async () => {
    const receiver = await openReceiver();
    const good = openSink(`http://127.0.0.1:${receiver.port}/`);
    for (const one of range(50)) good.sink.publish(one);
    await good.sink.close();
    expect(receiver.lines()).toEqual(range(50));
    const silent = await openReceiver();
    silent.status = null;
    const bad = openSink(`http://127.0.0.1:${silent.port}/`);
    bad.sink.publish(line(1));
    bad.sink.publish(line(2));
    const startedMs = performance.now();
    await bad.sink.close();
    expect(performance.now() - startedMs).toBeLessThan(2000);
    expect(bad.sink.counts()).toMatchObject({ sent: 0, dropped: { stopped: 2 } });
  });
});
