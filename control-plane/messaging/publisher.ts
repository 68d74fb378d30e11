// Hands documents to subscribers, in order, and keeps the retained ones. Kills never queue. Emission is synchronous, so
// two publishes can not overtake each other on the way to the same client (the cause of aedes#994), and it never waits
// for a socket, so one frozen client can not hold up the next document.
import { BelayError } from '../../shared/basics/errors.ts';
import { isKillTopic } from './access.ts';
import type { BrokerInternals, DoneRouting, RoutedPacket } from './aedes-internals.ts';
import type { KillLane } from './kill-lane.ts';
import type { BrokerLimits } from './limits.ts';
import type { OutgoingDocument } from './outgoing.ts';
import type { RetainedStore } from './retained-store.ts';

export type PublisherOptions = {
  readonly internals: BrokerInternals;
  readonly retained: RetainedStore;
  readonly sendKill: KillLane;
  readonly limits: Pick<BrokerLimits, 'publishQueueMax' | 'publishesPerTurn'>;
  /** Device traffic has no other reader than observers; without one it is not routed at all. */
  readonly hasObserver: () => boolean;
  readonly isDropped: (packet: object) => boolean;
};

type Waiting = { readonly document: OutgoingDocument; resolve(): void; reject(error: Error): void };

export class Publisher {
  readonly #options: PublisherOptions;
  #waiting: Waiting[] = [];
  #next = 0;
  #isScheduled = false;
  #isClosed = false;
  #published = 0;
  #kills = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Resolves when the document is on its way to every subscriber connected now; that is not proof of delivery. */
  async publish(document: OutgoingDocument): Promise<void> {
    if (this.#isClosed) throw closedError(document.topic);
    if (!isKillTopic(document.topic)) return this.#enqueue(document);
    this.#sendKill(document); // in this very call: a kill never waits for a turn
  }

  /** What aedes calls for everything a client sent; `done` does not wait for slow readers. */
  route(packet: RoutedPacket, done: DoneRouting): void {
    // `$SYS` chatter of aedes serves clusters; nobody here may read it.
    if (!packet.topic.startsWith('$') && !this.#options.isDropped(packet)) {
      const document = documentOf(packet);
      if (document.retain) this.#options.retained.store(document);
      if (this.#options.hasObserver()) this.#send(document);
    }
    done(null);
  }

  metrics(): { readonly published: number; readonly kills: number; readonly queued: number } {
    return { published: this.#published, kills: this.#kills, queued: this.#waiting.length - this.#next };
  }

  close(): void {
    this.#isClosed = true;
    const left = this.#waiting.slice(this.#next);
    this.#forgetWaiting();
    for (const { document, reject } of left) reject(closedError(document.topic));
  }

  #sendKill(document: OutgoingDocument): void {
    if (document.retain) this.#options.retained.store(document);
    this.#options.sendKill(document);
    this.#published += 1;
    this.#kills += 1;
  }

  #enqueue(document: OutgoingDocument): Promise<void> {
    const { publishQueueMax } = this.#options.limits;
    if (this.metrics().queued >= publishQueueMax) throw queueFullError(document.topic, publishQueueMax);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ document, resolve, reject });
    this.#schedule();
    return promise;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    const end = Math.min(this.#waiting.length, this.#next + this.#options.limits.publishesPerTurn);
    for (const waiting of this.#waiting.slice(this.#next, end)) this.#emitNext(waiting);
    this.#next = end;
    if (this.#next < this.#waiting.length) this.#schedule();
    else this.#forgetWaiting();
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#next = 0;
  }

  #emitNext({ document, resolve, reject }: Waiting): void {
    try {
      this.#emit(document);
      resolve();
    } catch (error) {
      reject(
        new BelayError('publish-failed', `could not hand out ${document.topic}; publish it again`, { cause: error }),
      );
    }
  }

  #emit(document: OutgoingDocument): void {
    if (document.retain) this.#options.retained.store(document);
    this.#send(document);
    this.#published += 1;
  }

  #send(document: OutgoingDocument): void {
    this.#options.internals.mq.emit({ cmd: 'publish', ...document }, () => {});
  }
}

function documentOf(packet: RoutedPacket): OutgoingDocument {
  const { topic, payload, qos, retain } = packet;
  return { topic, payload: typeof payload === 'string' ? Buffer.from(payload) : payload, qos: qos > 0 ? 1 : 0, retain };
}

function closedError(topic: string): BelayError {
  return new BelayError('messaging-closed', `cannot publish ${topic}: the broker is closed`);
}

function queueFullError(topic: string, queuedMax: number): BelayError {
  return new BelayError(
    'publish-queue-full',
    `cannot publish ${topic}: ${queuedMax} documents already wait; publish again when metrics().queued is down`,
  );
}
