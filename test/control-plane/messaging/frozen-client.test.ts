// A client that stops reading costs nobody else anything: kills stay prompt, and releasing what waited for it is safe.
import { describe, expect, it } from 'vitest';
import { FLEET_KILL_TOPIC } from '../../../shared/protocol/topics.ts';
import { connectPacket, type RawClient, startBroker, type TestBroker, topicOf, waitFor } from './broker-fixture.ts';

const HEALTHY = 60;
const DOCUMENT = 'x'.repeat(60_000);

describe('a frozen client', () => {
  it('does not delay a kill to the healthy, and is cut', async () => {
    const base = await killDuringFlood({ isFrozen: false });
    const frozen = await killDuringFlood({ isFrozen: true });
    expect(frozen.slowClients).toBe(1);
    expect(frozen.delivered).toBe(HEALTHY);
    expect(frozen.lastMs).toBeLessThan(Math.min(1_000, base.lastMs * 2.5 + 250));
  });

  it('is cut after the drain time when little waits for it', async () => {
    await using test = await startBroker({ limits: { drainTimeoutMs: 200, queuedBytesMax: 1024 ** 3 } });
    const raw = await freeze(test, 'cam-frozen');
    await fillSocket(test, 'cam-frozen');
    await waitFor('the cut', () => test.broker.clients().length === 0);
    expect(test.broker.metrics().faults['slow-client']).toBe(1);
    raw.socket.resume();
    await raw.closed;
  });

  it('is cut by the sweep when nothing more is sent to it', async () => {
    await using test = await startBroker({
      limits: { drainTimeoutMs: 60_000, sweepEveryMs: 50, queuedBytesMax: 100_000 },
    });
    await freeze(test, 'cam-frozen');
    await fillSocket(test, 'cam-frozen');
    await waitFor('the cut', () => test.broker.clients().length === 0);
    expect(test.broker.metrics().faults['slow-client']).toBe(1);
  });

  it('with 20,000 messages waiting leaves the broker alive when its queue is released', async () => {
    await using test = await startBroker({ limits: { drainTimeoutMs: 60_000, queuedBytesMax: 1024 ** 3 } });
    await freeze(test, 'cam-frozen');
    await fillSocket(test, 'cam-frozen');
    const small = Array.from({ length: 20_000 }, (_, n) =>
      test.broker.publish(topicOf('cam-frozen', 'desired'), `${n}`),
    );
    await Promise.all(small);
    expect(test.broker.disconnect('cam-frozen')).toBe(true);
    await waitFor('the release', () => test.broker.clients().length === 0);
    const { client, received } = await test.device('cam-healthy');
    await client.subscribeAsync(FLEET_KILL_TOPIC, { qos: 1 });
    await test.broker.publish(FLEET_KILL_TOPIC, 'kill', { retain: true });
    await waitFor('the kill', () => received.length === 1);
  });
});

type FloodRun = { readonly lastMs: number; readonly delivered: number; readonly slowClients: number };

/** 200 documents of 60 KB go to one client; in their midst a kill goes to everyone. */
async function killDuringFlood({ isFrozen }: { readonly isFrozen: boolean }): Promise<FloodRun> {
  await using test = await startBroker();
  const healthy = await Promise.all(Array.from({ length: HEALTHY }, (_, index) => test.device(`cam-${index}`)));
  await Promise.all(healthy.map(({ client }) => client.subscribeAsync(FLEET_KILL_TOPIC, { qos: 1 })));
  const raw = await subscribeRaw(test, 'cam-busy');
  if (isFrozen) raw.socket.pause();
  const flood = Array.from({ length: 400 }, () => test.broker.publish(topicOf('cam-busy', 'desired'), DOCUMENT));
  await flood[199];
  const killedAtMs = performance.now();
  await test.broker.publish(FLEET_KILL_TOPIC, 'kill', { retain: true });
  await waitFor('the kill at every healthy client', () => healthy.every(({ received }) => received.length === 1));
  await Promise.all(flood);
  if (isFrozen) await waitFor('the cut', () => test.broker.clients().length === HEALTHY);
  const arrivals = healthy.map(({ received }) => received[0]?.atMs ?? Number.POSITIVE_INFINITY);
  return {
    lastMs: Math.max(...arrivals) - killedAtMs,
    delivered: arrivals.filter(Number.isFinite).length,
    slowClients: test.broker.metrics().faults['slow-client'] ?? 0,
  };
}

async function freeze(test: TestBroker, device: string): Promise<RawClient> {
  const raw = await subscribeRaw(test, device);
  raw.socket.pause();
  return raw;
}

async function subscribeRaw(test: TestBroker, device: string): Promise<RawClient> {
  const raw = await test.raw();
  raw.send(connectPacket(device));
  await waitFor('CONNACK', () => raw.packets.length === 1);
  const topics = [topicOf(device, 'desired'), FLEET_KILL_TOPIC];
  raw.send({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) });
  await waitFor('SUBACK', () => raw.packets.length === 2);
  return raw;
}

/** More than any kernel buffer on loopback holds: what is left waits inside the broker. */
async function fillSocket(test: TestBroker, device: string): Promise<void> {
  const documents = Array.from({ length: 200 }, () => test.broker.publish(topicOf(device, 'desired'), DOCUMENT));
  await Promise.all(documents);
}
