// What a device may say and hear, when it is acknowledged, and how fast it may talk.
import mqttPacket from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { FLEET_KILL_TOPIC, siteKillTopic } from '../../../shared/protocol/topics.ts';
import { connectPacket, SITE, startBroker, type TestBroker, topicOf, waitFor } from './broker-fixture.ts';

const event = topicOf('cam-one', 'event');

describe('PUBACK', () => {
  it('is sent after the message is committed, never before', async () => {
    const commits: (() => void)[] = [];
    await using test = await startBroker({ ingest: () => new Promise<void>((resolve) => commits.push(resolve)) });
    const raw = await connected(test, 'cam-one');
    raw.send({ cmd: 'publish', topic: event, payload: 'x', qos: 1, messageId: 5, dup: false, retain: false });
    await waitFor('the commit to begin', () => commits.length === 1);
    raw.send({ cmd: 'subscribe', messageId: 6, subscriptions: [{ topic: topicOf('cam-one', 'ack'), qos: 0 }] });
    await waitFor('SUBACK', () => raw.packets.some(({ cmd }) => cmd === 'suback'));
    expect(raw.packets.map(({ cmd }) => cmd)).toEqual(['connack', 'suback']);
    commits[0]?.();
    await waitFor('PUBACK', () => raw.packets.length === 3);
    expect(raw.packets[2]).toMatchObject({ cmd: 'puback', messageId: 5 });
  });

  it('is not sent when the commit fails: the connection closes and the device re-sends', async () => {
    let attempts = 0;
    const stored: string[] = [];
    const ingest = async ({ payload }: { readonly payload: Uint8Array }) => {
      attempts += 1;
      if (attempts === 1) throw new Error('disk is full');
      stored.push(Buffer.from(payload).toString());
    };
    await using test = await startBroker({ ingest });
    const { client } = await test.device('cam-one', { reconnectPeriod: 10 });
    await client.publishAsync(event, 'revert', { qos: 1 });
    expect(attempts).toBe(2);
    expect(stored).toEqual(['revert']);
    expect(test.broker.metrics()).toMatchObject({ ingested: 1, faults: { 'ingest-failed': 1 } });
    expect(test.events).toEqual(['+cam-one#1', '-cam-one#1', '+cam-one#2']);
  });

  it('is not sent when ingest throws at once', async () => {
    const ingest = () => {
      throw new Error('not open');
    };
    await using test = await startBroker({ ingest });
    const raw = await connected(test, 'cam-one');
    raw.send({ cmd: 'publish', topic: event, payload: 'x', qos: 1, messageId: 5, dup: false, retain: false });
    await raw.closed;
    expect(raw.packets.map(({ cmd }) => cmd)).toEqual(['connack']);
    expect(test.broker.metrics().faults).toEqual({ 'ingest-failed': 1 });
  });

  it('keeps the order of a device', async () => {
    await using test = await startBroker();
    const { client } = await test.device('cam-one');
    await Promise.all(Array.from({ length: 100 }, (_, n) => client.publishAsync(event, `${n}`, { qos: 1 })));
    expect(test.ingested.map(({ text }) => text)).toEqual(Array.from({ length: 100 }, (_, n) => `${n}`));
  });
});

