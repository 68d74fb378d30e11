// Kills: what is in force on this device and what it stops. A kill is obeyed with a wrong clock, an expired document
// and a full disk; only its signature and its epoch are asked. Rearm is the same document without the entry.
import type { KillDocument, KillEntry } from '../../shared/protocol/documents.ts';
import type { EventFields } from './effects.ts';
import {
  type CoreState,
  type DurableState,
  isOfBaselineChain,
  type KeptKill,
  type KillTopic,
  type ReleaseRef,
  type TopicKills,
  wallAt,
} from './state.ts';
import { andThen, emitting, type Turn, turn } from './turn.ts';

/** Entries kept per topic, so that the slots stay within 4 KB; more than this stops every candidate. */
export const KEPT_KILLS_MAX = 5;
const REASON_MAX = 60;
const PENDING_ACKS_MAX = 16;

/** Why `digest` may not run as a candidate; null when no kill reaches it. */
export function killOf(state: CoreState, digest: string): KeptKill | null {
  return killOfDigest(state.durable, digest) ?? killOfEveryCandidate(state.durable);
}

/** A kill that names this very release: it may not even answer as the committed baseline. */
export function killOfDigest(durable: DurableState, digest: string): KeptKill | null {
  return entriesInForce(durable).find((entry) => entry.digest === digest) ?? null;
}

export function killOfEveryCandidate(durable: DurableState): KeptKill | null {
  const overflow = durable.kills.find((kills) => kills.overflow);
  if (overflow)
    return { id: `${overflow.topic}-overflow`, reason: 'more kills than this device can keep', digest: null };
  return entriesInForce(durable).find((entry) => entry.digest === null) ?? null;
}

export function entriesInForce(durable: DurableState): readonly KeptKill[] {
  return durable.kills.flatMap((kills) => kills.entries);
}

export function killEpochOf(durable: DurableState): number {
  return Math.max(0, ...durable.kills.map((kills) => kills.epoch));
}

/** Takes a verified kill document: an older epoch is refused, the same document again changes nothing. */
export function acceptKill(
  state: CoreState,
  event: { topic: KillTopic; document: KillDocument; documentDigest: string; receivedAtMs: number },
): Turn | { readonly refusal: string } {
  const before = state.durable.kills.find((kills) => kills.topic === event.topic);
  const { epoch } = event.document;
  if (before && epoch === before.epoch && event.documentDigest === before.documentDigest) return turn(state);
  if (before && epoch <= before.epoch)
    return {
      refusal: `kill document of epoch ${epoch} on the ${event.topic} topic, epoch ${before.epoch} is in force`,
    };
  const reaching = event.document.kills.filter((entry) => reaches(entry, state));
  const known = new Set(before?.entries.map((entry) => entry.id) ?? []);
  const isNew = reaching.some((entry) => !known.has(entry.id)) || reaching.length > KEPT_KILLS_MAX;
  return replaceKills(
    state,
    {
      topic: event.topic,
      epoch,
      documentDigest: event.documentDigest,
      acked: !isNew && (before?.acked ?? true),
      overflow: reaching.length > KEPT_KILLS_MAX,
      sinceMs: isNew || !before ? wallAt(state, event.receivedAtMs) : before.sinceMs,
      entries: reaching.slice(0, KEPT_KILLS_MAX).map(keep),
    },
    event.receivedAtMs,
  );
}

/** The local kill file appeared or went away: like a kill of this device, for as long as the file is there. */
export function acceptLocalKill(state: CoreState, present: boolean, reason: string, nowMs: number): Turn {
  const before = state.durable.kills.find((kills) => kills.topic === 'local');
  if ((before !== undefined && before.entries.length > 0) === present) return turn(state);
  const entries = present ? [{ id: 'local-kill-file', reason: reason.slice(0, REASON_MAX), digest: null }] : [];
  return replaceKills(
    state,
    {
      topic: 'local',
      epoch: 0,
      documentDigest: '',
      acked: !present,
      overflow: false,
      sinceMs: wallAt(state, nowMs),
      entries,
    },
    nowMs,
  );
}

