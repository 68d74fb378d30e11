// Who gets in, and what a stranger can cost us before it is known.
import { describe, expect, it } from 'vitest';
import { connectPacket, SITE, startBroker, type TestBroker, topicOf, waitFor } from './broker-fixture.ts';

describe('a stranger', () => {
  it('with a 256 MB CONNECT is cut after its header, before the body is buffered', async () => {
    await using test = await startBroker();
    const raw = await test.raw();
    const before = process.memoryUsage();
    raw.socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]));
    const chunk = Buffer.alloc(64 * 1024);
    let sent = 0;
    while (!raw.isClosed() && sent < 268_435_455) {
      raw.socket.write(chunk);
      sent += chunk.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await raw.closed;
    const after = process.memoryUsage();
    expect(sent).toBeLessThan(8 * 1024 * 1024);
    expect(after.external + after.arrayBuffers - before.external - before.arrayBuffers).toBeLessThan(32 * 1024 * 1024);
    expect(test.broker.metrics().faults).toEqual({ 'frame-too-large': 1 });
  });

  it('with a CONNECT of more than 4 KB in one piece is cut', async () => {
    await using test = await startBroker();
    const raw = await test.raw();
    raw.send(connectPacket('cam-one', { password: Buffer.alloc(5_000) }));
    await raw.closed;
    expect(raw.packets).toEqual([]);
    expect(test.broker.metrics().faults).toEqual({ 'frame-too-large': 1 });
  });

  it('that says nothing is cut when its time is up', async () => {
    await using test = await startBroker({ limits: { connectTimeoutMs: 50 } });
    const raw = await test.raw();
    await raw.closed;
    expect(test.broker.metrics().faults).toEqual({ 'connect-timeout': 1 });
  });

  it('that sends noise does not harm the broker', async () => {
    await using test = await startBroker();
    let seed = 7;
    const noise = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed >> 16;
    };
    for (let round = 0; round < 100; round += 1) {
      const raw = await test.raw();
      raw.socket.end(
        Buffer.from(Array.from({ length: 40 }, (_, index) => (index === 0 && round % 2 ? 0x10 : noise() & 0xff))),
      );
      raw.socket.resume();
      await raw.closed;
    }
    const { client } = await test.device('cam-one');
    expect(client.connected).toBe(true);
  });

  it('that knows a connected id cannot push the real device out', async () => {
    await using test = await startBroker();
    const real = await test.device('cam-one');
    await expect(test.device('cam-one', { password: 'guess' })).rejects.toThrow('Bad username or password');
    await expect(test.device('cam-one', { username: 'cam-two', password: 'key-cam-two' })).rejects.toThrow(
      'Identifier rejected',
    );
    await expect(test.device('cam-one', { username: 'observer', password: 'observe' })).rejects.toThrow(
      'Identifier rejected',
    );
    await real.client.publishAsync(topicOf('cam-one', 'hello'), 'still here', { qos: 1 });
    expect(test.events).toEqual(['+cam-one#1']);
    expect(test.broker.metrics().faults).toEqual({ 'bad-credentials': 1, 'wrong-client-id': 2 });
  });

  it('is logged once a minute and counted every time', async () => {
    await using test = await startBroker();
    for (let round = 0; round < 5; round += 1) await refused(test, connectPacket('UPPER CASE'));
    expect(test.broker.metrics().faults).toEqual({ 'bad-client-id': 5 });
    expect(test.logged).toMatchObject([{ level: 'warn', fields: { client: '127.0.0.1', reason: 'bad-client-id' } }]);
  });

  it('beyond the connection limit is refused while the others stay', async () => {
    await using test = await startBroker({ limits: { connectionsMax: 1 } });
    const { client } = await test.device('cam-one');
    const raw = await test.raw();
    await raw.closed;
    await waitFor('the count', () => test.broker.metrics().faults['too-many-connections'] === 1);
    expect(client.connected).toBe(true);
  });
});

