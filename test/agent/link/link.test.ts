// The link against a real broker on loopback: order at connect, reconnecting, refusals, half-open connections.
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Link, type LinkOptions, openLink } from '../../../agent/link/link.ts';
import { LinkError, PAYLOAD_BYTES_MAX } from '../../../agent/link/session.ts';
import { FLEET_KILL_TOPIC } from '../../../shared/protocol/topics.ts';
import { SILENT } from '../telemetry/spool-builder.ts';
import { openPlainBroker, openSilentProxy, type PlainBroker } from './plain-broker.ts';

const ADDRESS = { site: 'plant-a', device: 'cam-01' };
const DESIRED = 'belay/v1/plant-a/cam-01/desired';
const STATUS = 'belay/v1/plant-a/cam-01/status';
const FAST = { baseMs: 10, capMs: 50, graceMs: 50, connectTimeoutMs: 1000, publishTimeoutMs: 1000, keepaliveS: 30 };

let broker: PlainBroker;
let links: Link[];
let log: string[];

beforeEach(async () => {
  broker = await openPlainBroker();
  links = [];
  log = [];
});
afterEach(async () => {
  await Promise.all(links.map((link) => link.close()));
  await broker.close();
});

function open(part: Partial<LinkOptions> = {}): Link {
  const link = openLink({
    url: broker.url,
    apiUrl: 'http://127.0.0.1:9',
    address: ADDRESS,
    password: 'secret',
    boot: 'boot-0001',
    log: SILENT,
    onDesired: (text) => log.push(`desired ${text}`),
    onKill: (topic, text) => log.push(`kill ${topic} ${text}`),
    onLease: (text) => log.push(`lease ${text}`),
    onAsk: (text) => log.push(`ask ${text}`),
    onAck: (ack) => log.push(`ack ${ack.boot} ${ack.seq}`),
    onUp: () => log.push('up'),
    onDown: () => log.push('down'),
    random: () => 0.5,
    ...part,
    timing: { ...FAST, ...part.timing },
  });
  links.push(link);
  return link;
}

const until = (check: () => boolean) => expect.poll(check, { timeout: 8000, interval: 5 }).toBe(true);
const ups = () => log.filter((line) => line === 'up').length;
const statuses = () => broker.published.filter(({ topic }) => topic === STATUS).map(({ text }) => JSON.parse(text));

describe('a link that comes up', () => {
  it('delivers retained kills first, then what is desired, then says that it is up', async () => {
    await broker.put(DESIRED, 'd-1');
    await broker.put('belay/v1/plant-a/cam-01/kill', 'k-device');
    await broker.put('belay/v1/plant-a/kill', 'k-site');
    await broker.put(FLEET_KILL_TOPIC, 'k-fleet');
    // The order is asked for here, not how fast a busy machine is.
    open({ timing: { graceMs: 1500 } });
    await until(() => ups() === 1);
    expect([...log].slice(0, 3).sort()).toEqual([
      'kill belay/v1/kill k-fleet',
      'kill belay/v1/plant-a/cam-01/kill k-device',
      'kill belay/v1/plant-a/kill k-site',
    ]);
    expect(log.slice(3)).toEqual(['desired d-1', 'up']);
  });

  it('says that the device is online, retained, with its boot', async () => {
    open();
    await until(() => statuses().length === 1);
    expect(statuses()[0]).toEqual({ v: 1, ...ADDRESS, boot: 'boot-0001', online: true, clean: false });
    expect(broker.published[0]?.retain).toBe(true);
  });

  it('hands over what comes later, and refuses acknowledgements that it cannot read', async () => {
    open();
    await until(() => ups() === 1);
    await broker.put(DESIRED, 'd-2');
    await broker.put('belay/v1/plant-a/cam-01/ack', 'garbage', false);
    await broker.put('belay/v1/plant-a/cam-01/ack', '{"v":1,"boot":"boot-0001","seq":4}', false);
    await broker.put('belay/v1/plant-a/cam-02/desired', 'not ours');
    await broker.put(FLEET_KILL_TOPIC, 'k-1');
    await broker.put('belay/v1/plant-a/cam-01/lease', 'l-1', false);
    await broker.put('belay/v1/plant-a/cam-02/lease', 'not ours', false);
    await until(() => log.length === 5);
    expect(log).toEqual(['up', 'desired d-2', 'ack boot-0001 4', 'kill belay/v1/kill k-1', 'lease l-1']);
  });

  it('passes on every delivery of a document, duplicates too: they are states, not commands', async () => {
    open();
    await until(() => ups() === 1);
    for (let i = 0; i < 3; i += 1) await broker.put(DESIRED, 'd-same');
    await until(() => log.length === 4);
    expect(log.slice(1)).toEqual(['desired d-same', 'desired d-same', 'desired d-same']);
  });

  it('publishes below its own address', async () => {
    const link = open();
    await until(() => ups() === 1);
    await link.publish('hello', 'h', { qos: 1, retain: false });
    await link.publish('reported', 'r', { qos: 1, retain: true });
    await link.publish('answers', 'a', { qos: 0, retain: false });
    await until(() => broker.published.length === 4);
    expect(broker.published.slice(1).map(({ topic, text, retain }) => [topic, text, retain])).toEqual([
      ['belay/v1/plant-a/cam-01/hello', 'h', false],
      ['belay/v1/plant-a/cam-01/reported', 'r', true],
      ['belay/v1/plant-a/cam-01/answers', 'a', false],
    ]);
  });

  it('refuses a payload that not every broker would carry', async () => {
    const link = open();
    await until(() => ups() === 1);
    const publishing = link.publish('window', 'x'.repeat(PAYLOAD_BYTES_MAX + 1), { qos: 1, retain: false });
    await expect(publishing).rejects.toMatchObject({ code: 'payload-too-large' });
  });
});

