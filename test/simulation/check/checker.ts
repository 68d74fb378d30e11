// The promises, asked after every step: on the device (one answer for a frame, nobody answers who may not, never without
// a serving release while one is there, on disk before it acts) and at the control plane (rollout-checks.ts).
// A broken one ends the run.
import type { Effect } from '../../../agent/core/effects.ts';
import type { CoreEvent } from '../../../agent/core/events.ts';
import type { CoreState } from '../../../agent/core/state.ts';
import type { Turn } from '../../../agent/core/turn.ts';
import type { AnswerRecord } from '../../../agent/sinks/answer-record.ts';

import type { EventQueue } from '../event-queue.ts';
import type { Entry } from '../messages.ts';
import type { Draft } from '../plane/rollout-step.ts';
import type { RolloutRow, Store } from '../plane/store.ts';
import type { RunHash } from '../state-hash.ts';
import type { Trace } from '../trace.ts';
import { Violation } from '../violation.ts';
import { DeviceOracle } from './device-oracle.ts';
import type { ObservedLife } from './observed-life.ts';
import { RolloutChecks } from './rollout-checks.ts';

/** The factory release is always good: nobody may be without an answer for longer than loads and reloads take. */
const IDLE_MS_MAX = 4 * 60_000;
/** Starts of a proof that took the box down before the release is set aside (agent/core/attempts.ts). */
const CUT_PROOFS_MAX = 3;

/** Told only when something follows from them. */
const OF_EVERY_DAY: ReadonlySet<CoreEvent['kind']> = new Set(['tick', 'offered', 'answered', 'look', 'late']);

export type CheckerParts = {
  readonly queue: EventQueue;
  readonly hash: RunHash;
  readonly trace: Trace;
  readonly factory: string;
};

export class Checker {
  readonly #parts: CheckerParts;
  readonly #oracles = new Map<number, DeviceOracle>();
  readonly #rollouts: RolloutChecks;
  readonly #counted = new Set<string>();
  #store: Store | null = null;
  answers = 0;

  constructor(parts: CheckerParts) {
    this.#parts = parts;
    this.#rollouts = new RolloutChecks((invariant, message) => this.fail(invariant, message, null));
  }

  watch(store: Store): void {
    this.#store = store;
  }

