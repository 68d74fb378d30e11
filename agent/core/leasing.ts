// The lease in the life of the device: when to say hello for one, what an arriving document changes, and what is told
// when a serving candidate's lease lapses or comes back. Never a strike, never a quarantine: a network is not a fault of the model.
import type { Lease } from '../../shared/protocol/documents.ts';
import type { Reported } from '../../shared/protocol/reports.ts';
import { recordRefusal } from './documents.ts';
import { killOf } from './kills.ts';
import {
  askLease,
  countSleep,
  dropLease,
  endOf,
  isHelloDue,
  type LeaseNeed,
  type LeaseRefusal,
  type LeaseTrack,
  standingOf,
  takeLease,
} from './lease.ts';
import { candidateOf, isReady, leaseNeedOf, leaseStandingOf } from './serving.ts';
import { type CoreState, wallAt } from './state.ts';
import { andThen, emitting, type Turn, turn } from './turn.ts';

/** One sentence per kind, whatever the document says: a flood of them is one cause. */
const REFUSED: Readonly<Record<LeaseRefusal, string>> = {
  'lease-of-another-boot': 'a lease answers a hello of another boot',
  'lease-replayed': 'a lease answers no hello that waits for one: it was taken already, is too old, or is not ours',
  'lease-of-another-release': 'a lease names a release that does not need one here',
};
/** Hellos without an answer before a device says that it waits. */
const WAITING_AFTER_HELLOS = 2;

/** A verified lease document has arrived; when is of no interest, only which hello it answers. */
export function onLease(state: CoreState, document: Lease, nowMs: number): Turn {
  if (document.site !== state.site || document.device !== state.device)
    return recordRefusal(state, 'wrong-address', `lease for ${document.site}/${document.device}`, nowMs);
  const taken = takeLease(state.leases, document, { boot: state.boot, need: leaseNeedOf(state) });
  if ('refusal' in taken) return recordRefusal(state, taken.refusal, REFUSED[taken.refusal], nowMs);
  return turn({ ...state, leases: taken });
}

/** A connection begins with a hello, whether or not it asks for something. */
export function onLink(state: CoreState, isUp: boolean, nowMs: number): Turn {
  const linked = { ...state, isLinkUp: isUp };
  if (!isUp) return turn(linked);
  const need = askable(linked);
  return need === null ? turn(linked, { kind: 'hello', lease: null }) : sayHello(linked, need, nowMs);
}

export function onSlept(state: CoreState, sleptMs: number): Turn {
  return turn({ ...state, leases: countSleep(state.leases, sleptMs) });
}

/** Asked after every event: forgets what is not needed any more, tells what has changed, says hello when it is time. */
export function trackLease(state: CoreState, nowMs: number): Turn {
  const need = leaseNeedOf(state);
  if (need === null || killOf(state, need.digest) !== null) return turn(withTrack(state, dropLease(state.leases)));
  return andThen(tellLapse(state, need, nowMs), (next) => {
    const asked = askable(next);
    const isDue = asked !== null && next.isLinkUp && isHelloDue(next.leases, asked, next.device, nowMs);
    return isDue ? sayHello(next, asked, nowMs) : turn(next);
  });
}

/** A candidate still serves whose lease has run out: even an event that changes nothing else must be looked at now. */
export function isLapseUntold(state: CoreState, nowMs: number): boolean {
  if (state.serving.kind !== 'candidate' || state.leases.lapsedAtMs !== null) return false;
  const standing = leaseStandingOf(state, nowMs);
  return standing !== null && standing.state !== 'running';
}

/** As the reported document tells it; null when nothing here needs a lease. */
export function leaseReportOf(state: CoreState, nowMs: number): Reported['lease'] {
  const standing = leaseStandingOf(state, nowMs);
  return standing && { state: standing.state, leftMs: Math.round(standing.leftMs) };
}

/** Why a candidate that is ready does not answer, when that is its lease. */
export function leaseBlocked(state: CoreState, nowMs: number): Reported['blocked'][number] | null {
  const candidate = candidateOf(state);
  const need = leaseNeedOf(state);
  if (candidate === null || need === null || !isReady(state, candidate)) return null;
  const { unanswered, askingSinceMs } = state.leases;
  const standing = standingOf(state.leases, need, nowMs);
  if (standing.state === 'lapsed') {
    const reason = `the lease of ${candidate.release} has lapsed; the baseline answers until the control plane renews it`;
    return { kind: 'lease-lapsed', reason, sinceMs: wallAt(state, endOf(state.leases, need) ?? nowMs) };
  }
  if (standing.state !== 'none' || (state.isLinkUp && unanswered < WAITING_AFTER_HELLOS)) return null;
  const why = state.isLinkUp ? 'the control plane has not granted one' : 'the control plane cannot be reached';
  const reason = `${candidate.release} waits for its first lease of this boot: ${why}`;
  return { kind: 'lease-lapsed', reason, sinceMs: wallAt(state, askingSinceMs || state.startedAtMs) };
}

function tellLapse(state: CoreState, need: LeaseNeed, nowMs: number): Turn {
  const { state: standing } = standingOf(state.leases, need, nowMs);
  const { lapsedAtMs } = state.leases;
  const hasLapsed = standing === 'lapsed' || standing === 'held';
  if (hasLapsed && lapsedAtMs === null && servesUnderLease(state, need)) {
    const next = withTrack(state, { ...state.leases, lapsedAtMs: nowMs });
    return turn(next, tell(state, 'lease-lapsed', lapseReason(need)));
  }
  if (hasLapsed || lapsedAtMs === null) return turn(state);
  const renewed = withTrack(state, { ...state.leases, lapsedAtMs: null });
  const lapsedS = Math.round((nowMs - lapsedAtMs) / 1000);
  return turn(
    renewed,
    tell(state, 'lease-renewed', `renewed ${lapsedS} s after it had lapsed; the candidate may answer`),
  );
}

function lapseReason({ terms }: LeaseNeed): string {
  const after = `not renewed within ${terms.ttlMs / 1000} s`;
  return terms.onLapse === 'hold'
    ? `${after}; this site holds: the candidate goes on answering`
    : `${after}; the baseline answers, the candidate stays loaded and proven`;
}

function servesUnderLease({ serving }: CoreState, { digest }: LeaseNeed): boolean {
  return serving.kind === 'candidate' && serving.ref?.digest === digest;
}

/** A release that may not run here now asks for nothing. */
function askable(state: CoreState): LeaseNeed | null {
  return state.stopping || candidateOf(state) === null ? null : leaseNeedOf(state);
}

function sayHello(state: CoreState, need: LeaseNeed, nowMs: number): Turn {
  const leases = askLease(state.leases, need, nowMs);
  return turn({ ...state, leases }, { kind: 'hello', lease: { nonce: leases.nonce, digest: need.digest } });
}

function tell(state: CoreState, kind: 'lease-lapsed' | 'lease-renewed', reason: string) {
  const candidate = state.desired?.candidate;
  const named = candidate
    ? { digest: candidate.digest, release: candidate.release, rolloutId: candidate.rolloutId }
    : {};
  return emitting({ kind, reason, ...named, generation: state.desired?.generation ?? 0 });
}

function withTrack(state: CoreState, leases: LeaseTrack): CoreState {
  return leases === state.leases ? state : { ...state, leases };
}