describe('a link that goes down', () => {
  it('comes back by itself and delivers what is retained again', async () => {
    await broker.put(DESIRED, 'd-1');
    open();
    await until(() => ups() === 1);
    await until(() => log.includes('desired d-1'));
    const before = log.splice(0).filter((line) => line === 'down');
    broker.dropClients();
    // Whether the document comes before the link is up depends on how busy the machine is, and is asked for above.
    await until(() => ups() === 1 && log.includes('desired d-1'));
    expect([...before, log[0], ...log.slice(1).sort()]).toEqual(['down', 'desired d-1', 'up']);
  });

  it('survives the broker going away for a while', async () => {
    const link = open();
    await until(() => ups() === 1);
    const { port } = broker;
    await broker.close();
    await until(() => log.includes('down'));
    await expect(link.publish('event', 'e', { qos: 1, retain: false })).rejects.toMatchObject({ code: 'link-down' });
    expect(link.isUp()).toBe(false);
    broker = await openPlainBroker({ port });
    await until(() => ups() === 2);
    await link.publish('event', 'e', { qos: 1, retain: false });
    expect(broker.published.at(-1)?.text).toBe('e');
  });

  it('leaves its will: offline, not clean, same boot', async () => {
    open();
    await until(() => statuses().length === 1);
    const seen: string[] = [];
    broker.broker.subscribe(
      STATUS,
      (packet, done) => {
        seen.push(packet.payload.toString());
        done();
      },
      () => undefined,
    );
    broker.dropClients();
    await until(() => seen.some((text) => JSON.parse(text).online === false));
    const will = seen.map((text) => JSON.parse(text)).find((status) => status.online === false);
    expect(will).toEqual({ v: 1, ...ADDRESS, boot: 'boot-0001', online: false, clean: false });
  });

  it('leaves no will but a goodbye when it is closed on purpose', async () => {
    const link = open();
    await until(() => ups() === 1);
    await link.close();
    await link.close();
    expect(statuses().at(-1)).toMatchObject({ online: false, clean: true });
    expect(statuses()).toHaveLength(2);
    expect(log.filter((line) => line === 'up')).toHaveLength(1);
  });

  it('rejects a publish that was under way, instead of leaving it open for ever', async () => {
    const proxy = await openSilentProxy(broker.port);
    const link = open({ url: proxy.url });
    await until(() => ups() === 1);
    proxy.goSilent();
    const publishing = link.publish('event', 'lost', { qos: 1, retain: false });
    await expect(publishing).rejects.toBeInstanceOf(LinkError);
    await proxy.close();
  });

  it('can be closed in bounded time when nobody answers any more', async () => {
    const proxy = await openSilentProxy(broker.port);
    const link = open({ url: proxy.url, timing: { ...FAST, publishTimeoutMs: 200 } });
    await until(() => ups() === 1);
    proxy.goSilent();
    const startMs = performance.now();
    await link.close();
    expect(performance.now() - startMs).toBeLessThan(2000);
    await proxy.close();
  });

  it('notices a connection that is only half open, and makes a new one', async () => {
    const proxy = await openSilentProxy(broker.port);
    open({ url: proxy.url, timing: { ...FAST, keepaliveS: 1 } });
    await until(() => ups() === 1);
    proxy.goSilent();
    await until(() => log.includes('down'));
    proxy.speakAgain();
    await until(() => ups() === 2);
    await Promise.all(links.splice(0).map((link) => link.close()));
    await proxy.close();
  });

  it('keeps trying, ever more slowly, when it is refused, and says why', async () => {
    await broker.close();
    broker = await openPlainBroker({ password: 'other', port: broker.port });
    const delays: number[] = [];
    const reasons = new Set<string>();
    const warn = (fields: { delayMs: number; reason: string }) => {
      delays.push(fields.delayMs);
      reasons.add(fields.reason);
    };
    const listening = Object.assign(Object.create(SILENT), { warn });
    open({ log: listening, random: () => 0.999, timing: { ...FAST, baseMs: 4, capMs: 40 } });
    await until(() => delays.length >= 6);
    expect(delays.slice(0, 6)).toEqual([3, 7, 15, 31, 39, 39]);
    expect([...reasons].join()).toMatch(/Bad username or password|Not authorized/i);
    expect(log).toEqual([]);
  });
});

describe('a broker that sends a packet without an end', () => {
  it('is left before it takes the memory of the device, and tried again', async () => {
    const CONNACK = Buffer.from([0x20, 2, 0, 0]);
    // PUBLISH at QoS 0 with 200 MB to follow.
    const ENDLESS = Buffer.from([0x30, 0x80, 0xc2, 0xd7, 0x5f]);
    const piece = Buffer.alloc(64 * 1024);
    let connections = 0;
    let most = 0;
    const server = createServer((socket) => {
      connections += 1;
      let sent = 0;
      const more = (): void => {
        while (!socket.destroyed && socket.write(piece)) sent += piece.length;
        most = Math.max(most, sent);
      };
      socket.on('error', () => undefined);
      socket.on('drain', more);
      socket.once('data', () => {
        socket.write(Buffer.concat([CONNACK, ENDLESS]));
        more();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address() as AddressInfo;
    const link = open({ url: `mqtt://127.0.0.1:${address.port}` });
    await until(() => connections >= 3);
    await link.close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    // What the sockets of both sides hold comes on top.
    expect(most).toBeLessThan(20 * 1024 * 1024);
    expect(log).toEqual([]);
  });
});