/** Kills that were in force before this boot and never acknowledged: the first baseline answer acknowledges them. */
export function resumeAcks(state: CoreState, nowMs: number): CoreState {
  const pending = state.durable.kills
    .filter((kills) => !kills.acked && kills.entries.length > 0)
    .map((kills) => ({
      topic: kills.topic,
      epoch: kills.epoch,
      receivedAtMs: nowMs,
      wasServing: false,
      reason: `${describeKill(kills.entries[0])} (in force since before this boot)`,
    }));
  return { ...state, pendingAcks: pending };
}

/** An allowed release has answered a frame: every pending kill is acknowledged with its time to effect. */
export function acknowledgeKills(
  state: CoreState,
  answer: { ref: ReleaseRef; requestId: string },
  nowMs: number,
): Turn {
  if (state.pendingAcks.length === 0) return turn(state);
  const epochs = new Set(state.pendingAcks.map((ack) => ack.topic));
  const kills = state.durable.kills.map((kept) => (epochs.has(kept.topic) ? { ...kept, acked: true } : kept));
  const events: EventFields[] = state.pendingAcks.map((ack) => ({
    kind: 'kill-ack',
    reason: ack.reason,
    digest: answer.ref.digest,
    release: answer.ref.release,
    killEpoch: ack.epoch,
    effectMs: Math.max(0, nowMs - ack.receivedAtMs),
    wasServing: ack.wasServing,
    requestId: answer.requestId,
  }));
  return turn({ ...state, durable: { ...state.durable, kills }, pendingAcks: [] }, ...events.map(emitting));
}

function replaceKills(state: CoreState, kills: TopicKills, nowMs: number): Turn {
  const before = state.durable.kills.find((kept) => kept.topic === kills.topic);
  const others = state.durable.kills.filter((kept) => kept.topic !== kills.topic);
  const durable = { ...state.durable, kills: [...others, kills] };
  const kept: CoreState = { ...state, durable };
  const raised = kills.acked ? turn(kept) : turn(awaitAck(kept, kills, nowMs));
  const gone = before?.entries.filter((entry) => !kills.entries.some((other) => other.id === entry.id)) ?? [];
  if (gone.length === 0) return raised;
  return andThen(raised, (next) => turn(next, emitting(rearmed(gone, kills))));
}

function awaitAck(state: CoreState, kills: TopicKills, nowMs: number): CoreState {
  const serving = state.serving.ref;
  const wasServing =
    serving !== null && stops(kills, serving.digest, !isOfBaselineChain(state.durable, serving.digest));
  const pending = {
    topic: kills.topic,
    epoch: kills.epoch,
    receivedAtMs: nowMs,
    wasServing,
    reason: describeKill(kills.entries[0]),
  };
  return { ...state, pendingAcks: [...state.pendingAcks, pending].slice(-PENDING_ACKS_MAX) };
}

function stops(kills: TopicKills, digest: string, isCandidate: boolean): boolean {
  if (kills.overflow && isCandidate) return true;
  return kills.entries.some((entry) => entry.digest === digest || (entry.digest === null && isCandidate));
}

function rearmed(gone: readonly KeptKill[], kills: TopicKills): EventFields {
  return {
    kind: 'rearmed',
    reason: `no longer killed on the ${kills.topic} topic: ${gone.map((entry) => entry.id).join(', ')}`,
    killEpoch: kills.epoch,
  };
}

function describeKill(entry: KeptKill | undefined): string {
  return entry ? `kill ${entry.id}: ${entry.reason}` : 'kill';
}

function reaches(entry: KillEntry, self: { site: string; device: string }): boolean {
  const scope = entry.scope;
  switch (scope.kind) {
    case 'fleet':
    case 'rollout':
    case 'release':
      return true;
    case 'site':
      return scope.site === self.site;
    case 'device':
      return scope.site === self.site && scope.device === self.device;
  }
}

function keep(entry: KillEntry): KeptKill {
  const { scope } = entry;
  const digest = scope.kind === 'rollout' || scope.kind === 'release' ? scope.digest : null;
  return { id: entry.id, reason: entry.reason.slice(0, REASON_MAX), digest };
}
