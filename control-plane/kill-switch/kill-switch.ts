// The kill switch: signs and publishes what must stop, and measures who obeyed. Needs signing and messaging only:
// while the database is down a kill still goes out, and its record follows. Re-arming is the other way round: record first.
import { randomBytes } from 'node:crypto';
import { describeError } from '../../shared/basics/errors.ts';
import type { KillResult, KillSummary } from '../../shared/protocol/api-kills.ts';
import { killScopeSchema } from '../../shared/protocol/documents.ts';
import type { DeviceEvent } from '../../shared/protocol/reports.ts';
import { type DeviceAddress, killTopics } from '../../shared/protocol/topics.ts';
import type { Signer } from '../../shared/signing/signed-document.ts';
import type { PresenceBook } from '../devices/presence.ts';
import { AckBook } from './ack-book.ts';
import type { KillJournal } from './kill-journal.ts';
import type { KillOrder, Raised, Rearmed } from './kill-orders.ts';
import {
  acknowledgedBy,
  documentOf,
  epochOf,
  isInScope,
  isSameScope,
  type KillRecord,
  lastEpoch,
  mergeRecords,
  stopsCandidate,
  topicOfScope,
  topicsOf,
  topicsToAssert,
} from './kill-records.ts';
import { measureKill, summariseKill } from './kill-result.ts';
import type { KillStore } from './kill-store.ts';
import { settleWithin } from './settle-within.ts';

export type KillLog = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

export type KillSwitchParts = {
  readonly sign: Signer;
  readonly publish: (topic: string, text: string) => Promise<void>;
  readonly presence: PresenceBook;
  readonly journal: KillJournal;
  readonly store: KillStore;
  readonly wallNow: () => number;
  readonly monotonicNow: () => number;
  readonly log: KillLog;
};

/** A document of this many still fits 64 KiB with its words shortened. A fleet kill is always taken. */
const ACTIVE_PER_TOPIC_MAX = 100;
/** The journal is written before the kill is sent, but a disk that hangs must not hold it back longer than this. */
const JOURNAL_PATIENCE_MS = 100;
/** How long an answer waits for the database; the kill is out by then. */
const RECORD_PATIENCE_MS = 1000;

