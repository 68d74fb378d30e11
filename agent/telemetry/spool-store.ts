// Where the spool's rows lie: in a file; in memory while the disk takes none; in a fresh file when the old one breaks.
// It knows nothing of events and windows: it carries out work on the rows, with one more try where that can help.
import { performance } from 'node:perf_hooks';
import type { Logger } from 'pino';
import { describeError } from '../../shared/basics/errors.ts';
import { moveRows } from './move-rows.ts';
import { closeSpoolFile, isCorruption, isFull, openMemorySpool, openSpoolFile, SpoolError } from './spool-file.ts';
import { SpoolReserve } from './spool-reserve.ts';
import type { SpoolDatabase } from './spool-schema.ts';
import { openStatements, type SpoolStatements } from './spool-statements.ts';

/** While the rows are in memory, the disk is asked again this often. */
const RETURN_MS = 10_000;
/** Rows in memory share it with models. */
const MEMORY_BYTES_MAX = 8 * 1024 * 1024;

export type StoreOptions = {
  readonly path: string;
  readonly bytesMax: number;
  readonly log: Logger;
  readonly monotonicNow?: () => number;
  /** The rows are gone: those that follow begin a sequence of their own. */
  readonly onReplaced: () => void;
};

type Rows = {
  readonly database: SpoolDatabase;
  readonly statements: SpoolStatements;
  readonly reserve: SpoolReserve;
  readonly isVolatile: boolean;
};

export class SpoolStore {
  readonly #options: StoreOptions;
  readonly #monotonicNow: () => number;
  #rows: Rows;
  #setAside: string | null = null;
  #askedAtMs: number;

  /** Throws SpoolError when another process has the file. */
  constructor(options: StoreOptions) {
    this.#options = options;
    this.#monotonicNow = options.monotonicNow ?? (() => performance.now());
    this.#askedAtMs = this.#monotonicNow();
    this.#rows = this.#open();
  }

  get statements(): SpoolStatements {
    return this.#rows.statements;
  }

  get reserve(): SpoolReserve {
    return this.#rows.reserve;
  }

  get isVolatile(): boolean {
    return this.#rows.isVolatile;
  }

  /** Bytes that documents may take where they lie now. */
  get bytesMax(): number {
    return this.#rows.isVolatile ? Math.min(MEMORY_BYTES_MAX, this.#options.bytesMax) : this.#options.bytesMax;
  }

  /** Why a former file had to be set aside; said once, then null. */
  takeSetAside(): string | null {
    const reason = this.#setAside;
    this.#setAside = null;
    return reason;
  }

  /**
   * One transaction; `urgent` may take the last of the disk. A file that is full is relieved, one that turns out to be
   * broken is replaced, and the work is done once more: it must be the same however often it is called.
   */
  run<T>(work: () => T, need: 'urgent' | 'patient' = 'urgent'): T {
    try {
      return this.#transact(work);
    } catch (error) {
      if (isCorruption(error)) this.#replace(error);
      else if (isFull(error)) this.#rows.reserve.relieve(need === 'urgent');
      else throw error;
      return this.#transact(work);
    }
  }

  /** The first of these transactions that finds room. */
  runFirst<T>(attempts: readonly [() => T, ...(() => T)[]]): T {
    const [attempt, next, ...others] = attempts;
    try {
      return this.run(attempt);
    } catch (error) {
      if (!isFull(error) || next === undefined) throw error;
      return this.runFirst([next, ...others]);
    }
  }

  /** Looks whether the disk takes what is in memory. Cheap; call it with every window. */
  settle(): void {
    if (!this.#rows.isVolatile || this.#monotonicNow() - this.#askedAtMs < RETURN_MS) return;
    this.#askedAtMs = this.#monotonicNow();
    try {
      const onDisk = this.#openOnDisk();
      this.#moveTo(onDisk);
      this.#options.log.info({ path: this.#options.path }, 'the spool is on disk again');
    } catch (error) {
      this.#options.log.debug({ error: describeError(error) }, 'the spool stays in memory');
    }
  }

  close(): void {
    const { database, isVolatile } = this.#rows;
    if (isVolatile) database.close();
    else closeSpoolFile(this.#options.path, database);
  }

  #transact<T>(work: () => T): T {
    return this.#rows.database.transaction(work)();
  }

  #open(): Rows {
    try {
      return this.#openOnDisk();
    } catch (error) {
      if (error instanceof SpoolError && error.code === 'spool-in-use') throw error;
      this.#options.log.error(
        { path: this.#options.path, error: describeError(error) },
        'the spool is kept in memory: check the disk of this device; what it held stays there until it can be opened',
      );
      return this.#rowsOf(openMemorySpool(), true);
    }
  }

  #openOnDisk(): Rows {
    const { database, setAside } = openSpoolFile(this.#options.path);
    const rows = this.#rowsOf(database, false);
    rows.reserve.prepare();
    if (setAside === null) return rows;
    this.#setAside = setAside;
    this.#options.log.warn({ path: this.#options.path, reason: setAside }, 'the spool was broken; a fresh one is used');
    return rows;
  }

  #rowsOf(database: SpoolDatabase, isVolatile: boolean): Rows {
    const { path, bytesMax } = this.#options;
    const reserve = new SpoolReserve({ database, path: isVolatile ? null : path, bytesMax });
    return { database, statements: openStatements(database), reserve, isVolatile };
  }

  #moveTo(next: Rows): void {
    const former = this.#rows;
    try {
      next.database.transaction(() => moveRows(former.database, next.database))();
    } catch (error) {
      next.database.close();
      throw error;
    }
    this.#rows = next;
    former.database.close();
  }

  #replace(error: unknown): void {
    this.#options.log.warn(
      { path: this.#options.path, error: describeError(error) },
      'the spool broke; a fresh one is used',
    );
    this.#rows.database.close();
    this.#rows = this.#open();
    this.#setAside ??= describeError(error);
    this.#options.onReplaced();
  }
}
