// Messages that were not understood: counted, the last ones kept for people, each kind per device logged once an hour.
import type { RefusedMessage } from '../../shared/protocol/api-status.ts';
import type { RefusedArrival } from './arrivals.ts';

export type RefusalLog = { warn(fields: object, message: string): void };

const KEPT_MAX = 50;
const REASON_MAX = 500;
const LOG_EVERY_MS = 60 * 60_000;
/** Distinct device and kind pairs remembered for logging. */
const LOGGED_MAX = 10_000;

export class Refusals {
  readonly #log: RefusalLog;
  readonly #loggedAtMs = new Map<string, number>();
  readonly #byKind = new Map<string, number>();
  #last: readonly RefusedMessage[] = [];
  #total = 0;

  constructor(log: RefusalLog) {
    this.#log = log;
  }

  record({ site, device, channel, kind, reason }: RefusedArrival, nowMs: number): void {
    this.#total += 1;
    this.#byKind.set(kind, (this.#byKind.get(kind) ?? 0) + 1);
    const message = { atMs: nowMs, site, device, channel, kind, reason: reason.slice(0, REASON_MAX) };
    this.#last = [message, ...this.#last].slice(0, KEPT_MAX);
    if (this.#isNews(`${site}/${device}/${channel}/${kind}`, nowMs))
      this.#log.warn(message, 'message of a device refused');
  }

  /** Newest first. */
  summary(): { total: number; byKind: Record<string, number>; last: RefusedMessage[] } {
    return { total: this.#total, byKind: Object.fromEntries(this.#byKind), last: [...this.#last] };
  }

  #isNews(key: string, nowMs: number): boolean {
    const loggedAtMs = this.#loggedAtMs.get(key);
    if (loggedAtMs !== undefined && nowMs - loggedAtMs < LOG_EVERY_MS) return false;
    if (this.#loggedAtMs.size >= LOGGED_MAX) this.#loggedAtMs.clear();
    this.#loggedAtMs.set(key, nowMs);
    return true;
  }
}
