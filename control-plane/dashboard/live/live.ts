// The door to what the server pushes: keeps the fleet's signals in step with the stream, and says when it cannot.
import { signal } from '@preact/signals';
import { endpoint } from '../../../shared/protocol/address.ts';
import type { LiveBatch, LiveChange, LiveSnapshot } from '../../../shared/protocol/api-live.ts';
import { ask } from '../api.ts';
import { backOffMs } from './back-off.ts';
import { putChanges, putSnapshot } from './fleet.ts';
import { type Held, judgeBatch, settleWaiting, WAITING_MAX } from './mirror.ts';
import type { FromStream, StreamState } from './stream-messages.ts';
import { openStreamSource, type StreamSource } from './stream-source.ts';

export { devices, incidents, isRead, kills, pulse, rollouts, roster, snapshot } from './fleet.ts';
export type { StreamState } from './stream-messages.ts';

export const stream = signal<StreamState>('connecting');
/** When anything was heard last, by this browser's clock; null before the first time. */
export const lastNewsAtMs = signal<number | null>(null);
/** The server's clock less this browser's, in milliseconds. */
export const clockAheadMs = signal(0);
/** This browser's clock, once a second while the page is seen: read it to be drawn again. */
export const tickMs = signal(Date.now());

type Listener = (changes: readonly LiveChange[]) => void;
const listeners = new Set<Listener>();

/** Calls `listener` with each batch; an empty batch means that anything may have changed. Returns how to stop. */
export function onChanges(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const ASLEEP_AFTER_MS = 60_000;
const POLL_MS = 5000;

/** Reads the fleet and follows it. Returns how to stop. */
export function startLive(): () => void {
  const follower = new Follower();
  const source = openStreamSource((message) => follower.take(message));
  follower.start(source);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => follower.sleep(), ASLEEP_AFTER_MS);
    else follower.wake();
  };
  const ticker = setInterval(() => {
    if (!document.hidden) tickMs.value = Date.now();
  }, 1000);
  const leave = (): void => source.asleep();
  document.addEventListener('visibilitychange', look);
  addEventListener('pagehide', leave);
  addEventListener('pageshow', look);
  return () => {
    clearTimeout(timer);
    clearInterval(ticker);
    document.removeEventListener('visibilitychange', look);
    removeEventListener('pagehide', leave);
    removeEventListener('pageshow', look);
    follower.sleep();
    source.close();
  };
}

class Follower {
  #source: StreamSource | null = null;
  #held: Held = null;
  #waiting: LiveBatch[] | null = null;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  start(source: StreamSource): void {
    this.#source = source;
    source.awake();
    void this.#read();
  }

  wake(): void {
    if (this.#source === null) return;
    this.#source.awake();
    // What was pushed while nobody listened is not known: if nothing was, this reading says so.
    if (this.#held === null) void this.#read();
  }

  sleep(): void {
    clearTimeout(this.#timer);
    this.#source?.asleep();
    this.#held = null;
    // Whoever comes back is told that it is being read, and not that there was no news.
    stream.value = 'connecting';
    lastNewsAtMs.value = null;
  }

  take(message: FromStream): void {
    const isNews = message.kind === 'batch' || message.kind === 'beat';
    if (isNews || (message.kind === 'state' && message.state === 'live')) heardNow();
    if (message.kind === 'state') stream.value = message.state;
    if (message.kind === 'beat') setClock(message.nowMs);
    if (message.kind === 'reset' || message.kind === 'refused') void this.#read();
    if (message.kind === 'batch') this.#takeBatch(JSON.parse(message.text) as LiveBatch);
  }

  #takeBatch(batch: LiveBatch): void {
    setClock(batch.nowMs);
    if (this.#waiting !== null) {
      if (this.#waiting.length < WAITING_MAX) this.#waiting.push(batch);
      return;
    }
    const judged = judgeBatch(this.#held, batch);
    if (judged === 'gap') void this.#read();
    if (judged === 'take') this.#apply(batch);
  }

  #apply({ instance, revision, changes }: LiveBatch): void {
    this.#held = { instance, revision };
    putChanges(changes);
    for (const listener of listeners) listener(changes);
  }

  /** Reads everything anew; what is pushed meanwhile waits. */
  async #read(): Promise<void> {
    if (this.#waiting !== null) return;
    clearTimeout(this.#timer);
    this.#waiting = [];
    try {
      const read = await ask(endpoint('GET /v1/live'));
      this.#settle(read, this.#waiting);
      this.#attempt = 0;
      if (this.#source?.kind === 'poll') this.#again(POLL_MS);
    } catch {
      stream.value = 'down';
      this.#again(backOffMs(this.#attempt, Math.random()));
      this.#attempt += 1;
    } finally {
      this.#waiting = null;
    }
  }

  #settle(read: LiveSnapshot, waiting: readonly LiveBatch[]): void {
    const isSame = this.#held?.instance === read.instance && this.#held.revision === read.revision;
    const settled = settleWaiting({ instance: read.instance, revision: read.revision }, waiting);
    setClock(read.nowMs);
    heardNow();
    if (this.#source?.kind === 'poll') stream.value = 'live';
    if (!isSame) putSnapshot(read);
    for (const { changes } of settled.take) putChanges(changes);
    this.#held = settled.held;
    if (!isSame) for (const listener of listeners) listener([]);
    if (settled.hasGap) this.#again(0);
  }

  #again(inMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#read(), inMs);
  }
}

function heardNow(): void {
  lastNewsAtMs.value = Date.now();
}

/** A clock that trembles would redraw every age with every batch. */
const CLOCK_TREMBLE_MS = 400;

function setClock(nowMs: number): void {
  const aheadMs = nowMs - Date.now();
  if (Math.abs(aheadMs - clockAheadMs.peek()) > CLOCK_TREMBLE_MS) clockAheadMs.value = aheadMs;
}