export class KillSwitch {
  readonly #parts: KillSwitchParts;
  readonly #acks: AckBook;
  /** By epoch, on the monotonic clock. */
  readonly #publishedAtMs = new Map<number, number>();
  /** Kills that the database has not taken yet. */
  readonly #unrecorded = new Set<string>();
  readonly #unpublished = new Set<string>();
  #records: readonly KillRecord[] = [];
  /** One change at a time: each document lists all kills of its topic. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: KillSwitchParts) {
    this.#parts = parts;
    this.#acks = new AckBook(parts.store, parts.log);
  }

  /** Reads both memories; throws when neither can be trusted. */
  async open(): Promise<void> {
    const { journal, store } = this.#parts;
    const inFile = await journal.read();
    const { records, acks } = await store.readAll();
    this.#records = mergeRecords(records, inFile);
    for (const record of this.#records) this.#acks.restore(record, acks.get(record.id) ?? []);
    const inDatabase = new Set(records.map((record) => record.id));
    for (const { id, cleared } of inFile) if (!inDatabase.has(id) && cleared === null) this.#unrecorded.add(id);
  }

  /** Sends the kill, whatever else works. The same scope again is asserted again, and is the same kill. */
  raise(order: KillOrder): Promise<Raised> {
    // Parsed, so that its keys have the order in which a restart reads them: equal kills must be equal bytes.
    const scope = killScopeSchema.parse(order.scope);
    return this.#inTurn(() => this.#raise({ ...order, scope }));
  }

  /** Ends a kill: only when that is on record, because it lets a release answer again. A slow record keeps no kill waiting. */
  async rearm(id: string, by: { readonly actor: string; readonly reason: string }): Promise<Rearmed> {
    for (;;) {
      const record = this.#records.find((candidate) => candidate.id === id);
      if (!record) return { kind: 'unknown' };
      if (record.cleared !== null) return { kind: 'already', summary: summariseKill(record) };
      const cleared = { atMs: this.#parts.wallNow(), by: by.actor, reason: by.reason, epoch: this.#nextEpoch() };
      const ended: KillRecord = { ...record, cleared };
      const fault = await this.#recordEnd(record, ended);
      if (fault !== null) return { kind: 'not-recorded', reason: fault };
      const rearmed = await this.#inTurn(() => this.#rearm(ended));
      if (rearmed !== 'overtaken') return rearmed;
    }
  }

  /** A device answered a frame with something allowed. Counted once per device and kill. */
  acknowledge(event: DeviceEvent): void {
    const { site, device, killEpoch } = event;
    if (killEpoch === undefined) return;
    const wallMs = this.#parts.wallNow();
    const nowMs = this.#parts.monotonicNow();
    for (const record of acknowledgedBy(this.#records, killEpoch, { site, device })) {
      const publishedAtMs = this.#publishedAtMs.get(record.epoch);
      this.#acks.take(record, event, {
        wallMs,
        roundTripMs: publishedAtMs === undefined ? null : nowMs - publishedAtMs,
      });
    }
  }

  get(id: string): KillResult | null {
    const record = this.#records.find((candidate) => candidate.id === id);
    return record ? this.#measure(record) : null;
  }

  /** Newest first. */
  list(): readonly KillSummary[] {
    return this.#records.map(summariseKill).reverse();
  }

  active(): readonly KillSummary[] {
    return this.list().filter((kill) => kill.active);
  }

  reaching(address: DeviceAddress): readonly KillSummary[] {
    return this.active().filter((kill) => isInScope(kill.scope, address));
  }

  /** Whether a kill in force takes this candidate from this device. */
  stops(address: DeviceAddress, candidate: { readonly rolloutId: string; readonly digest: string }): boolean {
    return stopsCandidate(this.#records, address, candidate);
  }

  /** Every kill topic that ever carried a document, as signed text: for the broker before it listens. */
  async documents(): Promise<readonly { readonly topic: string; readonly text: string }[]> {
    return Promise.all(topicsOf(this.#records).map(async (topic) => ({ topic, text: await this.#signed(topic) })));
  }

  /** The topics whose document a device has not reached, by the epoch it reports. */
  topicsBehind(address: DeviceAddress, killEpoch: number): readonly string[] {
    return killTopics(address).filter((topic) => epochOf(this.#records, topic) > killEpoch);
  }

  topicsToAssert(): readonly string[] {
    return topicsToAssert(this.#records, this.#parts.wallNow());
  }

  /** Publishes again the very document in force. */
  async assert(topic: string): Promise<void> {
    await this.#parts.publish(topic, await this.#signed(topic));
    this.#unpublished.delete(topic);
  }

  /** Whatever could not be sent or recorded, once more. Called by the upkeep loop. */
  async retry(): Promise<void> {
    for (const topic of [...this.#unpublished]) await this.#tryPublish(topic);
    for (const id of [...this.#unrecorded]) {
      const record = this.#records.find((candidate) => candidate.id === id);
      if (record) await this.#record(record);
    }
    await this.#acks.flush();
  }

  /** Why a kill is not yet on record; null when all are. */
  fault(): string | null {
    if (this.#unpublished.size > 0) return `${this.#unpublished.size} kill documents could not be sent yet`;
    return this.#unrecorded.size > 0 ? `${this.#unrecorded.size} kills are in force but not on record yet` : null;
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#acks.flush();
  }

  async #raise({ scope, reason, actor }: KillOrder): Promise<Raised> {
    const topic = topicOfScope(scope);
    const here = this.#records.filter((record) => record.topic === topic && record.cleared === null);
    const same = here.find((record) => isSameScope(record.scope, scope));
    if (same) {
      const published = await this.#tryPublish(topic);
      return { kind: 'raised', created: false, published, result: this.#measure(same) };
    }
    if (here.length >= ACTIVE_PER_TOPIC_MAX && scope.kind !== 'fleet') return { kind: 'too-many', active: here.length };
    const record = this.#newRecord({ scope, reason, actor }, topic);
    this.#records = [...this.#records, record];
    this.#unrecorded.add(record.id);
    await settleWithin(this.#writeJournal(), JOURNAL_PATIENCE_MS);
    const published = await this.#tryPublish(topic);
    this.#parts.log.warn({ killId: record.id, scope, epoch: record.epoch, reason, actor, published }, 'kill raised');
    await settleWithin(this.#record(record), RECORD_PATIENCE_MS);
    return { kind: 'raised', created: true, published, result: this.#measure(record) };
  }

  /** `overtaken`: a kill was raised meanwhile, so that its document already has a newer epoch than this end. */
  async #rearm(ended: KillRecord): Promise<Rearmed | 'overtaken'> {
    const { id, topic, cleared } = ended;
    const before = this.#records.find((candidate) => candidate.id === id);
    if (before?.cleared) return { kind: 'already', summary: summariseKill(before) };
    if ((cleared?.epoch ?? 0) <= lastEpoch(this.#records)) return 'overtaken';
    this.#records = this.#records.map((candidate) => (candidate.id === id ? ended : candidate));
    await this.#writeJournal();
    await this.#tryPublish(topic);
    this.#parts.log.warn({ killId: id, ...cleared }, 'kill re-armed');
    return { kind: 'rearmed', result: this.#measure(ended) };
  }

  async #recordEnd(record: KillRecord, ended: KillRecord): Promise<string | null> {
    try {
      if (this.#unrecorded.has(record.id)) await this.#parts.store.recordRaised(record);
      await this.#parts.store.recordCleared(ended);
      this.#unrecorded.delete(record.id);
      return null;
    } catch (error) {
      return describeError(error);
    }
  }

  #newRecord({ scope, reason, actor }: KillOrder, topic: string): KillRecord {
    const nowMs = this.#parts.wallNow();
    const { presence } = this.#parts;
    const reached: DeviceAddress[] = presence.list().filter((device) => isInScope(scope, device));
    if (scope.kind === 'device' && reached.length === 0) reached.push({ site: scope.site, device: scope.device });
    const recipients = reached.map(({ site, device }) => {
      return { site, device, online: presence.isOnline({ site, device }, nowMs) };
    });
    const id = `k-${randomBytes(5).toString('hex')}`;
    return { id, scope, topic, reason, actor, epoch: this.#nextEpoch(), raisedAtMs: nowMs, recipients, cleared: null };
  }

  /** Never below the wall clock: an epoch lost with a database is still passed. */
  #nextEpoch(): number {
    return Math.max(lastEpoch(this.#records) + 1, this.#parts.wallNow());
  }

  #measure(record: KillRecord): KillResult {
    return measureKill({
      record,
      acks: this.#acks.of(record),
      devices: this.#parts.presence.list(),
      isRecorded: !this.#unrecorded.has(record.id),
      nowMs: this.#parts.wallNow(),
    });
  }

  async #signed(topic: string): Promise<string> {
    const document = documentOf(this.#records, topic);
    if (document === null) throw new TypeError(`no kill was ever raised on ${topic}`);
    return this.#parts.sign('kill', document);
  }

  async #tryPublish(topic: string): Promise<boolean> {
    this.#unpublished.add(topic);
    const epoch = epochOf(this.#records, topic);
    try {
      const text = await this.#signed(topic);
      if (!this.#publishedAtMs.has(epoch)) this.#publishedAtMs.set(epoch, this.#parts.monotonicNow());
      await this.#parts.publish(topic, text);
      this.#unpublished.delete(topic);
      return true;
    } catch (error) {
      this.#publishedAtMs.delete(epoch);
      this.#parts.log.error({ topic, error: describeError(error) }, 'a kill could not be sent; trying again');
      return false;
    }
  }

  async #record(record: KillRecord): Promise<void> {
    try {
      await this.#parts.store.recordRaised(record);
      this.#unrecorded.delete(record.id);
    } catch (error) {
      const fields = { killId: record.id, error: describeError(error) };
      this.#parts.log.error(fields, 'a kill is in force but not on record yet; trying again');
    }
  }

  async #writeJournal(): Promise<void> {
    try {
      await this.#parts.journal.write(this.#records);
    } catch (error) {
      this.#parts.log.error({ error: describeError(error) }, 'the kill journal cannot be written');
    }
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}
