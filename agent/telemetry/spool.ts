// The spool keeps what the control plane has not confirmed yet, across restarts and days offline, within a byte budget.
// Events go first and are never dropped; windows are merged pairwise, then dropped oldest first, and drops are counted.
// A document is removed only when the control plane says that it is stored: (boot, seq) makes counting exactly-once.
import type { Logger } from 'pino';
import { describeError } from '../../shared/basics/errors.ts';
import type { EventBody, WindowBody } from './document-body.ts';
import { mergeKey } from './merge-windows.ts';
import { nextRows } from './next-rows.ts';
import { SpoolError } from './spool-file.ts';
import { dropOldest, makeRoom, rowBytes, type SpoolBudget, shrinkWhile, spanOf } from './spool-room.ts';
import type { SpoolEntry, SpoolStatements } from './spool-statements.ts';
import { SpoolStore } from './spool-store.ts';

type Unwritten = SpoolEntry & { readonly kind: string };

export type SpoolOptions = {
  readonly path: string;
  readonly boot: string;
  readonly log: Logger;
  /** Default 64 MB. */
  readonly bytesMax?: number;
  /** Time that the waiting windows may cover; default 72 h. */
  readonly spanMsMax?: number;
  readonly monotonicNow?: () => number;
};

const BYTES_MAX = 64 * 1024 * 1024;
const SPAN_MS_MAX = 72 * 3600 * 1000;
/** Events held in memory while the disk refuses them. */
const UNWRITTEN_MAX = 256;
/** Of SQLite by default. */
const PAGE_BYTES = 4096;
/** Windows that give way at once for an event that found no room. */
const SACRIFICE_MAX = 8;

