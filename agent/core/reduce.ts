// The reducer of the supervisor: one event, one turn. Everything that must survive is persisted before anything else
// of the same turn is done, and frames are sent elsewhere before a runner is ended. Pure: the same state, event and time always give the same turn.
import { endAttempt, STARTS_MAX } from './attempts.ts';
import { lostReason } from './cameras.ts';
import { followClock } from './clock.ts';
import { acceptDesired, recordRefusal } from './documents.ts';
import type { Effect } from './effects.ts';
import type { CoreEvent } from './events.ts';
import { acceptKill, acceptLocalKill, acknowledgeKills, killOf, killOfDigest, resumeAcks } from './kills.ts';
import { isLapseUntold, onLease, onLink, onSlept } from './leasing.ts';
import { isBad } from './limit-breach.ts';
import { foldOpinion } from './limit-content.ts';
import { notePulse } from './limit-gap.ts';
import { foldAnswered, foldLate, foldOffered } from './limit-tracks.ts';
import { onMachineUse, onSensors, watchLimits } from './limit-watch.ts';
import { onSized } from './memory-steps.ts';
import { isBusy } from './plan.ts';
import { quarantine } from './quarantine.ts';
import { collectGarbage, settle } from './settle.ts';
import { onInstalled, onInstallFailed, onLoaded, onLoadFailed, onProof, onScored, onUnloaded } from './staging.ts';
import { type CoreState, isOfBaselineChain, type ReleaseRef, wallAt } from './state.ts';
import { countTakeOver } from './take-overs.ts';
import { onFrameFault, onRunnerDied, refOf } from './trouble.ts';
import { andThen, emitting, type Turn, turn } from './turn.ts';

/** Events that come with every frame and change neither routes nor steps by themselves. */
const QUIET: ReadonlySet<CoreEvent['kind']> = new Set(['offered', 'late', 'look', 'opinion', 'machine-use']);

export function step(state: CoreState, event: CoreEvent, monotonicNowMs: number): Turn {
  const present = { ...state, tracks: notePulse(state.tracks, monotonicNowMs) };
  const folded = fold(present, event, monotonicNowMs);
  if (QUIET.has(event.kind) && !isLapseUntold(folded.state, monotonicNowMs)) return folded;
  const followed = andThen(folded, (next) => settle(next, monotonicNowMs));
  const settled = andThen(followed, (next) => collectGarbage(state, next));
  const { durable } = settled.state;
  const isRetry = event.kind === 'tick' && settled.state.diskFault !== null;
  const mustPersist = durable !== state.durable || event.kind === 'booted' || isRetry;
  const persist: readonly Effect[] = mustPersist ? [{ kind: 'persist', durable }] : [];
  const routes = settled.effects.filter((effect) => effect.kind === 'reroute');
  const others = settled.effects.filter((effect) => effect.kind !== 'reroute');
  return { state: settled.state, effects: [...persist, ...routes, ...others] };
}

function fold(state: CoreState, event: CoreEvent, nowMs: number): Turn {
  switch (event.kind) {
    case 'booted':
      return onBooted(state, event.slots, nowMs);
    case 'desired':
      return orRefuse(state, acceptDesired(state, event), nowMs);
    case 'kill': {
      const accepted = acceptKill(state, event);
      return 'refusal' in accepted ? recordRefusal(state, 'older-epoch', accepted.refusal, nowMs) : accepted;
    }
    case 'lease':
      return onLease(state, event.document, nowMs);
    case 'link':
      return onLink(state, event.isUp, nowMs);
    case 'slept':
      return onSlept(state, event.sleptMs);
    case 'local-kill':
      return acceptLocalKill(state, event.present, event.reason, nowMs);
    case 'refused':
      return recordRefusal(state, event.refusal, event.reason, nowMs);
    case 'installed':
      return onInstalled(state, event);
    case 'sized':
      return onSized(state, event, nowMs);
    case 'install-failed':
      return onInstallFailed(state, event, nowMs);
    case 'loaded':
      return onLoaded(state, event, nowMs);
    case 'load-failed':
      return onLoadFailed(state, event, nowMs);
    case 'unloaded':
      return onUnloaded(state, event.digest);
    case 'proof':
      return onProof(state, event, nowMs);
    case 'scored':
      return onScored(state, event, nowMs);
    case 'offered':
      return turn({ ...state, tracks: foldOffered(state.tracks, nowMs) });
    case 'look':
      return turn(state);
    case 'answered':
      return onAnswered(state, event, nowMs);
    case 'late':
      return turn({ ...state, tracks: foldLate(state.tracks, event.digest, event.serviceMs) });
    case 'frame-fault':
      return onFrameFault(state, event, nowMs);
    case 'runner-died':
      return onRunnerDied(state, event, nowMs);
    case 'camera':
      return onCamera(state, event, nowMs);
    case 'opinion':
      return turn({ ...state, tracks: foldOpinion(state.tracks, event.content) });
    case 'sensors':
      return onSensors(state, event.sensors, nowMs);
    case 'machine-use':
      return onMachineUse(state, event.use, nowMs);
    case 'persisted':
      return turn(state.diskFault === event.fault ? state : { ...state, diskFault: event.fault });
    case 'tick':
      return watchLimits(followClock(state, event.wallNowMs, nowMs), nowMs);
    case 'stopping':
      return onStopping(state);
  }
}

