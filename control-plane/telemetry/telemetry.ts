// The door of telemetry: takes what devices send, stores it in batches before it is acknowledged, and tells how far it got.
// While the database fails, connections stay up (a kill must get through): nothing is acknowledged, devices send again.
import { describeError } from '../../shared/basics/errors.ts';
import type { DeviceEvent, Hello } from '../../shared/protocol/reports.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { Database } from '../database/database.ts';
import { reconcileDesired } from '../devices/first-contact.ts';
import type { PresenceBook } from '../devices/presence.ts';
import { type Arrival, type Message, readMessage } from './arrivals.ts';
import { isDataFault } from './data-fault.ts';
import { Refusals } from './refusals.ts';
import { type BatchOutcome, probe, type Settled, storeBatch } from './store-batch.ts';
import { Watermarks } from './watermarks.ts';

export type TelemetryLog = {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

export type TelemetryParts = {
  readonly database: Database;
  readonly presence: PresenceBook;
  readonly commitEveryMs: number;
  readonly gapMs: number;
  readonly isRegistered: (digest: string) => boolean;
  /** Called at once, before anything is stored: a kill is measured with or without a database. */
  readonly onKillAck: (event: DeviceEvent) => void;
  /** Called at once: a lease must not wait for a disk. */
  readonly onHello: (hello: Hello) => void;
  /** A device spoke of what it has reached. */
  readonly onReached: (address: DeviceAddress) => void;
  /** Every message that was understood, as it comes; also one that came before. Must not throw. */
  readonly onArrival?: (arrival: Arrival, atMs: number) => void;
  readonly onDesiredWritten: () => void;
  readonly publishAck: (mark: Settled) => void;
  readonly wallNow: () => number;
  readonly log: TelemetryLog;
};

export type TelemetryCounts = { stored: number; duplicates: number; commits: number; failures: number };

type Waiting = { readonly arrival: Arrival | null; readonly refused: Settled | null; readonly done: () => void };

type Batch = { readonly arrivals: readonly Arrival[]; readonly refused: readonly Settled[] };

/** Bounds one transaction; the rest waits for the next. */
const BATCH_MAX = 2000;
const RETRY_MS = 1000;

export class Telemetry {
  readonly #parts: TelemetryParts;
  readonly #watermarks: Watermarks;
  readonly #refusals: Refusals;
  readonly #counts: TelemetryCounts = { stored: 0, duplicates: 0, commits: 0, failures: 0 };
  /** States that could not be stored yet; the newest of each kind is enough. */
  readonly #unstored = new Map<string, Arrival>();
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | null = null;
  #flushing: Promise<void> | null = null;
  #fault: string | null = null;
  #isClosed = false;

  constructor(parts: TelemetryParts) {
    this.#parts = parts;
    this.#watermarks = new Watermarks(parts.gapMs);
    this.#refusals = new Refusals(parts.log);
  }

  /** Resolves when the message is stored, or refused for good. Never throws. */
  ingest(message: Message): Promise<void> {
    const nowMs = this.#parts.wallNow();
    const read = readMessage(message);
    if (read.ok) {
      this.#notice(read.arrival, nowMs);
      return this.#enqueue({ arrival: read.arrival, refused: null });
    }
    const { site, device, position } = read.refused;
    this.#refusals.record(read.refused, nowMs);
    return position === null
      ? Promise.resolve()
      : this.#enqueue({ arrival: null, refused: { site, device, ...position } });
  }

  counts(): TelemetryCounts {
    return { ...this.#counts };
  }

  refused(): ReturnType<Refusals['summary']> {
    return this.#refusals.summary();
  }

  /** Why nothing can be stored now; null when it can. */
  fault(): string | null {
    return this.#fault;
  }

  /** Stores what waits and stops. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#flushing;
    if (this.#waiting.length > 0 || this.#unstored.size > 0) await this.#flush();
  }

  #notice(arrival: Arrival, atMs: number): void {
    const { presence, onKillAck, onHello, onReached } = this.#parts;
    const { site, device, channel, document } = arrival;
    const seen = { site, device, boot: document.boot, atMs };
    if (arrival.channel === 'hello') {
      presence.hello(arrival.document, atMs);
      onHello(arrival.document);
    }
    if (arrival.channel === 'reported') presence.reported(arrival.document, atMs);
    if (arrival.channel === 'status') presence.status({ ...seen, online: arrival.document.online });
    if (arrival.channel === 'event') presence.seen(seen);
    if (arrival.channel === 'event' && arrival.document.kind === 'kill-ack') onKillAck(arrival.document);
    if (arrival.channel === 'window') {
      const { generation, killEpoch, startAtMs, endAtMs } = arrival.document;
      presence.window({ ...seen, generation, killEpoch, windowMs: endAtMs - startAtMs });
    }
    if (channel === 'hello' || channel === 'window') onReached({ site, device });
    this.#parts.onArrival?.(arrival, atMs);
  }

  #enqueue(item: Pick<Waiting, 'arrival' | 'refused'>): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ ...item, done });
      this.#schedule(this.#parts.commitEveryMs);
    });
  }

  #schedule(inMs: number): void {
    if (this.#timer !== null || this.#flushing !== null || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flushing = this.#flush().finally(() => {
        this.#flushing = null;
        if (this.#waiting.length > 0) this.#schedule(this.#parts.commitEveryMs);
        else if (this.#unstored.size > 0) this.#schedule(RETRY_MS);
      });
    }, inMs);
  }

  async #flush(): Promise<void> {
    const batch = this.#waiting.splice(0, BATCH_MAX);
    const kept = [...this.#unstored.values()];
    const arrivals = [...kept, ...batch.flatMap(({ arrival }) => (arrival ? [arrival] : []))];
    const refused = batch.flatMap((waiting) => (waiting.refused ? [waiting.refused] : []));
    this.#unstored.clear();
    try {
      await this.#storeOrPart({ arrivals, refused });
    } finally {
      for (const { done } of batch) done();
    }
  }

  /** Never rejects. A batch that fails by what is in it is halved, until what cannot be stored stands alone. */
  async #storeOrPart({ arrivals, refused }: Batch): Promise<void> {
    try {
      this.#settled(await this.#store({ arrivals, refused }));
    } catch (error) {
      if (!isDataFault(error) || !(await this.#answers())) return this.#keepForLater({ arrivals, refused }, error);
      this.#forget({ arrivals, refused });
      const parts = partsOf({ arrivals, refused });
      for (const part of parts) await this.#storeOrPart(part);
      const [alone] = arrivals;
      if (parts.length > 0) return;
      if (alone) await this.#setAside(alone);
      else this.#keepForLater({ arrivals, refused }, error);
    }
  }

  #settled(outcome: BatchOutcome): void {
    this.#count(outcome);
    for (const mark of outcome.marks) this.#parts.publishAck(mark);
  }

  /** Once more without the device's first desired state, which may be what fails; then never again. */
  async #setAside(arrival: Arrival): Promise<void> {
    try {
      this.#settled(await this.#store({ arrivals: [arrival], refused: [] }, { withContacts: false }));
      this.#parts.log.warn({ site: arrival.site, device: arrival.device }, 'no desired state could begin for a device');
      return;
    } catch (error) {
      this.#forget({ arrivals: [arrival], refused: [] });
      const { site, device, channel } = arrival;
      const position = positionOf(arrival);
      const reason = describeError(error);
      this.#refusals.record({ site, device, channel, kind: 'unstorable', reason, position }, this.#parts.wallNow());
      // It must not hold up what follows it.
      if (position) await this.#storeOrPart({ arrivals: [], refused: [{ site, device, ...position }] });
    }
  }

  /** Whether the database works at all: a fault of the whole must not be taken for a fault of each. */
  async #answers(): Promise<boolean> {
    try {
      await this.#parts.database.transaction().execute((transaction) => probe(transaction));
      return true;
    } catch {
      return false;
    }
  }

  async #store({ arrivals, refused }: Batch, { withContacts = true } = {}): Promise<BatchOutcome> {
    const { database, log } = this.#parts;
    const nowMs = this.#parts.wallNow();
    let hasWritten = false;
    const outcome = await database.transaction().execute(async (transaction) => {
      const stored = await storeBatch(transaction, { arrivals, refused }, { watermarks: this.#watermarks, nowMs });
      for (const address of withContacts ? this.#contacts(arrivals) : []) {
        const { committed, generation } = address;
        const isRegistered = committed !== null && this.#parts.isRegistered(committed.digest);
        const written = await reconcileDesired(transaction, { ...address, committed, generation, isRegistered, nowMs });
        if (written) hasWritten = true;
        if (written) log.debug({ ...address, generation: written.generation }, 'desired state begins');
      }
      return stored;
    });
    if (hasWritten) this.#parts.onDesiredWritten();
    return outcome;
  }

  /** Devices that nothing is desired of yet, or that are ahead of what is. */
  #contacts(arrivals: readonly Arrival[]) {
    const heard = new Map(arrivals.map((arrival) => [`${arrival.site}/${arrival.device}`, arrival]));
    return [...heard.values()].flatMap(({ site, device }) => {
      const known = this.#parts.presence.get({ site, device });
      if (!known) return [];
      const { generation, desiredGeneration, committed } = known;
      return desiredGeneration === null || generation > desiredGeneration
        ? [{ site, device, generation, committed }]
        : [];
    });
  }

  #count({ stored, duplicates }: BatchOutcome): void {
    this.#counts.stored += stored;
    this.#counts.duplicates += duplicates;
    this.#counts.commits += 1;
    this.#fault = null;
  }

  #keepForLater({ arrivals, refused }: Batch, error: unknown): void {
    this.#counts.failures += 1;
    if (this.#fault === null) {
      this.#parts.log.error(
        { error: describeError(error) },
        'telemetry cannot be stored; devices keep it and send it again',
      );
    }
    this.#fault = describeError(error);
    this.#forget({ arrivals, refused });
    for (const arrival of arrivals)
      if (positionOf(arrival) === null)
        this.#unstored.set(`${arrival.site}/${arrival.device}/${arrival.channel}`, arrival);
  }

  /** What was settled in a transaction that has failed is not settled. */
  #forget({ arrivals, refused }: Batch): void {
    for (const position of refused) this.#watermarks.forget(position);
    for (const { site, device, document } of arrivals) this.#watermarks.forget({ site, device, boot: document.boot });
  }
}

/** Null: it has no number, and the device says it again by itself. */
function positionOf(arrival: Arrival): { readonly boot: string; readonly seq: number } | null {
  if (arrival.channel !== 'window' && arrival.channel !== 'event') return null;
  const { boot, seq } = arrival.document;
  return { boot, seq };
}

/** None: it is one message alone, or only numbers, which hold nothing that could fail. */
function partsOf({ arrivals, refused }: Batch): readonly Batch[] {
  if (arrivals.length > 0 && refused.length > 0)
    return [
      { arrivals, refused: [] },
      { arrivals: [], refused },
    ];
  if (arrivals.length < 2) return [];
  const middle = Math.ceil(arrivals.length / 2);
  return [
    { arrivals: arrivals.slice(0, middle), refused: [] },
    { arrivals: arrivals.slice(middle), refused: [] },
  ];
}
