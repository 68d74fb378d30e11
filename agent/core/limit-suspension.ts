// Suspension: a release that was taken off without quarantine stays away for a cool-down, each time twice as long, and
// not for ever: what points at the release sets it aside the third time, anything else waits for a newer order.
import { type Breach, limitsOf, minutes } from './limit-breach.ts';
import type { LimitName, Suspension } from './limit-state.ts';
import { quarantine } from './quarantine.ts';
import type { CoreState, ReleaseRef } from './state.ts';
import { emitting, type Turn, turn } from './turn.ts';

export const SUSPENSIONS_MAX = 3;
/** The longest cool-down, whatever doubling says. */
const COOL_DOWN_MS_MAX = 6 * 3_600_000;

export type SuspensionCause = {
  readonly limit: LimitName;
  readonly reason: string;
  /** False: the machine is at fault, and the release never goes into quarantine for it. */
  readonly isBlamed: boolean;
  /** False: it was not the release that broke the limit, so that no breach is told. */
  readonly isTold: boolean;
};

export function causeOf(breach: Breach): SuspensionCause {
  return { limit: breach.limit, reason: breach.reason, isBlamed: breach.isBlamed, isTold: true };
}

/** What keeps this release away now; null: nothing. */
export function suspensionOf(state: CoreState, digest: string): Suspension | null {
  const suspension = state.suspensions.get(digest);
  return suspension === undefined || suspension.isOver ? null : suspension;
}

export function suspend(state: CoreState, ref: ReleaseRef, cause: SuspensionCause, nowMs: number): Turn {
  if (suspensionOf(state, ref.digest) !== null) return turn(state);
  const times = (state.suspensions.get(ref.digest)?.times ?? 0) + 1;
  const isLast = times >= SUSPENSIONS_MAX;
  const { digest, release } = ref;
  const told = { kind: 'breach' as const, reason: cause.reason, breach: cause.limit, digest, release };
  const effects = cause.isTold ? [emitting(told)] : [];
  if (isLast && cause.isBlamed) {
    const why = { kind: 'breach' as const, reason: `taken off ${times} times: ${cause.reason}`, breach: cause.limit };
    const set = quarantine({ ...state, lastTrouble: cause.reason }, ref, why, nowMs);
    return { state: set.state, effects: [...effects, ...set.effects] };
  }
  const lengthMs = Math.min(COOL_DOWN_MS_MAX, limitsOf(state).coolDownMs * 2 ** (times - 1));
  const until = isLast ? 'until a newer order' : `for ${minutes(lengthMs)}`;
  const suspension: Suspension = {
    digest,
    limit: cause.limit,
    reason: `taken off ${until} (${times} of ${SUSPENSIONS_MAX}): ${cause.reason}`,
    untilMs: isLast ? null : nowMs + lengthMs,
    sinceMs: nowMs,
    times,
    generation: state.desired?.generation ?? 0,
    isOver: false,
  };
  const suspensions = new Map(state.suspensions).set(digest, suspension);
  return turn({ ...state, suspensions, lastTrouble: cause.reason }, ...effects);
}

/** Ends cool-downs that are over; a newer order gives a release that was taken off too often another chance. */
export function expireSuspensions(state: CoreState, nowMs: number): CoreState {
  const generation = state.desired?.generation ?? 0;
  const next = new Map<string, Suspension>();
  for (const [digest, suspension] of state.suspensions) {
    const isForgiven = suspension.untilMs === null && generation > suspension.generation;
    if (isForgiven) continue;
    const isOver = suspension.untilMs !== null && nowMs >= suspension.untilMs;
    next.set(digest, isOver === suspension.isOver ? suspension : { ...suspension, isOver });
  }
  const isSame =
    next.size === state.suspensions.size && [...next].every(([key, value]) => state.suspensions.get(key) === value);
  return isSame ? state : { ...state, suspensions: next };
}