  fail(invariant: string, message: string, device: string | null): never {
    throw new Violation({ invariant, message, device, atMs: this.#parts.queue.nowMs });
  }

  oracleOf(index: number): DeviceOracle {
    const known = this.#oracles.get(index) ?? new DeviceOracle(this.#parts.factory);
    this.#oracles.set(index, known);
    return known;
  }

  onBoot(life: ObservedLife): void {
    this.oracleOf(life.index).onBoot(this.#parts.queue.nowMs);
    this.#tell(life, 'boot', life.boot);
  }

  onStopped(life: ObservedLife): void {
    this.oracleOf(life.index).onStopped();
    this.#tell(life, 'stopped');
  }

  onPersisted(life: ObservedLife): void {
    this.oracleOf(life.index).onPersisted();
  }

  onTurn(life: ObservedLife, { event, before, turn }: { event: CoreEvent; before: CoreState; turn: Turn }): void {
    const { queue, hash } = this.#parts;
    const { state, effects } = turn;
    const { serving } = state;
    hash.fold(queue.nowMs, life.index, event.kind, serving.kind, serving.ref?.digest[0] ?? '-', effects.length);
    for (const effect of effects) hash.fold(effect.kind);
    if (!OF_EVERY_DAY.has(event.kind) || effects.length > 0)
      this.#tell(life, event, effects.map(wordOf), serving.kind, serving.ref?.digest ?? null);
    const oracle = this.oracleOf(life.index);
    this.#followEvent(life, oracle, { event, before, state });
    for (const effect of effects) if (effect.kind === 'emit') this.#followEmit(life, oracle, effect.event);
    if (event.kind === 'booted' || event.kind === 'kill') this.#checkMemory(life, oracle, state);
    this.#checkServing(life, oracle, state);
  }

  /** Everything that must survive is on disk, or known not to be, before anything else of the turn is done. */
  onEffect(life: ObservedLife, effect: Effect): void {
    if (effect.kind === 'persist') return;
    const oracle = this.oracleOf(life.index);
    if (life.asked !== life.state().durable)
      this.#breaks(life, 'on-disk-before-acting', `${effect.kind} before persist`);
    if (effect.kind === 'hello' && effect.lease !== null)
      oracle.hellos.set(effect.lease.nonce, { atMs: this.#parts.queue.nowMs, digest: effect.lease.digest });
    if (effect.kind === 'prove') this.#onProve(life, oracle, effect.ref.digest);
    if (effect.kind === 'cancel') oracle.proving.delete(effect.digest);
    if (effect.kind === 'unload') oracle.proving.delete(effect.digest);
    if (effect.kind !== 'collect-garbage') return;
    const { committed, previous } = oracle.known;
    const lost = [committed, previous, oracle.factory].find(
      (digest) => digest !== null && !effect.keep.includes(digest),
    );
    if (lost !== undefined) this.#breaks(life, 'keeps-what-it-falls-back-to', `${lost} may be removed`);
  }

  onAnswer(life: ObservedLife, { request_id: requestId, model_digest: digest, role }: AnswerRecord): void {
    this.answers += 1;
    this.#parts.hash.fold(requestId, digest[0] ?? '-', role);
    const oracle = this.oracleOf(life.index);
    if (oracle.answered.has(requestId)) this.#breaks(life, 'one-answer-per-frame', `${requestId} by ${digest} too`);
    oracle.answered.add(requestId);
    oracle.answers += 1;
    const why = oracle.forbids(digest, this.#parts.queue.nowMs);
    if (why !== null) this.#breaks(life, 'nobody-answers-who-may-not', `${digest} answered ${requestId}: ${why}`);
  }

  /** At every tick: somebody serves, or has not for long. */
  onTick(life: ObservedLife): void {
    const oracle = this.oracleOf(life.index);
    const { nowMs } = this.#parts.queue;
    if (oracle.idleSinceMs === null || nowMs - oracle.idleSinceMs < IDLE_MS_MAX) return;
    if (oracle.isNamedByKill(oracle.factory) || oracle.known.quarantine.has(oracle.factory)) return;
    const sinceS = Math.round((nowMs - oracle.idleSinceMs) / 1000);
    this.#breaks(life, 'never-without-serving', `no release for ${sinceS} s: ${life.state().serving.because}`);
  }

  /** Time in which the machine stood still is nobody's fault. */
  onFrozen(device: number, forMs: number): void {
    const oracle = this.oracleOf(device);
    if (oracle.idleSinceMs !== null) oracle.idleSinceMs += forMs;
  }

  onSlotFreedTwice(life: ObservedLife, cameraId: string, slot: number): void {
    this.#breaks(life, 'a-slot-is-freed-once', `${cameraId} slot ${slot}`);
  }

  onForgotten(life: ObservedLife, entries: readonly Entry[]): void {
    for (const { boot, seq, kind } of entries) {
      if (!this.#store?.stored.has(`${life.site}/${life.name}/${boot}/${seq}`))
        this.#breaks(life, 'nothing-acknowledged-is-lost', `${kind} ${boot}/${seq} was forgotten and is not stored`);
    }
  }

  onCounted(key: string, { boot, seq, kind }: Entry): void {
    const id = `${key}/${boot}/${seq}`;
    this.#parts.hash.fold('counted', id);
    if (this.#counted.has(id)) this.fail('counted-exactly-once', `${kind} ${id} was counted twice`, key);
    this.#counted.add(id);
  }

  onStep(leader: string, draft: Draft, before: RolloutRow, store: Store): void {
    const { hash, trace, queue } = this.#parts;
    const after = store.rollouts.get(draft.read.id);
    hash.fold('rollout', draft.read.id, draft.state, draft.progress.stageIndex, draft.progress.phase, queue.nowMs);
    if (draft.isTransition)
      trace.add(
        'control-plane',
        queue.nowMs,
        leader,
        draft.kind,
        `${before.state} -> ${draft.state}`,
        draft.progress.reason,
      );
    if (after) this.#rollouts.onWrite({ before, after, draft, store });
  }

  onStarted(row: RolloutRow, store: Store): void {
    this.#parts.trace.add('control-plane', this.#parts.queue.nowMs, 'start', row.id, row.candidate.release);
    this.#rollouts.onStarted(row, store);
  }

  #followEvent(
    life: ObservedLife,
    oracle: DeviceOracle,
    { event, before, state }: { event: CoreEvent; before: CoreState; state: CoreState },
  ): void {
    switch (event.kind) {
      case 'desired': {
        oracle.takesDesired(event);
        const reached = state.desired?.generation ?? 0;
        const owed = oracle.desired?.generation ?? 0;
        if (reached !== owed) this.#breaks(life, 'newest-generation-wins', `in force ${reached}, newest told ${owed}`);
        return;
      }
      case 'kill': {
        oracle.takesKill(event, life);
        const reached = state.durable.kills.find(({ topic }) => topic === event.topic)?.epoch ?? 0;
        const owed = oracle.known.kills.get(event.topic)?.epoch ?? 0;
        if (reached !== owed)
          this.#breaks(life, 'newest-epoch-wins', `${event.topic}: in force ${reached}, told ${owed}`);
        return;
      }
      case 'lease':
        oracle.onLease(event.document, life.boot);
        return;
      case 'local-kill':
        oracle.onLocalKill(event.present);
        return;
      case 'proof':
        oracle.proving.delete(event.record.digest);
        oracle.cutProofs.delete(event.record.digest);
        if (event.record.passed && before.holdings.get(event.record.digest)?.proof === 'proving')
          oracle.proven.add(event.record.digest);
        return;
      case 'load-failed':
        oracle.proving.delete(event.digest);
        oracle.proven.delete(event.digest);
        return;
      case 'runner-died':
      case 'unloaded':
        oracle.proven.delete(event.digest);
        return;
    }
  }

  #followEmit(life: ObservedLife, oracle: DeviceOracle, fields: Extract<Effect, { kind: 'emit' }>['event']): void {
    const { digest = '' } = fields;
    if (fields.kind === 'quarantined') oracle.onQuarantined(fields);
    if (fields.kind === 'quarantine-lifted' && oracle.known.quarantine.has(digest))
      this.#breaks(life, 'quarantine-lasts', `${digest} was let out without a newer order that says so`);
    if (fields.kind !== 'committed') return;
    const isAsked = oracle.desired?.baseline.digest === digest;
    const isKilled = oracle.isNamedByKill(digest) || oracle.isEveryCandidateKilled();
    if (!isAsked || isKilled || !oracle.proven.has(digest) || oracle.known.quarantine.has(digest))
      this.#breaks(life, 'commits-only-what-is-proven', `${digest} asked ${isAsked}, killed ${isKilled}`);
    oracle.onCommitted(digest);
  }

  #onProve(life: ObservedLife, oracle: DeviceOracle, digest: string): void {
    const cuts = oracle.cutProofs.get(digest) ?? 0;
    if (cuts >= CUT_PROOFS_MAX)
      this.#breaks(
        life,
        'a-box-killer-is-set-aside',
        `${digest} is started again after ${cuts} starts that cut the power`,
      );
    oracle.proving.add(digest);
  }

  /** What forbids an answer is all there, after a power cut too. */
  #checkMemory(life: ObservedLife, oracle: DeviceOracle, { durable }: CoreState): void {
    for (const [topic, { digests }] of oracle.known.kills) {
      const kept = durable.kills.find((kills) => kills.topic === topic);
      const isKept = digests.every(
        (digest) => kept?.overflow || kept?.entries.some((entry) => entry.digest === digest),
      );
      if (!isKept) this.#breaks(life, 'a-kill-lasts', `a kill of the ${topic} topic is not in force any more`);
    }
    const lost = [...oracle.known.quarantine.keys()].find(
      (digest) => !durable.quarantine.some((entry) => entry.digest === digest),
    );
    if (lost !== undefined) this.#breaks(life, 'quarantine-lasts', `${lost} is not quarantined any more`);
  }

  #checkServing(life: ObservedLife, oracle: DeviceOracle, state: CoreState): void {
    const { ref } = state.serving;
    oracle.idleSinceMs = ref === null ? (oracle.idleSinceMs ?? this.#parts.queue.nowMs) : null;
    if (ref !== null) {
      const why = oracle.forbids(ref.digest, this.#parts.queue.nowMs);
      if (why !== null) this.#breaks(life, 'nobody-serves-who-may-not', `${ref.digest} serves: ${why}`);
      return;
    }
    const { committed, previous } = oracle.known;
    const idle = [committed, previous, oracle.factory].find((digest) => {
      const holding = digest === null ? undefined : state.holdings.get(digest);
      return (
        digest !== null &&
        holding?.runner === 'loaded' &&
        holding.failedAtMs === null &&
        oracle.forbids(digest, this.#parts.queue.nowMs) === null
      );
    });
    if (idle !== undefined) this.#breaks(life, 'never-without-serving', `${idle} is loaded and nobody serves`);
  }

  #breaks(life: ObservedLife, invariant: string, message: string): never {
    return this.fail(invariant, message, `${life.site}/${life.name}`);
  }

  #tell(life: ObservedLife, ...words: unknown[]): void {
    this.#parts.trace.add(`${life.site}/${life.name}`, this.#parts.queue.nowMs, ...words);
  }
}

function wordOf(effect: Effect): string {
  if (effect.kind === 'emit') return `emit ${effect.event.kind}`;
  if ('ref' in effect) return `${effect.kind} ${effect.ref.digest}`;
  return 'digest' in effect ? `${effect.kind} ${effect.digest}` : effect.kind;
}
