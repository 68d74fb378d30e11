// The parts of aedes 1.2 that its types do not tell but our guards stand on. Checked when the broker opens, so that an
// update of aedes fails at start and not in the field.
import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import type { Aedes, Client } from 'aedes';

export type RoutedPacket = {
  readonly cmd?: string;
  readonly topic: string;
  readonly payload: Buffer | string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
};

export type DoneRouting = (error?: Error | null) => void;

/** aedes calls it with and without the client that sent the packet. */
type Publish = (packet: RoutedPacket, clientOrDone: Client | null | DoneRouting, done?: DoneRouting) => void;

export type BrokerInternals = {
  readonly id: string;
  /** Calls every subscriber of the topic, synchronously; `done` after the slowest of them. */
  readonly mq: { emit(packet: RoutedPacket, done: () => void): void };
  publish: Publish;
  readonly clients: Record<string, Client | undefined>;
};

export type PacketParser = EventEmitter & {
  readonly packet: { readonly length: number };
  parse(chunk: Buffer): number;
  _parseLength(): boolean;
  _emitError(error: Error): void;
};

export function brokerInternals(broker: Aedes): BrokerInternals {
  const internals = broker as unknown as BrokerInternals;
  assert(
    typeof internals.mq?.emit === 'function',
    'aedes: broker.mq.emit is gone; check the guards against its new version',
  );
  assert(
    typeof internals.publish === 'function',
    'aedes: broker.publish is gone; check the guards against its new version',
  );
  return internals;
}

/** Puts `route` in the place where aedes would route everything that clients and itself publish. */
export function replaceRouting(
  internals: BrokerInternals,
  route: (packet: RoutedPacket, done: DoneRouting) => void,
): void {
  internals.publish = (packet, clientOrDone, done) => {
    route(packet, (typeof clientOrDone === 'function' ? clientOrDone : done) ?? (() => {}));
  };
}

export function parserOf(client: Client): PacketParser {
  const parser = (client as unknown as { readonly _parser: PacketParser })._parser;
  assert(
    typeof parser?._parseLength === 'function',
    'mqtt-packet: _parseLength is gone; the frame limit needs a new home',
  );
  assert(typeof parser._emitError === 'function', 'mqtt-packet: _emitError is gone; the frame limit needs a new home');
  return parser;
}

export function hasSentConnack(client: Client): boolean {
  return (client as unknown as { readonly connackSent: boolean }).connackSent;
}

/**
 * aedes drops a message whose broker counter is not above the last one seen (moscajs/aedes#994). Our subscriptions do
 * not overlap, so nothing needs that check: the last one seen is always 0.
 */
export function disableDeduplication(client: Client, brokerId: string): void {
  const { duplicates } = client as unknown as { readonly duplicates: object };
  Object.defineProperty(duplicates, brokerId, { get: () => 0, set: () => {}, configurable: true });
}

/** Ends a connection at once: aedes closes the client, stops parsing, and reports the error where we count it. */
export function cutClient(client: Client, error: Error): void {
  client.emit('error', error);
}

type ClientState = {
  readonly subscriptions: Readonly<Record<string, { readonly qos: number }>>;
  _nextId: number;
};

/** Highest QoS among the client's subscriptions that match; null = not subscribed. */
export function subscribedQos(client: Client, matches: (pattern: string) => boolean): number | null {
  const { subscriptions } = client as unknown as ClientState;
  let highest: number | null = null;
  for (const pattern in subscriptions) {
    if (matches(pattern)) highest = Math.max(highest ?? 0, subscriptions[pattern]?.qos ?? 0);
  }
  return highest;
}

/** Takes from the counter aedes uses for its own deliveries, so that an id is never in flight twice. */
export function takeMessageId(client: Client): number {
  const state = client as unknown as ClientState;
  const messageId = state._nextId === 0 ? 1 : state._nextId;
  state._nextId = messageId >= 65_535 ? 1 : messageId + 1;
  return messageId;
}