describe('CONNECT', () => {
  it.each([
    ['an id with a slash', connectPacket('a/b/c'), 2, 'bad-client-id'],
    ['an id named like a property', connectPacket('__proto__'), 2, 'bad-client-id'],
    ['an id of two letters', connectPacket('ab'), 2, 'bad-client-id'],
    ['a persistent session', connectPacket('cam-one', { clean: false }), 5, 'session-not-clean'],
    ['MQTT 3.1', connectPacket('cam-one', { protocolId: 'MQIsdp', protocolVersion: 3 }), 5, 'protocol-error'],
    ['keep alive above 120 s', connectPacket('cam-one', { keepalive: 121 }), 6, 'keepalive-refused'],
    ['no keep alive', connectPacket('cam-one', { keepalive: 0 }), 6, 'keepalive-refused'],
    ["a will on another device's status", withWill('cam-two', 'status'), 5, 'foreign-will'],
    ['a will on its own events', withWill('cam-one', 'event'), 5, 'foreign-will'],
    ['a will with QoS 2', withWill('cam-one', 'status', 2), 5, 'foreign-will'],
  ])('with %s is refused', async (_what, packet, returnCode, reason) => {
    await using test = await startBroker();
    expect(await refused(test, packet)).toBe(returnCode);
    expect(test.broker.metrics().faults).toEqual({ [reason]: 1 });
    expect(test.events).toEqual([]);
  });

  it('is answered with "unavailable" when credentials cannot be checked, or not in time', async () => {
    await using failing = await startBroker({ authenticate: () => Promise.reject(new Error('database is away')) });
    expect(await refused(failing, connectPacket('cam-one'))).toBe(3);
    await using hanging = await startBroker({
      authenticate: () => new Promise(() => {}),
      limits: { authenticateTimeoutMs: 30 },
    });
    expect(await refused(hanging, connectPacket('cam-one'))).toBe(3);
    expect(hanging.broker.metrics().faults).toEqual({ 'authentication-failed': 1 });
  });
});

describe('the book of connections', () => {
  it('tells a takeover as a disconnect followed by a connect, and keeps one entry', async () => {
    await using test = await startBroker();
    const first = await test.device('cam-one');
    await test.device('cam-one');
    await waitFor('the first to be closed', () => !first.client.connected);
    expect(test.events).toEqual(['+cam-one#1', '-cam-one#1', '+cam-one#2']);
    expect(test.broker.clients()).toMatchObject([{ clientId: 'cam-one', connection: 2, principal: { site: SITE } }]);
  });

  it('stays right through 200 connects of the same ten devices at once', async () => {
    await using test = await startBroker();
    const connects = Array.from({ length: 200 }, (_, index) => test.device(`cam-${index % 10}`).catch(() => null));
    await Promise.all(connects);
    await waitFor('ten entries', () => test.broker.clients().length === 10);
    const open = new Set<string>();
    for (const event of test.events) {
      if (event.startsWith('+')) open.add(event.slice(1));
      else expect(open.delete(event.slice(1))).toBe(true);
    }
    expect(open.size).toBe(10);
    for (const { clientId } of test.broker.clients()) expect(test.broker.disconnect(clientId)).toBe(true);
    await waitFor('an empty book', () => test.broker.clients().length === 0);
    expect(test.broker.disconnect('cam-0')).toBe(false);
  });

  it('survives a sink that throws', async () => {
    const broken = () => {
      throw new Error('broken sink');
    };
    await using test = await startBroker({ connections: { onConnected: broken, onDisconnected: broken } });
    const { client } = await test.device('cam-one');
    await client.endAsync();
    await waitFor('the disconnect', () => test.broker.metrics().faults['sink-failed'] === 2);
  });

  it('publishes the last will of a device that vanished, and none of one that said goodbye', async () => {
    await using test = await startBroker();
    const will = { topic: topicOf('cam-one', 'status'), payload: Buffer.from('lost'), qos: 1, retain: true } as const;
    const polite = await test.device('cam-one', { will });
    await polite.client.endAsync();
    await waitFor('the disconnect', () => test.events.length === 2);
    expect(test.ingested).toEqual([]);
    const vanished = await test.device('cam-one', { will });
    vanished.client.stream.destroy();
    await waitFor('the will', () => test.ingested.length === 1);
    expect(test.ingested).toEqual([{ topic: topicOf('cam-one', 'status'), text: 'lost' }]);
    const observer = await test.observer('watcher');
    await observer.client.subscribeAsync(topicOf('cam-one', 'status'));
    await waitFor('the retained will', () => observer.received[0]?.text === 'lost');
  });
});

function withWill(device: string, channel: string, qos = 1) {
  return connectPacket('cam-one', {
    will: { topic: topicOf(device, channel), payload: Buffer.from('lost'), qos, retain: true },
  });
}

/** The return code of the CONNACK; the connection must be closed after it. */
async function refused(
  test: TestBroker,
  packet: Parameters<Awaited<ReturnType<TestBroker['raw']>>['send']>[0],
): Promise<number> {
  const raw = await test.raw();
  raw.send(packet);
  await raw.closed;
  const [connack] = raw.packets;
  return connack?.cmd === 'connack' ? (connack.returnCode ?? -1) : -1;
}
