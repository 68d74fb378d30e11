// What the broker sends arrives: two publishes in one tick, retained and seeded documents, and kills before all else.
import { describe, expect, it } from 'vitest';
import { FLEET_KILL_TOPIC, siteKillTopic } from '../../../shared/protocol/topics.ts';
import { connectPacket, SITE, startBroker, topicOf, waitFor } from './broker-fixture.ts';

describe('publish', () => {
  it('loses none of 200 retained documents that are followed by another publish in the same tick', async () => {
    await using test = await startBroker();
    const { client, received } = await test.device('cam-one');
    await client.subscribeAsync([topicOf('cam-one', 'desired'), topicOf('cam-one', 'ack')], { qos: 1 });
    for (let round = 0; round < 200; round += 1) {
      const first = test.broker.publish(topicOf('cam-one', 'desired'), `desired ${round}`, { retain: true, qos: 1 });
      const second = test.broker.publish(topicOf('cam-one', 'ack'), `ack ${round}`, { qos: 0 });
      await Promise.all([first, second]);
    }
    await waitFor('400 messages', () => received.length === 400);
    const expected = Array.from({ length: 200 }, (_, round) => [`desired ${round}`, `ack ${round}`]).flat();
    expect(received.map(({ text }) => text)).toEqual(expected);
  });

  it('loses none of 200 retained kills that are followed by another publish in the same tick', async () => {
    await using test = await startBroker();
    const { client, received } = await test.device('cam-one');
    await client.subscribeAsync([FLEET_KILL_TOPIC, topicOf('cam-one', 'desired')], { qos: 1 });
    for (let round = 0; round < 200; round += 1) {
      const first = test.broker.publish(FLEET_KILL_TOPIC, `kill ${round}`, { retain: true });
      const second = test.broker.publish(topicOf('cam-one', 'desired'), `desired ${round}`, { retain: true });
      await Promise.all([first, second]);
    }
    await waitFor('400 messages', () => received.length === 400);
    const kills = received.filter(({ topic }) => topic === FLEET_KILL_TOPIC).map(({ text }) => text);
    expect(kills).toEqual(Array.from({ length: 200 }, (_, round) => `kill ${round}`));
  });

  it('loses none of 200 retained documents while another client publishes', async () => {
    await using test = await startBroker({ limits: { publishesPerSecond: 10_000, packetsPerSecond: 10_000 } });
    const one = await test.device('cam-one');
    const two = await test.device('cam-two');
    await one.client.subscribeAsync(topicOf('cam-one', 'desired'), { qos: 1 });
    for (let round = 0; round < 200; round += 1) {
      await Promise.all([
        two.client.publishAsync(topicOf('cam-two', 'reported'), `reported ${round}`, { qos: 1, retain: true }),
        test.broker.publish(topicOf('cam-one', 'desired'), `desired ${round}`, { retain: true }),
      ]);
    }
    await waitFor('200 documents', () => one.received.length === 200);
  });

  it('sends a kill before 10,000 documents that were queued earlier', async () => {
    await using test = await startBroker();
    const { client, received } = await test.device('cam-one');
    await client.subscribeAsync([siteKillTopic(SITE), topicOf('cam-one', 'desired')], { qos: 1 });
    const publishes = Array.from({ length: 10_000 }, (_, generation) =>
      test.broker.publish(topicOf('cam-one', 'desired'), `${generation}`, { retain: true }),
    );
    expect(test.broker.metrics().queued).toBe(10_000);
    const kill = test.broker.publish(siteKillTopic(SITE), 'kill', { retain: true });
    await Promise.all([...publishes, kill]);
    await waitFor('all messages', () => received.length === 10_001);
    expect(received[0]?.text).toBe('kill');
    expect(received.at(-1)?.text).toBe('9999');
    expect(test.broker.metrics()).toMatchObject({ queued: 0, kills: 1, published: 10_001, faults: {} });
  });

  it('sends a kill next while 10,000 documents are on their way out', async () => {
    await using test = await startBroker();
    const { client, received } = await test.device('cam-one');
    await client.subscribeAsync([FLEET_KILL_TOPIC, topicOf('cam-one', 'desired')], { qos: 1 });
    const publishes = Array.from({ length: 10_000 }, (_, generation) =>
      test.broker.publish(topicOf('cam-one', 'desired'), `${generation}`),
    );
    await publishes[4_999];
    const sent = 10_000 - test.broker.metrics().queued;
    await test.broker.publish(FLEET_KILL_TOPIC, 'kill', { retain: true });
    await waitFor('all messages', () => received.length === 10_001);
    const place = received.findIndex(({ text }) => text === 'kill');
    expect(place - sent).toBeLessThanOrEqual(64);
  });

  it('refuses a document above 64 KiB, a topic with a wildcard, and work beyond the queue', async () => {
    await using test = await startBroker({ limits: { publishQueueMax: 2 } });
    const desired = topicOf('cam-one', 'desired');
    await expect(test.broker.publish(desired, 'x'.repeat(65_537))).rejects.toMatchObject({
      code: 'messaging-payload-too-large',
    });
    await expect(test.broker.publish('belay/v1/+/kill', 'x')).rejects.toMatchObject({ code: 'messaging-topic' });
    const fits = [test.broker.publish(desired, '1'), test.broker.publish(desired, '2')];
    await expect(test.broker.publish(desired, '3')).rejects.toMatchObject({ code: 'publish-queue-full' });
    await Promise.all(fits);
  });

  it('rejects what still waits when the broker closes, and everything after', async () => {
    const test = await startBroker();
    const waiting = test.broker.publish(topicOf('cam-one', 'desired'), 'x');
    const rejected = expect(waiting).rejects.toMatchObject({ code: 'messaging-closed' });
    await test.broker.close();
    await rejected;
    await expect(test.broker.publish(FLEET_KILL_TOPIC, 'x')).rejects.toMatchObject({ code: 'messaging-closed' });
  });
});

