// Who has obeyed which kill: counted at once in memory, written to the database in batches, kept while that fails.
import { describeError } from '../../shared/basics/errors.ts';
import type { KillAck } from '../../shared/protocol/api-kills.ts';
import type { DeviceEvent } from '../../shared/protocol/reports.ts';
import { addressKey } from '../devices/presence.ts';
import type { KillRecord } from './kill-records.ts';
import type { KillStore } from './kill-store.ts';

type Pending = KillAck & { readonly killId: string };
type Acks = { readonly byDevice: Map<string, KillAck>; readonly onlineThen: ReadonlySet<string> };

/** Beyond this nothing more is kept for writing; it is in the devices' own events all the same. */
const PENDING_MAX = 100_000;
const BATCH_MS = 50;

export class AckBook {
  readonly #store: KillStore;
  readonly #log: { warn(fields: object, message: string): void };
  readonly #acks = new Map<string, Acks>();
  #pending: Pending[] = [];
  #timer: NodeJS.Timeout | null = null;
  #flushing: Promise<void> = Promise.resolve();

  constructor(store: KillStore, log: { warn(fields: object, message: string): void }) {
    this.#store = store;
    this.#log = log;
  }

  of(record: KillRecord): readonly KillAck[] {
    return [...(this.#acks.get(record.id)?.byDevice.values() ?? [])];
  }

  restore(record: KillRecord, acks: readonly KillAck[]): void {
    const { byDevice } = this.#open(record);
    for (const ack of acks) byDevice.set(addressKey(ack), ack);
  }

  /** Counted once per device and kill. `roundTripMs` is null when the time of sending is not known any more. */
  take(
    record: KillRecord,
    event: DeviceEvent,
    at: { readonly wallMs: number; readonly roundTripMs: number | null },
  ): void {
    const { byDevice, onlineThen } = this.#open(record);
    const key = addressKey(event);
    if (byDevice.has(key)) return;
    const ack: KillAck = {
      site: event.site,
      device: event.device,
      ackedAtMs: at.wallMs,
      roundTripMs: at.roundTripMs,
      effectMs: event.effectMs ?? null,
      wasServing: event.wasServing ?? null,
      digest: event.digest ?? null,
      requestId: event.requestId ?? null,
      wasOffline: !onlineThen.has(key),
    };
    byDevice.set(key, ack);
    if (this.#pending.length < PENDING_MAX) this.#pending.push({ ...ack, killId: record.id });
    this.#timer ??= setTimeout(() => void this.flush(), BATCH_MS);
  }

  /** Writes what waits; what cannot be written waits for the next call. Never throws. */
  flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#flushing = this.#flushing.then(() => this.#write());
    return this.#flushing;
  }

  #open(record: KillRecord): Acks {
    const known = this.#acks.get(record.id);
    if (known) return known;
    const onlineThen = new Set(record.recipients.filter((recipient) => recipient.online).map(addressKey));
    const acks = { byDevice: new Map<string, KillAck>(), onlineThen };
    this.#acks.set(record.id, acks);
    return acks;
  }

  async #write(): Promise<void> {
    const batch = this.#pending;
    if (batch.length === 0) return;
    this.#pending = [];
    try {
      await this.#store.recordAcks(batch);
    } catch (error) {
      this.#pending = [...batch, ...this.#pending];
      this.#log.warn({ acks: batch.length, error: describeError(error) }, 'kill acknowledgements not on record yet');
    }
  }
}
