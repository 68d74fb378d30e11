// The spool keeps what the control plane has not confirmed yet, across restarts and days offline, within a byte budget.
// Events go first and are never dropped; windows are merged pairwise, then dropped oldest first, and drops are counted.
// A document is removed only when the control plane says that it is stored: (boot, seq) makes counting exactly-once.
import type { Logger } from 'pino';
import { describeError } from '../../shared/basics/errors.ts';
import type { EventBody, WindowBody } from './document-body.ts';
import { mergeKey } from './merge-windows.ts';
import { isCorruption, openSpoolFile, type SpoolDatabase } from './spool-file.ts';
import { makeRoom, rowBytes, type SpoolBudget, spanOf } from './spool-room.ts';
import { openStatements, type SpoolEntry, type SpoolStatements } from './spool-statements.ts';

type Unwritten = SpoolEntry & { readonly kind: string };

export type SpoolOptions = {
  readonly path: string;
  readonly boot: string;
  readonly log: Logger;
  /** Default 64 MB. */
  readonly bytesMax?: number;
  /** Time that the waiting windows may cover; default 72 h. */
  readonly spanMsMax?: number;
};

const BYTES_MAX = 64 * 1024 * 1024;
const SPAN_MS_MAX = 72 * 3600 * 1000;
/** Events held in memory while the disk refuses them. */
const UNWRITTEN_MAX = 256;

export class Spool {
  readonly #options: SpoolOptions;
  readonly #budget: SpoolBudget;
  #database: SpoolDatabase;
  #statements: SpoolStatements;
  #boot: string;
  #seqLast = 0;
  #setAside: string | null;
  #unwritten: Unwritten[] = [];
  #unwrittenDrops = new Map<string, number>();
  #replaced = 0;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#boot = options.boot;
    this.#budget = { bytesMax: options.bytesMax ?? BYTES_MAX, spanMsMax: options.spanMsMax ?? SPAN_MS_MAX };
    const { database, setAside } = openSpoolFile(options.path);
    this.#database = database;
    this.#statements = openStatements(database);
    this.#setAside = setAside;
    this.#statements.forgetBoots.run(options.boot);
    this.#seqLast = this.#statements.seqLast.get(options.boot) ?? 0;
    if (setAside)
      options.log.warn({ path: options.path, reason: setAside }, 'the spool was broken; a fresh one is used');
  }

  /** Number given last in this boot. */
  get seqLast(): number {
    return this.#seqLast;
  }

  /** Why a former file had to be set aside; said once, then null. */
  takeSetAside(): string | null {
    const reason = this.#setAside;
    this.#setAside = null;
    return reason;
  }

  /**
   * Stores an event before it returns and numbers it. When events alone fill the budget, the latest unsent one of the
   * same kind is counted up (`repeated`) instead. A disk that refuses keeps the event in memory: it is still delivered.
   */
  appendEvent(body: EventBody): number {
    try {
      return this.#guarded(() => this.#writeEvent(body));
    } catch (error) {
      this.#options.log.error({ kind: body.kind, error: describeError(error) }, 'an event could not be stored');
      return this.#holdEvent(body);
    }
  }

  /** Stores a window, with the drops since the last one in it; false when the disk refuses, which counts as a drop. */
  appendWindow(body: WindowBody): boolean {
    try {
      this.#guarded(() => this.#writeWindow({ ...body, boot: this.#boot, spoolDropped: this.dropped() }));
      return true;
    } catch (error) {
      this.#options.log.error({ error: describeError(error) }, 'a window could not be stored');
      this.#countDropInMemory('window');
      return false;
    }
  }

  /** The next documents to publish, events first, at most `limit`; they are numbered and no longer change. */
  pending(limit: number): readonly SpoolEntry[] {
    const seqLast = this.#seqLast;
    try {
      const entries = this.#guarded(() => this.#database.transaction(() => this.#numberNext(limit))());
      this.#unwritten = [];
      return entries;
    } catch (error) {
      // The numbers given in the failed transaction were not taken: a number without a document would be a hole.
      this.#seqLast = seqLast;
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
      this.#guarded(() => this.#statements.acknowledge.run(boot, seq));
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
    this.#database.close();
  }

  #writeEvent(body: EventBody): number {
    const seq = this.#seqLast + 1;
    const text = JSON.stringify({ ...body, boot: this.#boot, seq });
    const given = this.#database.transaction(() => {
      const repeated = this.#isFullOfEvents(text) ? this.#countUpEvent(body.kind) : null;
      if (repeated !== null) return repeated;
      this.#insertEvent(body.kind, seq, text);
      makeRoom(this.#statements, this.#budget);
      return seq;
    })();
    this.#seqLast = Math.max(this.#seqLast, given);
    return given;
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
    this.#database.transaction(() => {
      this.#statements.forgetDropped.run();
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
    })();
    this.#unwrittenDrops = new Map();
  }

  #numberNext(limit: number): readonly SpoolEntry[] {
    for (const { seq, text, kind } of this.#unwritten) this.#insertEvent(kind, seq, text);
    return this.#statements.next.all(limit).map((row) => {
      const seq = row.seq ?? this.#nextSeqOf(row.boot);
      if (row.sent === 0) this.#statements.markSent.run(seq, row.id);
      const text = row.seq === null ? JSON.stringify({ ...JSON.parse(row.body), seq }) : row.body;
      if (row.seq === null) this.#statements.replaceBody.run(text, row.id);
      return { class: row.class, boot: row.boot, seq, text };
    });
  }

  #numbered(limit: number): readonly SpoolEntry[] {
    try {
      return this.#statements.numbered.all(limit);
    } catch (error) {
      this.#options.log.error({ error: describeError(error) }, 'the spool cannot be read');
      return [];
    }
  }

  #nextSeqOf(boot: string): number {
    const isCurrent = boot === this.#boot;
    const seq = (isCurrent ? this.#seqLast : (this.#statements.seqLast.get(boot) ?? 0)) + 1;
    this.#statements.setSeqLast.run(boot, seq);
    if (isCurrent) this.#seqLast = seq;
    return seq;
  }

  #countDropInMemory(name: string): void {
    this.#unwrittenDrops.set(name, (this.#unwrittenDrops.get(name) ?? 0) + 1);
  }

  // A file that turns out to be broken while in use is replaced, and the work is done once more on the fresh one.
  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!isCorruption(error)) throw error;
      this.#replaceFile(error);
      return work();
    }
  }

  #replaceFile(error: unknown): void {
    this.#options.log.warn(
      { path: this.#options.path, error: describeError(error) },
      'the spool broke; a fresh one is used',
    );
    this.#database.close();
    const { database, setAside } = openSpoolFile(this.#options.path);
    this.#database = database;
    this.#statements = openStatements(database);
    this.#setAside = setAside ?? describeError(error);
    // The numbers of the lost documents are holes in the old sequence: a new one begins, as after a restart.
    this.#replaced += 1;
    this.#boot = `${this.#options.boot}-${this.#replaced}`;
    this.#seqLast = 0;
    for (const { text } of this.#unwritten.splice(0)) this.#holdEvent(JSON.parse(text));
  }
}

const ROW_DEFAULTS = { seq: null, parts: 1, span_ms: 0, merge_key: '', kind: '' } as const;

/** Opens or begins the spool at `path`. Throws SpoolError when that is impossible. */
export function openSpool(options: SpoolOptions): Spool {
  return new Spool(options);
}