describe('a kill', () => {
  it.each([0, 100, 127, 128, 20_000, 65_536])(
    'of %i bytes reaches exact and wildcard subscribers at either QoS',
    async (bytes) => {
      await using test = await startBroker();
      const one = await test.device('cam-one');
      const two = await test.device('cam-two');
      const other = await test.device('cam-other');
      const observer = await test.observer('watcher');
      await one.client.subscribeAsync(siteKillTopic(SITE), { qos: 1 });
      await two.client.subscribeAsync(siteKillTopic(SITE), { qos: 0 });
      await other.client.subscribeAsync(FLEET_KILL_TOPIC, { qos: 1 });
      await observer.client.subscribeAsync('belay/v1/#', { qos: 1 });
      const text = 'k'.repeat(bytes);
      await test.broker.publish(siteKillTopic(SITE), text, { retain: true });
      const readers = [one, two, observer];
      await waitFor('the kill', () => readers.every(({ received }) => received.length === 1));
      for (const { received } of readers)
        expect(received[0]).toMatchObject({ topic: siteKillTopic(SITE), text, retain: false });
      expect(other.received).toEqual([]);
    },
  );

  it('never shares a message id with another delivery, through the wrap at 65,535', async () => {
    await using test = await startBroker({ limits: { packetBurst: 1_000_000 } });
    const raw = await test.raw();
    raw.send(connectPacket('cam-one'));
    await waitFor('CONNACK', () => raw.packets.length === 1);
    const topics = [FLEET_KILL_TOPIC, topicOf('cam-one', 'desired')];
    raw.send({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) });
    await waitFor('SUBACK', () => raw.packets.length === 2);
    for (let round = 0; round < 660; round += 1) {
      const documents = Array.from({ length: 50 }, () => test.broker.publish(topicOf('cam-one', 'desired'), 'd'));
      for (let kill = 0; kill < 50; kill += 1) await test.broker.publish(FLEET_KILL_TOPIC, 'k');
      await Promise.all(documents);
    }
    await waitFor('66,000 messages', () => raw.packets.length === 66_002);
    const ids = raw.packets.slice(2).map((packet) => (packet.cmd === 'publish' ? packet.messageId : null));
    expect(new Set(ids.slice(0, 65_000)).size).toBe(65_000);
    expect(ids).not.toContain(0);
  });
});

