// A real broker on a loopback port and real clients for the messaging tests; everything opened here is closed here.
import { connect, type Socket } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { type BrokerOptions, type Messaging, openBroker } from '../../../control-plane/messaging/messaging.ts';

export const SITE = 'plant-a';

export type LogLine = { readonly level: string; readonly fields: Record<string, unknown>; readonly message: string };

export type Received = {
  readonly topic: string;
  readonly text: string;
  readonly atMs: number;
  readonly retain: boolean;
};

export type TestBroker = AsyncDisposable & {
  readonly broker: Messaging;
  readonly ingested: { topic: string; text: string }[];
  readonly logged: LogLine[];
  readonly events: string[];
  device(clientId: string, options?: IClientOptions): Promise<TestClient>;
  observer(clientId: string): Promise<TestClient>;
  raw(): Promise<RawClient>;
};

export type TestClient = { readonly client: MqttClient; readonly received: Received[] };

export type RawClient = {
  readonly socket: Socket;
  readonly packets: Packet[];
  readonly closed: Promise<void>;
  isClosed(): boolean;
  send(packet: Packet): void;
};

/** The password of device `x` is `key-x`; user `observer` with password `observe` is an observer. */
export async function startBroker(options: Partial<BrokerOptions> = {}): Promise<TestBroker> {
  const ingested: { topic: string; text: string }[] = [];
  const logged: LogLine[] = [];
  const events: string[] = [];
  const ends: (() => void)[] = [];
  const broker = await openBroker({
    host: '127.0.0.1',
    port: 0,
    authenticate: async (_clientId, username, password) => proveTestClient(username, password),
    ingest: async ({ topic, payload }) => void ingested.push({ topic, text: Buffer.from(payload).toString() }),
    log: recordingLog(logged),
    connections: {
      onConnected: (peer) => events.push(`+${peer.clientId}#${peer.connection}`),
      onDisconnected: (peer) => events.push(`-${peer.clientId}#${peer.connection}`),
    },
    ...options,
  });
  const open = async (clientId: string, clientOptions: IClientOptions): Promise<TestClient> => {
    const opened = await openClient(broker.port, clientId, clientOptions);
    ends.push(() => opened.client.end(true));
    return opened;
  };
  return {
    broker,
    ingested,
    logged,
    events,
    device: (clientId, clientOptions) =>
      open(clientId, { username: clientId, password: `key-${clientId}`, ...clientOptions }),
    observer: (clientId) => open(clientId, { username: 'observer', password: 'observe' }),
    async raw() {
      const raw = await openRaw(broker.port);
      ends.push(() => raw.socket.destroy());
      return raw;
    },
    async [Symbol.asyncDispose]() {
      for (const end of ends) end();
      await broker.close();
    },
  };
}

export function proveTestClient(username: string | null, password: Buffer | null) {
  if (username === 'observer' && password?.toString() === 'observe') return { kind: 'observer' } as const;
  if (username === null || password?.toString() !== `key-${username}`) return null;
  return { kind: 'device', site: SITE, device: username } as const;
}

export function topicOf(device: string, channel: string): string {
  return `belay/v1/${SITE}/${device}/${channel}`;
}

/** A CONNECT as the agent sends it; raw tests spoil one field of it. */
export function connectPacket(device: string, fields: object = {}): Packet {
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId: device,
    keepalive: 30,
    username: device,
    password: Buffer.from(`key-${device}`),
    ...fields,
  } as Packet;
}

/** Waits for a level, never for an edge. */
export async function waitFor(what: string, holds: () => boolean, deadlineMs = 10_000): Promise<void> {
  const endAtMs = performance.now() + deadlineMs;
  while (!holds()) {
    if (performance.now() > endAtMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function openClient(port: number, clientId: string, options: IClientOptions): Promise<TestClient> {
  const received: Received[] = [];
  const client = mqtt.connect({
    host: '127.0.0.1',
    port,
    clientId,
    protocolVersion: 4,
    clean: true,
    keepalive: 30,
    reconnectPeriod: 0,
    connectTimeout: 5_000,
    ...options,
  });
  client.on('message', (topic, payload, { retain }) => {
    received.push({ topic, text: payload.toString(), atMs: performance.now(), retain });
  });
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', (error) => {
      client.end(true);
      reject(error);
    });
    client.once('close', () => reject(new Error('closed before CONNACK')));
  });
  client.on('error', () => {}); // a cut connection; the tests look at `connected`
  return { client, received };
}

async function openRaw(port: number): Promise<RawClient> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const packets: Packet[] = [];
  const parser = mqttPacket.parser();
  parser.on('packet', (packet) => packets.push(packet));
  socket.on('data', (chunk) => parser.parse(chunk));
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('error', reject);
  });
  return {
    socket,
    packets,
    closed,
    isClosed: () => socket.destroyed,
    send: (packet) => void socket.write(mqttPacket.generate(packet)),
  };
}

function recordingLog(logged: LogLine[]): BrokerOptions['log'] {
  const at = (level: string) => (fields: object, message: string) =>
    void logged.push({ level, fields: { ...fields }, message });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
