// The spool drained over a real broker into a consumer that acknowledges, across disconnects.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Link, openLink } from '../../../agent/link/link.ts';
import { openReporter, type Reporter } from '../../../agent/telemetry/reporter.ts';
import type { Spool } from '../../../agent/telemetry/spool.ts';
import { openPlainBroker, type PlainBroker } from '../link/plain-broker.ts';
import {
  buildBody,
  buildEvent,
  openTemporaryFolder,
  openTestSpool,
  SILENT,
  type TemporaryFolder,
} from './spool-builder.ts';

const ADDRESS = { site: 'plant-a', device: 'cam-01' };

let folder: TemporaryFolder;
let broker: PlainBroker;
let spool: Spool;
let link: Link;
let reporter: Reporter;
/** `class seq` → how often the control plane got it. */
let received: Map<string, number>;
let stored: Set<number>;
/** Consumes a document; false = the control plane dies before it is stored. */
let store: (seq: number) => boolean;

beforeEach(async () => {
  folder = openTemporaryFolder();
  broker = await openPlainBroker();
  spool = openTestSpool(folder.path('spool.db'));
  received = new Map();
  stored = new Set();
  store = () => true;
  broker.broker.on('publish', (packet, client) => {
    const channel = packet.topic.split('/').at(-1) ?? '';
    if (!client || !['window', 'event'].includes(channel)) return;
    const { seq, boot } = JSON.parse(packet.payload.toString());
    received.set(`${channel} ${seq}`, (received.get(`${channel} ${seq}`) ?? 0) + 1);
    if (!store(seq)) return;
    stored.add(seq);
    let mark = 0;
    while (stored.has(mark + 1)) mark += 1;
    void broker.put('belay/v1/plant-a/cam-01/ack', JSON.stringify({ v: 1, boot, seq: mark }), false);
  });
});
afterEach(async () => {
  reporter.close();
  await link.close();
  await broker.close();
  spool.close();
  folder.remove();
});

function start(): void {
  link = openLink({
    url: broker.url,
    apiUrl: 'http://127.0.0.1:9',
    address: ADDRESS,
    password: 'secret',
    boot: 'boot-0001',
    log: SILENT,
    onDesired: () => undefined,
    onKill: () => undefined,
    onLease: () => undefined,
    onAsk: () => undefined,
    onAck: (ack) => reporter.acknowledged(ack),
    onUp: () => reporter.linkUp(),
    onDown: () => undefined,
    timing: { baseMs: 5, capMs: 20, graceMs: 5, publishTimeoutMs: 500 },
  });
  reporter = openReporter({ spool, link, monotonicNow: () => performance.now(), log: SILENT, resendMs: 200 });
}

const drained = () =>
  expect.poll(() => spool.size(), { timeout: 10_000, interval: 5 }).toMatchObject({ events: 0, windows: 0 });

describe('the reporter', () => {
  it('drains everything, events first, and sends nothing twice when nothing is lost', async () => {
    for (let i = 0; i < 60; i += 1) spool.appendWindow(buildBody({ generation: i }));
    for (let i = 0; i < 5; i += 1) spool.appendEvent(buildEvent(`event ${i}`));
    start();
    await drained();
    expect([...received.keys()].slice(0, 5)).toEqual([1, 2, 3, 4, 5].map((seq) => `event ${seq}`));
    expect(received.size).toBe(65);
    expect(Math.max(...received.values())).toBe(1);
  });

  it('never has more than its window in flight', async () => {
    for (let i = 0; i < 100; i += 1) spool.appendWindow(buildBody({ generation: i }));
    store = () => false;
    start();
    await expect.poll(() => received.size, { timeout: 5000 }).toBe(20);
    await expect.poll(() => Math.min(...received.values()), { timeout: 5000 }).toBeGreaterThan(1);
    expect(received.size).toBe(20);
    store = () => true;
    await drained();
    expect(stored.size).toBe(100);
  });

  it('sends again what was not acknowledged, until it is', async () => {
    const deaf = new Set([1, 3]);
    store = (seq) => !deaf.delete(seq);
    for (let i = 0; i < 4; i += 1) spool.appendEvent(buildEvent(`event ${i}`));
    start();
    await drained();
    expect(received.get('event 1')).toBe(2);
    expect(stored).toEqual(new Set([1, 2, 3, 4]));
  });

  it('delivers each document exactly once to the books, through disconnects at any moment', async () => {
    let count = 0;
    store = () => {
      count += 1;
      if (count % 7 === 0) setImmediate(() => broker.dropClients());
      return count % 5 !== 0;
    };
    for (let i = 0; i < 80; i += 1) {
      if (i % 3 === 0) spool.appendEvent(buildEvent(`event ${i}`));
      else spool.appendWindow(buildBody({ generation: i }));
    }
    start();
    await drained();
    expect([...stored].sort((a, b) => a - b)).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
  });

  it('sends an event that happens while windows wait at once', async () => {
    for (let i = 0; i < 40; i += 1) spool.appendWindow(buildBody({ generation: i }));
    store = () => false;
    start();
    await expect.poll(() => received.size, { timeout: 5000 }).toBe(20);
    const seq = spool.appendEvent(buildEvent('reverted', { kind: 'reverted' }));
    reporter.wake();
    await expect.poll(() => received.has(`event ${seq}`), { timeout: 5000 }).toBe(true);
    store = () => true;
    await drained();
  });
});
