// Quarantine: a release that failed on this device is set aside on disk. Only a newer generation that lists it lifts it;
// time, a reboot or the same order again never do.
import type { Desired } from '../../shared/protocol/documents.ts';
import type { CoreState, Quarantined, QuarantineKind, ReleaseRef } from './state.ts';
import { wallAt } from './state.ts';
import { emitting, type Turn, turn } from './turn.ts';

/** Entries kept, so that the slots stay within 4 KB. When full, no candidate is tried: a person must look. */
export const QUARANTINE_MAX = 8;
const REASON_MAX = 100;

export function quarantineOf(state: CoreState, digest: string): Quarantined | null {
  const entry = state.durable.quarantine.find((quarantined) => quarantined.digest === digest);
  if (entry) return entry;
  return null;
}

export function isQuarantineFull(state: CoreState): boolean {
  return state.durable.quarantine.length >= QUARANTINE_MAX;
}

export function quarantine(
  state: CoreState,
  ref: ReleaseRef,
  why: { kind: QuarantineKind; reason: string; breach?: string },
  nowMs: number,
): Turn {
  if (quarantineOf(state, ref.digest)) return turn(state);
  const generation = state.durable.desired?.generation ?? 0;
  const entry: Quarantined = {
    release: ref.release,
    digest: ref.digest,
    kind: why.kind,
    reason: why.reason.slice(0, REASON_MAX),
    sinceMs: wallAt(state, nowMs),
    generation,
  };
  const durable = {
    ...state.durable,
    quarantine: [...state.durable.quarantine, entry].slice(-QUARANTINE_MAX),
    attempts: state.durable.attempts.filter((attempt) => attempt.digest !== ref.digest),
  };
  const event = {
    kind: 'quarantined' as const,
    reason: why.reason,
    digest: ref.digest,
    release: ref.release,
    generation,
    ...(why.breach === undefined ? {} : { breach: why.breach }),
  };
  return turn({ ...state, durable }, emitting(event));
}

/** Lifts what a newer generation lists. An entry made under this very generation stays, and so does one that was made after the lift. */
export function liftQuarantines(state: CoreState, desired: Desired): Turn {
  const lifted = new Map(desired.liftQuarantine.map((lift) => [lift.digest, lift]));
  const gone = state.durable.quarantine.filter(({ digest, generation }) => {
    const lift = lifted.get(digest);
    return lift !== undefined && generation < Math.min(desired.generation, lift.below ?? desired.generation);
  });
  if (gone.length === 0) return turn(state);
  const durable = { ...state.durable, quarantine: state.durable.quarantine.filter((entry) => !gone.includes(entry)) };
  const events = gone.map((entry) =>
    emitting({
      kind: 'quarantine-lifted',
      reason: lifted.get(entry.digest)?.reason ?? '',
      digest: entry.digest,
      release: entry.release,
      generation: desired.generation,
    }),
  );
  return turn({ ...state, durable }, ...events);
}
