// The end of the ladder: baseline, previous and factory release have all failed. The device answers nobody, raises an
// alarm with every cause, and begins again from its committed baseline after a minute: a dead unit helps nobody.
import type { EventFields } from './effects.ts';
import { killOfDigest } from './kills.ts';
import { quarantineOf } from './quarantine.ts';
import { wantedBaseline } from './serving.ts';
import { type CoreState, holdingOf, type ReleaseRef } from './state.ts';
import { emitting, type Turn, turn } from './turn.ts';

export const HALT_RETRY_AFTER_MS = 60_000;

/** Halted until somebody answers again: an attempt that fails in between is the same halt, told once. */
export function trackHalt(state: CoreState, nowMs: number): Turn {
  if (state.serving.kind !== 'none' || state.stopping)
    return turn(state.haltedAtMs === null ? state : { ...state, haltedAtMs: null });
  if (wantedBaseline(state) !== null) return turn(state);
  if (state.haltedAtMs === null) return turn({ ...state, haltedAtMs: nowMs }, emitting(alarm(state)));
  const failures = [...state.holdings.values()].map((holding) => holding.failedAtMs ?? 0);
  const sinceMs = Math.max(state.haltedAtMs, ...failures);
  return turn(nowMs - sinceMs < HALT_RETRY_AFTER_MS ? state : beginAnew(state));
}

function alarm(state: CoreState): EventFields {
  const causes = ladder(state).map((ref) => `${ref.release} ${causeOf(state, ref)}`);
  const reason = `halted, no answers: ${causes.join('; ')}; begun again every ${HALT_RETRY_AFTER_MS / 1000} s`;
  return { kind: 'halted', reason };
}

/** Everybody gets another chance; what is killed or set aside stays so. */
function beginAnew(state: CoreState): CoreState {
  const holdings = [...state.holdings].map(
    ([digest, holding]) => [digest, { ...holding, failedAtMs: null, deathsAtMs: [], hindrance: null }] as const,
  );
  return { ...state, holdings: new Map(holdings) };
}

function ladder({ durable }: CoreState): readonly ReleaseRef[] {
  const chain = [durable.committed, durable.previous, durable.factory].filter((ref) => ref !== null);
  return chain.filter((ref, at) => chain.findIndex((other) => other.digest === ref.digest) === at);
}

function causeOf(state: CoreState, ref: ReleaseRef): string {
  const kill = killOfDigest(state.durable, ref.digest);
  if (kill !== null) return `is killed (${kill.id}: ${kill.reason})`;
  const quarantined = quarantineOf(state, ref.digest);
  if (quarantined !== null) return `is quarantined (${quarantined.kind}: ${quarantined.reason})`;
  const holding = holdingOf(state, ref);
  return `has failed: ${holding.hindrance?.reason ?? 'its runner ended again and again'}`;
}
