// The embedded broker: aedes for protocol and sessions, with a guard at every place where it loses, stalls or grows.
// It only puts the guards together; each one lives in its own file.
import type { Socket } from 'node:net';
import { Aedes, type Client } from 'aedes';
import { type AdmissionOptions, createAdmission } from './admission.ts';
import { type BrokerInternals, brokerInternals, disableDeduplication, replaceRouting } from './aedes-internals.ts';
import { classifyError, createFaults, type Faults } from './faults.ts';
import { createFloodGuard, createPacketPace, FloodGuards, type PacketPace } from './flood-guard.ts';
import { limitFrames } from './frame-limit.ts';
import { createIntake, type Intake } from './intake.ts';
import { createKillLane } from './kill-lane.ts';
import type { BrokerLimits } from './limits.ts';
import { type Listener, listen } from './listener.ts';
import { outgoingDocument } from './outgoing.ts';
import { Publisher } from './publisher.ts';
import { RetainedStore } from './retained-store.ts';
import { type ConnectionSink, type Peer, peerOf, Sessions } from './sessions.ts';
import { cutWhenSlow } from './slow-clients.ts';
import type {
  BrokerOptions,
  Messaging,
  MessagingMetrics,
  Payload,
  PublishOptions,
  RetainedEntry,
} from './transport.ts';

export type EmbeddedBrokerOptions = BrokerOptions & {
  readonly connections: ConnectionSink;
  readonly retained: Iterable<RetainedEntry>;
  readonly limits: BrokerLimits;
};

/** What is known of a connection before it says who it is; the socket forgets its address when it closes. */
type Arrived = { readonly pace: PacketPace; readonly address: string };

/** How long close() waits for commits that are under way. */
const SETTLE_MS_MAX = 5_000;

export class EmbeddedBroker implements Messaging {
  readonly #limits: BrokerLimits;
  readonly #faults: Faults;
  readonly #retained = new RetainedStore();
  readonly #sessions: Sessions;
  readonly #floods: FloodGuards;
  readonly #intake: Intake;
  readonly #aedes: Aedes;
  readonly #internals: BrokerInternals;
  readonly #publisher: Publisher;
  readonly #failed = new WeakSet<Client>();
  readonly #arrivals = new WeakMap<Client, Arrived>();
  #listener: Listener | null = null;
  #sweeper: NodeJS.Timeout | null = null;
  #isClosing = false;

  private constructor(options: EmbeddedBrokerOptions) {
    const { limits, log } = options;
    this.#limits = limits;
    this.#faults = createFaults({ log, logEveryMs: limits.faultLogEveryMs, now });
    this.#sessions = new Sessions(guardSink(options.connections, this.#faults));
    this.#floods = new FloodGuards(() => createFloodGuard(limits, now));
    const room = { limits, sessions: this.#sessions, faults: this.#faults, isClosing: () => this.#isClosing };
    this.#intake = createIntake({ ...room, ingest: options.ingest });
    this.#aedes = this.#createAedes({ ...room, floods: this.#floods, authenticate: options.authenticate });
    this.#internals = brokerInternals(this.#aedes);
    this.#publisher = new Publisher({
      internals: this.#internals,
      retained: this.#retained,
      sendKill: createKillLane({
        sessions: () => this.#sessions.all(),
        mayForward: (client, qos) => this.#mayForward(client, qos),
      }),
      limits,
      hasObserver: () => this.#sessions.countObservers() > 0,
      isDropped: this.#intake.isDropped,
    });
    replaceRouting(this.#internals, (packet, done) => this.#publisher.route(packet, done));
    this.#watch();
  }