function orRefuse(state: CoreState, result: ReturnType<typeof acceptDesired>, nowMs: number): Turn {
  return 'refusal' in result ? recordRefusal(state, result.refusal, result.reason, nowMs) : result;
}

/** A start of a candidate that never came to an end, again and again, is a crash loop of the whole box. */
function onBooted(state: CoreState, slots: string, nowMs: number): Turn {
  const { durable } = state;
  const reason = `boot ${durable.bootCount}, state slots ${slots}, committed ${durable.committed.release}`;
  const { digest, release } = durable.committed;
  let next = turn(resumeAcks(state, nowMs), emitting({ kind: 'boot', reason, digest, release }));
  for (const attempt of durable.attempts.filter((kept) => kept.starts >= STARTS_MAX)) {
    const why = { kind: 'crash-loop' as const, reason: `started ${attempt.starts} times and never ended well` };
    const ref = { release: state.proofs.get(attempt.digest)?.release ?? 'unknown', digest: attempt.digest };
    next = andThen(next, (reached) => quarantine(reached, ref, why, nowMs));
  }
  return next;
}

function onAnswered(state: CoreState, event: AnsweredEvent, nowMs: number): Turn {
  const ref = refOf(state, event.digest);
  if (!ref) return turn(state);
  const isServing = event.role !== 'shadow';
  const isDisturbed = isBusy(state) || state.scoring !== null;
  const tracks = foldAnswered(state.tracks, { ...event, nowMs, isServing, isDisturbed });
  if (event.role === 'shadow') return turn({ ...state, tracks });
  const counted = { ...state, tracks };
  const told = ref.digest === state.serving.ref?.digest ? countAnswer(counted, ref, event, nowMs) : turn(counted);
  if (isKilled(state, event.digest)) return told;
  return andThen(told, (next) => acknowledgeKills(next, { ref, requestId: event.requestId }, nowMs));
}

type AnsweredEvent = Extract<CoreEvent, { kind: 'answered' }>;

/** An answer of the serving release. One that stands in for a single frame does not count: nothing has been switched. */
function countAnswer(state: CoreState, ref: ReleaseRef, event: AnsweredEvent, nowMs: number): Turn {
  const before = state.answering;
  const took = before?.ref.digest !== ref.digest;
  const served = event.role === 'candidate' || (!took && before?.role === 'candidate') ? 'candidate' : 'baseline';
  const answering = { ref, frames: took ? 1 : (before?.frames ?? 0) + 1, role: served } as const;
  const answered: CoreState = { ...state, answering };
  if (!took) return turn(answered);
  const counted = served === 'candidate' ? countTakeOver(answered, ref, nowMs) : answered;
  return announce(counted, ref, event.requestId, nowMs);
}

/** The first answer of another release than before: that is when a switch has happened, and how long it took. */
function announce(state: CoreState, ref: ReleaseRef, requestId: string, nowMs: number): Turn {
  const serving = emitting({
    kind: 'serving',
    reason: state.serving.because,
    digest: ref.digest,
    release: ref.release,
    requestId,
    generation: state.desired?.generation ?? 0,
  });
  const revert = state.pendingRevert;
  if (revert === null) return turn(state, serving);
  if (revert.from.digest === ref.digest) return turn({ ...state, pendingRevert: null }, serving);
  const reverted = emitting({
    kind: 'reverted',
    reason: revert.reason,
    digest: revert.from.digest,
    release: revert.from.release,
    requestId,
    gapMs: Math.max(0, nowMs - revert.decidedAtMs),
    generation: state.desired?.generation ?? 0,
  });
  return turn({ ...state, pendingRevert: null }, serving, reverted);
}

function isKilled(state: CoreState, digest: string): boolean {
  if (isOfBaselineChain(state.durable, digest)) return killOfDigest(state.durable, digest) !== null;
  return killOf(state, digest) !== null;
}

function onCamera(state: CoreState, event: Extract<CoreEvent, { kind: 'camera' }>, nowMs: number): Turn {
  const before = state.cameras.get(event.cameraId);
  const { lost, healthy, why = null } = event;
  const sinceMs = before?.lost === lost ? before.sinceMs : wallAt(state, nowMs);
  const cameras = new Map(state.cameras).set(event.cameraId, { lost, healthy, sinceMs, why });
  const isChanged = before !== undefined && isBad(before) !== isBad(event);
  const tracks = isChanged ? { ...state.tracks, camerasChangedAtMs: nowMs } : state.tracks;
  const next = { ...state, cameras, tracks };
  if (before === undefined ? !lost : before.lost === lost) return turn(next);
  const reason = lost ? lostReason(event.cameraId, why) : `camera ${event.cameraId} gives frames again`;
  return turn(next, emitting({ kind: lost ? 'camera-lost' : 'camera-back', reason }));
}

/** A clean stop: what is loaded now ends by our own will. */
function onStopping(state: CoreState): Turn {
  const loaded = [...state.holdings.values()].filter((holding) => holding.runner !== 'none');
  const ended = loaded.reduce((next, holding) => endAttempt(next, holding.ref.digest), state);
  return turn({ ...ended, stopping: true });
}
