// What aedes asks before it takes a publish or a subscription. The PUBACK follows only after `ingest` has committed:
// aedes acknowledges first and stores later, so the commit happens inside the question "may it?".
import type { Client, PublishPacket, Subscription } from 'aedes';
import type { DeviceChannel } from '../../shared/protocol/topics.ts';
import { judgePublish, judgeSubscribe } from './access.ts';
import { cutClient } from './aedes-internals.ts';
import { type Faults, Refusal } from './faults.ts';
import type { BrokerLimits } from './limits.ts';
import type { Session, Sessions } from './sessions.ts';

export type IngestMessage = {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly site: string;
  readonly device: string;
  readonly channel: DeviceChannel;
};

/** Resolves when the message is safe on disk. Rejecting closes the connection without a PUBACK: the device re-sends. */
export type Ingest = (message: IngestMessage) => Promise<void>;

export type IntakeOptions = {
  readonly ingest: Ingest;
  readonly sessions: Sessions;
  readonly faults: Faults;
  readonly limits: BrokerLimits;
  readonly isClosing: () => boolean;
};

export type Intake = ReturnType<typeof createIntake>;

export function createIntake(options: IntakeOptions) {
  const unsettled = new Set<Promise<void>>();
  const dropped = new WeakSet<object>();
  let ingested = 0;

  const commit = async (message: IngestMessage): Promise<void> => {
    const committed = (async () => await options.ingest(message))(); // a throw at once is a rejection too
    unsettled.add(committed);
    try {
      await committed;
      ingested += 1;
    } catch (cause) {
      throw new Refusal('ingest-failed', `could not store a message of ${message.topic}; the device will re-send`, {
        cause,
      });
    } finally {
      unsettled.delete(committed);
    }
  };

  /** Acknowledged, so that it does not come again; given to nobody; paced like all the others. */
  const ignore = async (session: Session, packet: PublishPacket, detail: string): Promise<void> => {
    dropped.add(packet);
    options.faults.record({ reason: 'unknown-channel', who: session.clientId, detail });
    await session.flood.enter();
    session.flood.leave();
  };

  const take = async (session: Session, packet: PublishPacket): Promise<void> => {
    const judged = messageOf(session, packet, options.limits);
    if (judged.kind === 'unknown-channel') return ignore(session, packet, judged.detail);
    const { message } = judged;
    if (message.channel === 'answers') {
      if (!session.flood.mayAnswer()) dropAnswer(options.faults, session, packet, dropped);
      return;
    }
    // A last will is not the client's traffic any more: it neither waits nor is refused for pace.
    if (packet === session.will) return commit(message);
    await session.flood.enter();
    try {
      if (session.client.closed) throw new Refusal('connection-lost', 'gone before its message could be stored');
      await commit(message);
    } finally {
      session.flood.leave();
    }
  };

  return {
    authorizePublish(client: Client | null, packet: PublishPacket, done: (error?: Error | null) => void): void {
      const session = sessionOf(options, client, packet);
      const taken = session instanceof Refusal ? Promise.reject(session) : take(session, packet);
      taken.then(() => done(null), done).catch((error: Error) => client && cutClient(client, error));
    },
    authorizeSubscribe(
      client: Client,
      subscription: Subscription,
      done: (error: Error | null, subscription?: Subscription | null) => void,
    ): void {
      const judged = judge(options, client, subscription);
      if (judged instanceof Refusal) done(judged);
      else done(null, judged ? subscription : null); // null: SUBACK 128, and the client stays connected
    },
    /** Answers beyond the rate: taken off the wire, given to nobody. */
    isDropped: (packet: object) => dropped.has(packet),
    ingested: () => ingested,
    /** Resolves when nothing is being stored any more. */
    async settle(): Promise<void> {
      await Promise.allSettled([...unsettled]);
    },
  };
}

function sessionOf(options: IntakeOptions, client: Client | null, packet: PublishPacket): Session | Refusal {
  const session = client && options.sessions.of(client);
  if (!session) return new Refusal('publish-refused', 'published without a session');
  if (options.isClosing()) return new Refusal('broker-closing', 'the broker is closing');
  const isGone = session.client.closed && packet !== session.will;
  return isGone ? new Refusal('connection-lost', 'gone before its message could be taken') : session;
}

function judge(options: IntakeOptions, client: Client, subscription: Subscription): boolean | Refusal {
  const session = options.sessions.of(client);
  if (!session) return false;
  const { principal, flood, clientId } = session;
  if (principal.kind === 'device' && !flood.maySubscribe()) return new Refusal('flood', 'subscribed too often');
  const verdict = judgeSubscribe(principal, subscription);
  if (verdict.kind === 'allowed') return true;
  options.faults.record({ reason: verdict.reason, who: clientId, detail: verdict.detail });
  return false;
}

type Judged =
  | { readonly kind: 'allowed'; readonly message: IngestMessage }
  | { readonly kind: 'unknown-channel'; readonly detail: string };

function messageOf(session: Session, packet: PublishPacket, limits: BrokerLimits): Judged {
  const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
  const { topic, qos, retain } = packet;
  const publication = { topic, qos, retain, payloadBytes: payload.length };
  const verdict = judgePublish(session.principal, publication, limits.documentBytesMax);
  if (verdict.kind === 'refused') throw new Refusal(verdict.reason, verdict.detail);
  if (verdict.kind === 'unknown-channel') return verdict;
  return { kind: 'allowed', message: { topic, payload, ...verdict.address, channel: verdict.channel } };
}

function dropAnswer(faults: Faults, session: Session, packet: object, dropped: WeakSet<object>): void {
  dropped.add(packet);
  faults.record({ reason: 'answers-dropped', who: session.clientId, detail: 'answers faster than the limit' });
}