export class Spool {
  readonly #options: SpoolOptions;
  readonly #store: SpoolStore;
  #boot: string;
  #seqLast = 0;
  #unwritten: Unwritten[] = [];
  #unwrittenDrops = new Map<string, number>();
  #replaced = 0;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#boot = options.boot;
    const bytesMax = options.bytesMax ?? BYTES_MAX;
    this.#store = new SpoolStore({ ...options, bytesMax, onReplaced: () => this.#beginAgain() });
    this.#seqLast = this.#statements.seqLast.get(options.boot) ?? 0;
    this.#forgetBoots();
  }

  get #statements(): SpoolStatements {
    return this.#store.statements;
  }

  get #budget(): SpoolBudget {
    return { bytesMax: this.#store.bytesMax, spanMsMax: this.#options.spanMsMax ?? SPAN_MS_MAX };
  }

  /** Number given last in this boot. */
  get seqLast(): number {
    return this.#seqLast;
  }

  /** No file can be opened: a power cut now takes what waits here. */
  get isInMemory(): boolean {
    return this.#store.isVolatile;
  }

  /** Why a former file had to be set aside; said once, then null. */
  takeSetAside(): string | null {
    return this.#store.takeSetAside();
  }

  /**
   * Stores an event before it returns and numbers it. When events alone fill the budget, the latest unsent one of the
   * same kind is counted up (`repeated`) instead; news of drops always are, for windows say how many. A disk that refuses keeps the event in memory: it is still delivered.
   */
  appendEvent(body: EventBody): number {
    try {
      return this.#storeEvent(body);
    } catch (error) {
      this.#options.log.error({ kind: body.kind, error: describeError(error) }, 'an event could not be stored');
      return this.#holdEvent(body);
    }
  }

  /** Stores a window, with the drops since the last one in it; false when the disk refuses, which counts as a drop. */
  appendWindow(body: WindowBody): boolean {
    try {
      this.#store.settle();
      this.#store.reserve.prepare();
      const write = () => this.#writeWindow({ ...body, boot: this.#boot, spoolDropped: this.dropped() });
      this.#store.run(write, 'patient');
      this.#unwrittenDrops = new Map();
      return true;
    } catch (error) {
      this.#options.log.error({ error: describeError(error) }, 'a window could not be stored');
      this.#countDropInMemory('window');
      return false;
    }
  }

  /** The next documents to publish, events first, at most `limit`; they are numbered and no longer change. */
  pending(limit: number): readonly SpoolEntry[] {
    try {
      this.#store.settle();
      const { entries, seqLast } = this.#store.run(() => this.#numberNext(limit));
      this.#seqLast = seqLast;
      this.#unwritten = [];
      return entries;
    } catch (error) {
      this.#options.log.warn(
        { error: describeError(error) },
        'the spool cannot be written; what has a number still goes out',
      );
      return [...this.#unwritten, ...this.#numbered(limit)].slice(0, limit);
    }
  }

  /** The control plane has stored everything of this boot up to `seq`. */
  acknowledge(boot: string, seq: number): void {
    this.#unwritten = this.#unwritten.filter((entry) => entry.boot !== boot || entry.seq > seq);
    try {
      this.#store.run(() => this.#statements.acknowledge.run(boot, seq));
    } catch (error) {
      // They will be sent again and acknowledged again; the control plane counts them once.
      this.#options.log.warn({ boot, seq, error: describeError(error) }, 'acknowledged documents could not be removed');
    }
  }

  /** What was lost since the last window, by class (`merged` are not lost, only coarser, and not in here). */
  dropped(): Record<string, number> {
    const counts = new Map(this.#statements.dropped.all().map(({ name, count }) => [name, count]));
    for (const [name, count] of this.#unwrittenDrops) counts.set(name, (counts.get(name) ?? 0) + count);
    return Object.fromEntries(counts);
  }

  /** Documents waiting, by class, and their bytes. */
  size(): { readonly events: number; readonly windows: number; readonly bytes: number } {
    const event = this.#statements.sizeOf.get('event');
    const window = this.#statements.sizeOf.get('window');
    return {
      events: (event?.count ?? 0) + this.#unwritten.length,
      windows: window?.count ?? 0,
      bytes: (event?.bytes ?? 0) + (window?.bytes ?? 0),
    };
  }

  close(): void {
    this.#store.close();
  }

  #storeEvent(body: EventBody): number {
    const given = this.#store.runFirst([
      () => this.#writeEvent(body),
      () => {
        for (let i = 0; i < SACRIFICE_MAX; i += 1) dropOldest(this.#statements);
        return this.#writeEvent(body);
      },
      () => this.#countUpEvent(body.kind) ?? this.#writeEvent(body),
    ]);
    this.#seqLast = Math.max(this.#seqLast, given);
    return given;
  }

  #writeEvent(body: EventBody): number {
    const seq = this.#seqLast + 1;
    const text = JSON.stringify({ ...body, boot: this.#boot, seq });
    const isCounted = body.kind === 'spool-dropped' || this.#isFullOfEvents(text);
    const repeated = isCounted ? this.#countUpEvent(body.kind) : null;
    if (repeated !== null) return repeated;
    this.#insertEvent(body.kind, seq, text);
    makeRoom(this.#statements, this.#budget);
    return seq;
  }

  #holdEvent(body: EventBody): number {
    if (this.#unwritten.length >= UNWRITTEN_MAX) {
      this.#countDropInMemory('event');
      return this.#seqLast;
    }
    this.#seqLast += 1;
    const text = JSON.stringify({ ...body, boot: this.#boot, seq: this.#seqLast });
    this.#unwritten.push({ class: 'event', boot: this.#boot, seq: this.#seqLast, text, kind: body.kind });
    return this.#seqLast;
  }

  #insertEvent(kind: string, seq: number, text: string): void {
    const boot = this.#boot;
    this.#statements.insert.run({
      ...ROW_DEFAULTS,
      class: 'event',
      boot,
      seq,
      bytes: rowBytes(text),
      body: text,
      kind,
    });
    this.#statements.setSeqLast.run(boot, seq);
  }

  #isFullOfEvents(text: string): boolean {
    return (this.#statements.sizeOf.get('event')?.bytes ?? 0) + rowBytes(text) > this.#budget.bytesMax;
  }

  #countUpEvent(kind: string): number | null {
    const latest = this.#statements.latestEvent.get(kind, this.#boot);
    if (!latest) return null;
    const event = JSON.parse(latest.body) as { seq: number; repeated?: number };
    const body = JSON.stringify({ ...event, repeated: (event.repeated ?? 0) + 1 });
    this.#statements.replace.run({ id: latest.id, bytes: rowBytes(body), parts: 1, span_ms: 0, body });
    return event.seq;
  }

  #writeWindow(body: WindowBody): void {
    const text = JSON.stringify(body);
    // First of all, or what gives way for this window now would be forgotten with what it reports.
    this.#statements.forgetDropped.run();
    if (this.#store.reserve.isTight()) this.#leaveReserve(rowBytes(text));
    this.#statements.insert.run({
      ...ROW_DEFAULTS,
      class: 'window',
      boot: body.boot,
      bytes: rowBytes(text),
      span_ms: spanOf(body),
      merge_key: mergeKey(body),
      body: text,
    });
    makeRoom(this.#statements, this.#budget);
  }

  /** On a full disk older windows give way, and when there are none this one does: what is left belongs to events. */
  #leaveReserve(bytes: number): void {
    // A page more on either side: a document that is split wastes part of its last page, and so does its index.
    const needed = bytes + 2 * PAGE_BYTES;
    if (shrinkWhile(this.#statements, () => this.#store.reserve.isShortFor(needed))) return;
    throw new SpoolError('spool-unavailable', 'the disk is full, and the rest of the spool is kept for safety events');
  }

  /** Numbers are taken when the transaction has succeeded: a number without a document would be a hole. */
  #numberNext(limit: number): { readonly entries: readonly SpoolEntry[]; readonly seqLast: number } {
    const taken = { seqLast: this.#seqLast };
    for (const { seq, text, kind } of this.#unwritten) this.#insertEvent(kind, seq, text);
    const entries = nextRows(this.#statements, limit).map((row) => {
      const seq = row.seq ?? this.#nextSeqOf(row.boot, taken);
      if (row.sent === 0) this.#statements.markSent.run(seq, row.id);
      const text = row.seq === null ? JSON.stringify({ ...JSON.parse(row.body), seq }) : row.body;
      if (row.seq === null) this.#statements.replaceBody.run(text, row.id);
      return { class: row.class, boot: row.boot, seq, text };
    });
    return { entries, seqLast: taken.seqLast };
  }

  #numbered(limit: number): readonly SpoolEntry[] {
    try {
      return this.#statements.numbered.all(limit);
    } catch (error) {
      this.#options.log.error({ error: describeError(error) }, 'the spool cannot be read');
      return [];
    }
  }

  #nextSeqOf(boot: string, taken: { seqLast: number }): number {
    const isCurrent = boot === this.#boot;
    const seq = (isCurrent ? taken.seqLast : (this.#statements.seqLast.get(boot) ?? 0)) + 1;
    this.#statements.setSeqLast.run(boot, seq);
    if (isCurrent) taken.seqLast = seq;
    return seq;
  }

  #countDropInMemory(name: string): void {
    this.#unwrittenDrops.set(name, (this.#unwrittenDrops.get(name) ?? 0) + 1);
  }

  // The numbers of the lost documents are holes in the old sequence: a new one begins, as after a restart.
  #beginAgain(): void {
    this.#replaced += 1;
    this.#boot = `${this.#options.boot}-${this.#replaced}`;
    this.#seqLast = 0;
    for (const { text } of this.#unwritten.splice(0)) this.#holdEvent(JSON.parse(text));
  }

  #forgetBoots(): void {
    try {
      this.#store.run(() => this.#statements.forgetBoots.run(this.#options.boot));
    } catch (error) {
      this.#options.log.debug({ error: describeError(error) }, 'boots that nobody waits for are forgotten later');
    }
  }
}

const ROW_DEFAULTS = { seq: null, parts: 1, span_ms: 0, merge_key: '', kind: '' } as const;

/** Opens or begins the spool at `path`. Throws SpoolError when that is impossible. */
export function openSpool(options: SpoolOptions): Spool {
  return new Spool(options);
}