describe('what a device may publish', () => {
  it('is its own channels, and the states among them retained', async () => {
    await using test = await startBroker();
    const { client } = await test.device('cam-one');
    for (const channel of ['hello', 'window', 'event'])
      await client.publishAsync(topicOf('cam-one', channel), channel, { qos: 1 });
    for (const channel of ['reported', 'status']) {
      await client.publishAsync(topicOf('cam-one', channel), channel, { qos: 1, retain: true });
    }
    await client.publishAsync(topicOf('cam-one', 'answers'), 'answer', { qos: 0 });
    await client.subscribeAsync(topicOf('cam-one', 'ack'));
    expect(test.ingested.map(({ text }) => text)).toEqual(['hello', 'window', 'event', 'reported', 'status']);
    expect(test.broker.metrics().retained.documents).toBe(2);
    expect(client.connected).toBe(true);
  });

  it.each([
    ["another device's event", { topic: topicOf('cam-two', 'event') }, 'publish-refused'],
    ['the same device of another site', { topic: 'belay/v1/plant-b/cam-one/event' }, 'publish-refused'],
    ['its own desired', { topic: topicOf('cam-one', 'desired') }, 'publish-refused'],
    ['its own kill', { topic: topicOf('cam-one', 'kill') }, 'publish-refused'],
    ['the fleet kill', { topic: FLEET_KILL_TOPIC, retain: true }, 'publish-refused'],
    ['$SYS', { topic: '$SYS/x' }, 'publish-refused'],
    ['a deeper topic', { topic: `${event}/more` }, 'publish-refused'],
    ['50 levels', { topic: 'a/'.repeat(50) }, 'protocol-error'],
    ['a retained event', { retain: true }, 'publish-refused'],
    ['an empty payload', { payload: '' }, 'publish-refused'],
    ['QoS 2', { qos: 2 }, 'qos-2'],
    ['answers with QoS 1', { topic: topicOf('cam-one', 'answers') }, 'publish-refused'],
    [
      'a retained document of 65 KB',
      { topic: topicOf('cam-one', 'status'), retain: true, payload: 'x'.repeat(66_000) },
      'publish-refused',
    ],
    ['a frame of 300 KB', { payload: 'x'.repeat(300_000) }, 'frame-too-large'],
  ])('is not %s', async (_what, fields, reason) => {
    await using test = await startBroker();
    const raw = await connected(test, 'cam-one');
    const packet = {
      cmd: 'publish',
      topic: event,
      payload: 'x',
      qos: 1,
      messageId: 5,
      dup: false,
      retain: false,
    } as const;
    raw.send({ ...packet, ...(fields as object) });
    await raw.closed;
    expect(raw.packets.map(({ cmd }) => cmd)).toEqual(['connack']);
    expect(test.ingested).toEqual([]);
    expect(test.broker.metrics()).toMatchObject({ faults: { [reason]: 1 }, retained: { documents: 0 } });
  });

  it('is taken off the wire on a channel of its own that nobody knows: a newer agent must not come back for ever', async () => {
    await using test = await startBroker();
    const observer = await test.observer('watcher');
    await observer.client.subscribeAsync(topicOf('cam-one', 'thoughts'));
    const { client } = await test.device('cam-one', { reconnectPeriod: 10 });
    for (let n = 0; n < 3; n += 1) {
      await client.publishAsync(topicOf('cam-one', 'thoughts'), 'x', { qos: 1, retain: true });
    }
    await client.publishAsync(event, 'still heard', { qos: 1 });
    expect(test.events).toEqual(['+watcher#1', '+cam-one#2']); // and never a second connection
    expect(test.ingested).toEqual([{ topic: event, text: 'still heard' }]);
    expect(test.broker.metrics()).toMatchObject({ faults: { 'unknown-channel': 3 }, retained: { documents: 0 } });
    expect(observer.received.map(({ topic }) => topic)).not.toContain(topicOf('cam-one', 'thoughts'));
  });

  it('is nothing for an observer', async () => {
    await using test = await startBroker();
    const { client } = await test.observer('watcher');
    client.publish(event, 'x', { qos: 1 });
    await waitFor('the cut', () => !client.connected);
    expect(test.broker.metrics().faults).toEqual({ 'publish-refused': 1 });
  });
});

describe('what a device may subscribe to', () => {
  it('is its own documents and the kills above it', async () => {
    await using test = await startBroker();
    const own = ['desired', 'lease', 'kill', 'ack'].map((channel) => topicOf('cam-one', channel));
    expect(await subackOf(test, [...own, FLEET_KILL_TOPIC, siteKillTopic(SITE)])).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it.each([
    '#',
    '+/+/#',
    'belay/v1/+/kill',
    'belay/v1/plant-b/kill',
    topicOf('cam-two', 'desired'),
    topicOf('cam-one', '+'),
    topicOf('cam-one', 'event'),
    '$SYS/#',
    '$share/all/belay/v1/kill',
  ])('is not %s; it stays connected', async (topic) => {
    await using test = await startBroker();
    expect(await subackOf(test, [topic, topicOf('cam-one', 'desired')])).toEqual([128, 1]);
    expect(test.broker.clients().length).toBe(1);
    expect(test.broker.metrics().faults).toEqual({ 'subscribe-refused': 1 });
  });

  it('is not anything with QoS 2', async () => {
    await using test = await startBroker();
    expect(await subackOf(test, [topicOf('cam-one', 'desired')], 2)).toEqual([128]);
  });

  it('is not the same document again and again: that would be an amplifier', async () => {
    await using test = await startBroker({ limits: { subscribeBurst: 10 } });
    const raw = await connected(test, 'cam-one');
    for (let messageId = 1; messageId <= 11; messageId += 1) {
      raw.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic: topicOf('cam-one', 'desired'), qos: 1 }] });
    }
    await raw.closed;
    expect(test.broker.metrics().faults).toEqual({ flood: 1 });
  });
});

describe('an observer', () => {
  it('sees what devices publish, through wildcards too', async () => {
    await using test = await startBroker();
    const observer = await test.observer('watcher');
    await observer.client.subscribeAsync('belay/v1/+/+/event', { qos: 1 });
    const { client } = await test.device('cam-one');
    await client.publishAsync(event, 'seen', { qos: 1 });
    await waitFor('the event', () => observer.received.length === 1);
    expect(observer.received[0]).toMatchObject({ topic: event, text: 'seen' });
    expect(test.broker.metrics()).toMatchObject({ connected: 2, observers: 1 });
  });
});

