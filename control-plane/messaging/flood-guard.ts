// One client's pace: publishes are delayed to the refill rate, and a client that does not wait for its
// acknowledgements is cut. A device draining a spool is slowed, never punished.
import { setTimeout as delay } from 'node:timers/promises';
import { Refusal } from './faults.ts';
import type { BrokerLimits } from './limits.ts';
import { createTokenBucket } from './token-bucket.ts';

export type FloodGuard = {
  /** Resolves when it is this publish's turn, in order of arrival. Throws Refusal `flood` beyond the in-flight limit. */
  enter(): Promise<void>;
  leave(): void;
  mayAnswer(): boolean;
  maySubscribe(): boolean;
  /** Nothing owed and nothing under way: it may be forgotten without giving anything away. */
  isIdle(): boolean;
};

export function createFloodGuard(limits: BrokerLimits, now: () => number): FloodGuard {
  const publishes = createTokenBucket({ burst: limits.publishBurst, perSecond: limits.publishesPerSecond });
  const answers = createTokenBucket({ burst: limits.answersBurst, perSecond: limits.answersPerSecond });
  const subscribes = createTokenBucket({ burst: limits.subscribeBurst, perSecond: limits.subscribesPerSecond });
  let inFlight = 0;
  let turn: Promise<unknown> = Promise.resolve();

  return {
    async enter() {
      if (inFlight >= limits.publishesInFlightMax) {
        throw new Refusal('flood', `more than ${limits.publishesInFlightMax} publishes without waiting for an answer`);
      }
      inFlight += 1;
      const waitMs = publishes.take(now());
      if (waitMs > 0) turn = Promise.all([turn, delay(waitMs, undefined, { ref: false })]);
      await turn;
    },
    leave() {
      inFlight -= 1;
    },
    mayAnswer: () => answers.tryTake(now()),
    maySubscribe: () => subscribes.tryTake(now()),
    isIdle: () => inFlight === 0 && [publishes, answers, subscribes].every((bucket) => bucket.isFull(now())),
  };
}

/** One connection's packets of any kind, from its first byte. Acknowledgements we asked for are free. */
export type PacketPace = {
  expectAcknowledgement(): void;
  mayHandle(command: string | undefined): boolean;
};

export function createPacketPace(limits: BrokerLimits, now: () => number): PacketPace {
  const packets = createTokenBucket({ burst: limits.packetBurst, perSecond: limits.packetsPerSecond });
  let owed = 0;
  return {
    expectAcknowledgement() {
      owed += 1;
    },
    mayHandle(command) {
      if (command !== 'puback' || owed === 0) return packets.tryTake(now());
      owed -= 1;
      return true;
    },
  };
}

/** The guards by client id: they outlive a connection, so that reconnecting does not refill a bucket. */
export class FloodGuards {
  readonly #guards = new Map<string, FloodGuard>();
  readonly #create: () => FloodGuard;

  constructor(create: () => FloodGuard) {
    this.#create = create;
  }

  of(clientId: string): FloodGuard {
    const known = this.#guards.get(clientId);
    if (known) return known;
    const guard = this.#create();
    this.#guards.set(clientId, guard);
    return guard;
  }

  prune(isConnected: (clientId: string) => boolean): void {
    for (const [clientId, guard] of this.#guards) {
      if (!isConnected(clientId) && guard.isIdle()) this.#guards.delete(clientId);
    }
  }
}