  static async open(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    const broker = new EmbeddedBroker(options);
    broker.seedRetained(options.retained);
    await broker.#aedes.listen();
    try {
      await broker.#listen(options);
    } catch (error) {
      await broker.close();
      throw error;
    }
    return broker;
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  async publish(topic: string, payload: Payload, options: PublishOptions = {}): Promise<void> {
    await this.#publisher.publish(outgoingDocument(topic, payload, { ...options, limits: this.#limits }));
  }

  seedRetained(entries: Iterable<RetainedEntry>): void {
    for (const { topic, payload, qos = 1 } of entries) {
      this.#retained.store(outgoingDocument(topic, payload, { qos, limits: this.#limits }));
    }
  }

  retained(topic: string): string | null {
    return this.#retained.get(topic)?.payload.toString('utf8') ?? null;
  }

  clients(): readonly Peer[] {
    return this.#sessions.all().map(peerOf);
  }

  disconnect(clientId: string): boolean {
    const session = this.#sessions.find(clientId);
    session?.client.close();
    return session !== null;
  }

  metrics(): MessagingMetrics {
    return {
      connected: this.#sessions.all().length,
      observers: this.#sessions.countObservers(),
      ...this.#publisher.metrics(),
      ingested: this.#intake.ingested(),
      retained: this.#retained.metrics(),
      faults: this.#faults.counts(),
    };
  }

  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.#sweeper) clearInterval(this.#sweeper);
    this.#publisher.close();
    const settled = withDeadline(this.#intake.settle(), SETTLE_MS_MAX);
    await this.#listener?.close();
    await new Promise<void>((resolve) => this.#aedes.close(resolve));
    await settled;
  }

  #createAedes(admissionOptions: AdmissionOptions): Aedes {
    const limits = this.#limits;
    return new Aedes({
      ...createAdmission(admissionOptions),
      authorizePublish: this.#intake.authorizePublish,
      authorizeSubscribe: this.#intake.authorizeSubscribe,
      authorizeForward: (client, packet) => (this.#mayForward(client, packet.qos) ? packet : null),
      persistence: this.#retained,
      // 0 = no queue in the emitter: its release recurses and overflows the stack, and until then one frozen client
      // holds up everyone.
      concurrency: 0,
      connectTimeout: limits.connectTimeoutMs,
      drainTimeout: limits.drainTimeoutMs,
      keepaliveLimit: limits.keepaliveSMax,
      maxTopicLevels: limits.topicLevelsMax,
      maxInflightInbound: 1,
      queueLimit: 8,
    });
  }

  #watch(): void {
    this.#aedes.on('client', (client) => {
      disableDeduplication(client, this.#internals.id);
      const isConnected = this.#sessions.connect(client);
      if (!isConnected && this.#internals.clients[client.id] === client) delete this.#internals.clients[client.id];
    });
    this.#aedes.on('clientDisconnect', (client) => this.#sessions.disconnect(client));
    this.#aedes.on('clientError', (client, error) => this.#recordFailure(client, error));
    this.#aedes.on('connectionError', (client, error) => this.#recordFailure(client, error));
    // Not in the types of aedes: a failing persistence arrives here, and without a listener would end the process.
    const emitter: NodeJS.EventEmitter = this.#aedes;
    emitter.on('error', (error: Error) => this.#recordBrokerError(error));
  }

  async #listen({ host, port }: EmbeddedBrokerOptions): Promise<void> {
    this.#listener = await listen({
      host,
      port,
      connectionsMax: this.#limits.connectionsMax,
      onSocket: (socket) => this.#accept(socket),
      onRefused: (who) =>
        this.#faults.record({ reason: 'too-many-connections', who, detail: 'connection limit reached' }),
      onError: (error) => this.#recordBrokerError(error),
    });
    this.#sweeper = setInterval(() => this.#sweep(), this.#limits.sweepEveryMs);
  }

  #accept(socket: Socket): void {
    const pace = createPacketPace(this.#limits, now);
    const client = this.#aedes.handle(socket);
    this.#arrivals.set(client, { pace, address: socket.remoteAddress ?? 'unknown' });
    limitFrames(client, { limits: this.#limits, mayHandlePacket: pace.mayHandle });
  }

  /** Asked for every delivery to every client. */
  #mayForward(client: Client, qos: number): boolean {
    if (cutWhenSlow(client, this.#limits.queuedBytesMax)) return false;
    if (qos > 0) this.#arrivals.get(client)?.pace.expectAcknowledgement();
    return true;
  }

  #sweep(): void {
    for (const { client } of this.#sessions.all()) cutWhenSlow(client, this.#limits.queuedBytesMax);
    this.#sessions.sweep();
    this.#floods.prune((clientId) => this.#sessions.find(clientId) !== null);
    this.#faults.prune(now());
  }

  /** aedes may report several errors of one dying connection; the first one is the reason. */
  #recordFailure(client: Client, error: Error): void {
    if (this.#failed.has(client)) return;
    this.#failed.add(client);
    const who = this.#sessions.of(client)?.clientId ?? this.#arrivals.get(client)?.address ?? 'unknown';
    this.#faults.record({ reason: classifyError(error), who, detail: error.message });
  }

  #recordBrokerError(error: Error): void {
    this.#faults.record({ reason: 'broker-error', who: 'broker', detail: error.message });
  }
}

function now(): number {
  return performance.now();
}

/** A listener that throws must not take the connection, or the process, with it. */
function guardSink(sink: ConnectionSink, faults: Faults): ConnectionSink {
  const guard = (tell: (peer: Peer) => void) => (peer: Peer) => {
    try {
      tell(peer);
    } catch (error) {
      faults.record({ reason: 'sink-failed', who: peer.clientId, detail: String(error) });
    }
  };
  return {
    onConnected: guard((peer) => sink.onConnected(peer)),
    onDisconnected: guard((peer) => sink.onDisconnected(peer)),
  };
}

async function withDeadline(work: Promise<void>, deadlineMs: number): Promise<void> {
  const { promise: passed, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, deadlineMs);
  await Promise.race([work, passed]);
  clearTimeout(timer);
}