describe('retained documents', () => {
  it('are there for the first client when seeded before listening', async () => {
    await using test = await startBroker({
      retained: [
        { topic: FLEET_KILL_TOPIC, payload: 'kill 7' },
        { topic: topicOf('cam-one', 'desired'), payload: 'generation 3' },
        { topic: topicOf('cam-two', 'desired'), payload: 'not for cam-one' },
      ],
    });
    const { client, received } = await test.device('cam-one');
    await client.subscribeAsync([FLEET_KILL_TOPIC, topicOf('cam-one', 'desired')], { qos: 1 });
    await waitFor('both documents', () => received.length === 2);
    expect(received).toMatchObject([
      { text: 'kill 7', retain: true },
      { text: 'generation 3', retain: true },
    ]);
  });

  it('are replaced by the newest and removed by an empty payload', async () => {
    await using test = await startBroker();
    const topic = topicOf('cam-one', 'desired');
    await test.broker.publish(topic, 'old', { retain: true });
    await test.broker.publish(topic, 'new', { retain: true });
    await test.broker.publish(topicOf('cam-one', 'kill'), 'kill', { retain: true });
    await test.broker.publish(topicOf('cam-one', 'kill'), '', { retain: true });
    const { client, received } = await test.device('cam-one');
    await client.subscribeAsync([topic, topicOf('cam-one', 'kill')], { qos: 1 });
    await test.broker.publish(topicOf('cam-one', 'lease'), 'ignored');
    await waitFor('the document', () => received.length > 0);
    await client.subscribeAsync(topicOf('cam-one', 'lease'), { qos: 1 });
    expect(received.map(({ text }) => text)).toEqual(['new']);
  });

  it('cost a subscriber no more with 10,000 documents than with 1,000, and none is lost', async () => {
    const small = await subscribeCost(1_000);
    const large = await subscribeCost(10_000);
    expect(small).toMatchObject({ lookups: 200, scans: 0, received: 200 });
    expect(large).toMatchObject({ lookups: 200, scans: 0, received: 200 });
    // A scan costs ten times more here; the rest is noise of a shared machine.
    expect(large.ms).toBeLessThan(small.ms * 4 + 100);
  });
});

describe('open and close', () => {
  it('says which address is taken', async () => {
    await using test = await startBroker();
    await expect(startBroker({ port: test.broker.port })).rejects.toMatchObject({ code: 'messaging-listen' });
  });

  it('ends connections without publishing last wills: the devices did not vanish, we did', async () => {
    const test = await startBroker();
    const { client } = await test.device('cam-one', {
      will: { topic: topicOf('cam-one', 'status'), payload: Buffer.from('lost'), qos: 1, retain: true },
    });
    await test.broker.close();
    await waitFor('the client to notice', () => !client.connected);
    expect(test.ingested).toEqual([]);
    expect(test.events).toEqual(['+cam-one#1', '-cam-one#1']);
    client.end(true);
  });

  it('keeps its promise to a commit that is under way', async () => {
    const { promise: committing, resolve: commit } = Promise.withResolvers<void>();
    let isCommitted = false;
    const test = await startBroker({
      ingest: async () => {
        await committing;
        isCommitted = true;
      },
    });
    const { client } = await test.device('cam-one');
    client.publish(topicOf('cam-one', 'event'), 'x', { qos: 1 });
    await client.subscribeAsync(topicOf('cam-one', 'ack'));
    const closed = test.broker.close();
    commit();
    await closed;
    expect(isCommitted).toBe(true);
    client.end(true);
  });
});

async function subscribeCost(documents: number) {
  const devices = Array.from({ length: documents }, (_, index) => `cam-${index}`);
  await using test = await startBroker({
    retained: devices.map((device) => ({ topic: topicOf(device, 'desired'), payload: device })),
    limits: { subscribeBurst: 1_000 },
  });
  const { client, received } = await test.observer('watcher');
  const startedAtMs = performance.now();
  for (const device of devices.slice(-200)) await client.subscribeAsync(topicOf(device, 'desired'), { qos: 1 });
  await waitFor('200 documents', () => received.length === 200);
  const { lookups, scans } = test.broker.metrics().retained;
  return {
    ms: performance.now() - startedAtMs,
    lookups,
    scans,
    received: new Set(received.map(({ text }) => text)).size,
  };
}
