// What the windows of a running rollout add up to: only what is new is read, and only the latest windows are kept. A window that
// comes late, a device that joins and a restart are one case: the device is read again from the record.
import { setImmediate as letOthersRun } from 'node:timers/promises';
import type { BusinessRecord } from '../../shared/measure/business.ts';
import { attribute, type BusinessDevice, businessEdition, readBusiness } from '../business/business-rows.ts';
import { DeviceFold } from '../core/device-fold.ts';
import type { TotalsMemory } from '../core/device-memory.ts';
import type { DeviceHistory, Question } from '../core/history.ts';
import { keepChanges } from '../core/kept-changes.ts';
import type { Selected } from '../core/selected.ts';
import { keyOf } from '../core/stages.ts';
import type { Queryable } from '../database/database.ts';
import {
  latestReceiptMs,
  partOf,
  rowsOfDevice,
  rowsReceivedSince,
  type WindowRow,
  type WindowScope,
  windowOfRow,
} from './window-rows.ts';

/** Rows of one group commit may appear after younger ones; read this much again. */
const OVERLAP_MS = 30_000;
/** Business figures come by the shift or the day: their past goes back this far, or as far as the file says. */
const BUSINESS_MS = 14 * 86_400_000;

export type ReadDevice = Pick<DeviceHistory, 'site' | 'device' | 'baselineDigest'>;

type Known = { readonly fold: DeviceFold; readonly baselineDigest: string };

export class WindowReader {
  /** Answers what was asked at the last `refresh`. */
  readonly totals: TotalsMemory = {
    candidate: (history, question) => this.#select('candidate', history, question),
    control: (history, question) => this.#select('control', history, question),
    changes: keepChanges(),
  };
  readonly #scope: WindowScope;
  readonly #known = new Map<string, Known>();
  /** Rows that were taken, as long as they may be read again. */
  readonly #taken = new Map<string, number>();
  #receivedAtMs: number | null = null;
  #business: { readonly edition: number; readonly records: readonly BusinessRecord[] } | null = null;

  constructor(scope: WindowScope) {
    this.#scope = scope;
  }

  /** Takes what has arrived since the last call, and gets ready to be asked this of these devices. */
  async refresh(database: Queryable, question: Question, devices: readonly ReadDevice[]): Promise<void> {
    await this.#takeArrived(database);
    for (const device of devices) {
      const key = keyOf(device);
      const known = this.#known.get(key);
      if (known?.baselineDigest === device.baselineDigest && known.fold.ask(question)) continue;
      this.#known.set(key, await this.#readAgain(database, device, question));
      await letOthersRun();
    }
  }

  /** Figures of each device, by `site/device`; read again only when something was brought in since. */
  async business(database: Queryable, devices: readonly BusinessDevice[]): Promise<ReturnType<typeof attribute>> {
    const edition = await businessEdition(database);
    if (this.#business?.edition !== edition) {
      const { beganAtMs, pastMs, sites } = this.#scope;
      const fromMs = beganAtMs - Math.max(BUSINESS_MS, pastMs);
      this.#business = { edition, records: await readBusiness(database, sites, fromMs) };
    }
    return attribute(this.#business.records, devices);
  }

  /** A device whose window came after younger ones is forgotten, so that it is read again, also when that fails at first. */
  async #takeArrived(database: Queryable): Promise<void> {
    this.#receivedAtMs ??= await latestReceiptMs(database);
    for (const row of await rowsReceivedSince(database, this.#scope, this.#receivedAtMs - OVERLAP_MS)) {
      const fold = this.#known.get(keyOf(row))?.fold;
      if (this.#isNew(row) && fold && !this.#take(row, fold)) this.#known.delete(keyOf(row));
    }
    for (const [id, receivedAtMs] of this.#taken)
      if (receivedAtMs < this.#receivedAtMs - OVERLAP_MS) this.#taken.delete(id);
  }

  async #readAgain(database: Queryable, device: ReadDevice, question: Question): Promise<Known> {
    const fold = new DeviceFold(device.baselineDigest, question);
    for await (const row of rowsOfDevice(database, this.#scope, device)) {
      this.#isNew(row);
      this.#take(row, fold);
    }
    fold.ask(question);
    return { fold, baselineDigest: device.baselineDigest };
  }

  /** Remembers it, too. */
  #isNew({ site, device, boot, seq, received_at_ms: receivedAtMs }: WindowRow): boolean {
    const sinceMs = (this.#receivedAtMs ?? 0) - OVERLAP_MS;
    if (receivedAtMs < sinceMs) return false;
    const id = `${site}/${device}/${boot}/${seq}`;
    if (this.#taken.has(id)) return false;
    this.#taken.set(id, receivedAtMs);
    this.#receivedAtMs = Math.max(this.#receivedAtMs ?? 0, receivedAtMs);
    return true;
  }

  #take(row: WindowRow, fold: DeviceFold): boolean {
    const window = windowOfRow(row);
    const part = partOf(window, this.#scope);
    return part === null || fold.take(window, part);
  }

  #select(as: 'candidate' | 'control', history: DeviceHistory, question: Question): Selected {
    const fold = this.#known.get(keyOf(history))?.fold;
    if (!fold?.ask(question)) throw new TypeError(`${keyOf(history)} is judged before its windows were read`);
    return fold.select(as, history);
  }
}