describe('a flood', () => {
  it('from a device that waits for its acknowledgements is slowed to the rate, and nothing is lost', async () => {
    await using test = await startBroker({ limits: { publishBurst: 20, publishesPerSecond: 200 } });
    const { client } = await test.device('cam-one');
    const startedAtMs = performance.now();
    await inWindows(120, 20, (n) => client.publishAsync(event, `${n}`, { qos: 1 }));
    const tookMs = performance.now() - startedAtMs;
    expect(tookMs).toBeGreaterThan(450); // 100 above the burst at 200 per second
    expect(test.ingested.length).toBe(120);
    expect(test.broker.metrics().faults).toEqual({});
  });

  it('from a device that does not wait is cut, and reconnecting does not refill its bucket', async () => {
    await using test = await startBroker({
      limits: { publishBurst: 50, publishesInFlightMax: 60, publishesPerSecond: 1 },
    });
    await flood(test, 'cam-one', 500);
    expect(test.ingested.length).toBeLessThanOrEqual(60);
    await flood(test, 'cam-one', 500);
    expect(test.ingested.length).toBeLessThanOrEqual(65);
    expect(test.broker.metrics().faults).toEqual({ flood: 2 });
  });

  it('of pings is cut', async () => {
    await using test = await startBroker({ limits: { packetBurst: 100 } });
    const raw = await connected(test, 'cam-one');
    raw.socket.write(Buffer.from(Array.from({ length: 5_000 }, () => [0xc0, 0x00]).flat()));
    await raw.closed;
    expect(test.broker.metrics().faults).toEqual({ flood: 1 });
  });

  it('of answers loses the surplus and nothing else', async () => {
    await using test = await startBroker({ limits: { answersBurst: 10, answersPerSecond: 1 } });
    const observer = await test.observer('watcher');
    await observer.client.subscribeAsync(topicOf('cam-one', 'answers'));
    const { client } = await test.device('cam-one');
    for (let n = 0; n < 100; n += 1) client.publish(topicOf('cam-one', 'answers'), `${n}`, { qos: 0 });
    await client.publishAsync(event, 'still heard', { qos: 1 });
    await waitFor('the surplus', () => (test.broker.metrics().faults['answers-dropped'] ?? 0) >= 80);
    expect(client.connected).toBe(true);
    expect(observer.received.length).toBeLessThanOrEqual(20);
    expect(test.ingested).toEqual([{ topic: event, text: 'still heard' }]);
  });

  it('neither delays nor stops a kill to the others', async () => {
    await using test = await startBroker();
    const others = await Promise.all(Array.from({ length: 40 }, (_, index) => test.device(`cam-${index}`)));
    await Promise.all(others.map(({ client }) => client.subscribeAsync(FLEET_KILL_TOPIC, { qos: 1 })));
    const floods = Array.from({ length: 5 }, (_, index) => flood(test, `cam-flood-${index}`, 5_000));
    const killedAtMs = performance.now();
    await test.broker.publish(FLEET_KILL_TOPIC, 'kill', { retain: true });
    await waitFor('the kill', () => others.every(({ received }) => received.length === 1));
    const lastMs =
      Math.max(...others.map(({ received }) => received[0]?.atMs ?? Number.POSITIVE_INFINITY)) - killedAtMs;
    expect(lastMs).toBeLessThan(1_000);
    await Promise.all(floods);
    expect(test.broker.metrics().faults.flood).toBe(5);
  });
});

async function connected(test: TestBroker, device: string) {
  const raw = await test.raw();
  raw.send(connectPacket(device));
  await waitFor('CONNACK', () => raw.packets.length === 1);
  return raw;
}

async function subackOf(test: TestBroker, topics: readonly string[], qos: 1 | 2 = 1) {
  const raw = await connected(test, 'cam-one');
  raw.send({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos })) });
  await waitFor('SUBACK', () => raw.packets.length === 2);
  const [, suback] = raw.packets;
  return suback?.cmd === 'suback' ? suback.granted : null;
}

/** Sends everything in one piece and waits until it is cut. */
async function flood(test: TestBroker, device: string, count: number): Promise<void> {
  const raw = await connected(test, device);
  const topic = topicOf(device, 'event');
  const packets = Array.from({ length: count }, (_, n) =>
    mqttPacket.generate({
      cmd: 'publish',
      topic,
      payload: `${n}`,
      qos: 1,
      messageId: n + 1,
      dup: false,
      retain: false,
    }),
  );
  raw.socket.write(Buffer.concat(packets));
  await raw.closed;
}

async function inWindows(count: number, window: number, send: (n: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += window) {
    await Promise.all(Array.from({ length: window }, (_, offset) => send(from + offset)));
  }
}
