// How much of a rollout this device has room for, by what is free before anything is downloaded: `warm` holds baseline and
// candidate loaded, `cold-baseline` proves and hands over beside the baseline and then lets it go, else it is refused.
// Going back is always allowed, whatever memory says.
import { type MemoryState, openMemory } from './memory-state.ts';
import { wantedBaseline } from './serving.ts';
import { type CoreState, type Holding, holdingOf, type ReleaseRef, wallAt } from './state.ts';

const MB = 1024 * 1024;
/** Resident memory of a runner without a model; what its model may use on top is limits.memoryMb of its release. */
export const RUNNER_FLOOR_BYTES = 150 * MB;
/** Of a release whose manifest says nothing. */
const MEMORY_MB_DEFAULT = 400;
/** Warm goes on while this share of the reserve is free, and comes back at this one: memory wavers. */
const TIGHT_SHARE = 0.5;
const ROOMY_SHARE = 1.25;
const TIGHT_FOR_MS = 30_000;
const ROOMY_FOR_MS = 60_000;
/** Answers of a candidate before its baseline may rest. */
const REST_AFTER_ANSWERS = 10;
/** A baseline that rests has answered its golden pictures within this time; it is asked again before that is over. */
export const PROOF_FRESH_MS = 24 * 3_600_000;
const PROOF_GRACE_MS = 3_600_000;
/** A wait longer than this is one after a golden run that came to no end. */
const SCORE_AFTER_BOOT_MS = 20_000;

export type Admission =
  | { readonly kind: 'warm' | 'cold-baseline'; readonly because: string }
  | { readonly kind: 'refuse'; readonly reason: string }
  /** What is free now is not known yet. */
  | { readonly kind: 'wait' };

/** MemAvailable; null: not known, and then nothing is held back. */
export function availableBytes(state: CoreState): number | null {
  const { memoryTotalBytes = null, memoryUsedBytes = null } = state.sensors ?? {};
  return memoryTotalBytes === null || memoryUsedBytes === null ? null : memoryTotalBytes - memoryUsedBytes;
}

/** A runner for each camera. */
export function needBytes(state: CoreState, holding: Holding): number {
  return Math.max(1, state.cameras.size) * (RUNNER_FLOOR_BYTES + (holding.memoryMb ?? MEMORY_MB_DEFAULT) * MB);
}

/** Asked when the size of a release is known and again before it is loaded for the first time. */
export function admit(state: CoreState, ref: ReleaseRef): Admission {
  const available = availableBytes(state);
  const holding = holdingOf(state, ref);
  if (available === null) return { kind: 'warm', because: 'how much memory is free is not known' };
  const need = needBytes(state, holding);
  const { reserveBytes } = state.memory;
  const observed = `${mb(need)} needed by ${describeNeed(state, holding)}, ${mb(available)} available`;
  if (available - need >= reserveBytes)
    return { kind: 'warm', because: `${observed}, ${mb(reserveBytes)} kept in reserve` };
  if (available < need) return { kind: 'refuse', reason: `not even one more runner fits: ${observed}` };
  const why = whyWarmIsNeeded(state, ref);
  const tight = `${observed}, ${mb(reserveBytes)} must stay in reserve`;
  if (why !== null) return { kind: 'refuse', reason: `${why}, and both do not fit: ${tight}` };
  return { kind: 'cold-baseline', because: `both do not fit for long: ${tight}` };
}

/** Admission before the first load: the baseline that answers meanwhile must be in the figures. */
export function admitNow(state: CoreState, ref: ReleaseRef): Admission {
  const base = wantedBaseline(state);
  const holding = base === null ? null : holdingOf(state, base);
  // One that keeps failing is not waited for: the release on trial may be what repairs this device.
  if (holding !== null && holding.runner !== 'loaded' && holding.deathsAtMs.length === 0) return { kind: 'wait' };
  const { readAtMs } = state.memory;
  if (readAtMs !== null && readAtMs < (holding?.loadedAtMs ?? 0)) return { kind: 'wait' };
  return admit(state, ref);
}

/** With every reading of the sensors, and whatever is on trial. */
export function trackMemory(state: CoreState, nowMs: number): MemoryState {
  const { memory } = state;
  if (state.desired?.candidate == null) return { ...openMemory(memory.reserveBytes), readAtMs: memory.readAtMs };
  const available = availableBytes(state);
  if (available === null) return { ...memory, tightSinceMs: null, roomySinceMs: null };
  const isTight = available < memory.reserveBytes * TIGHT_SHARE;
  const base = holdingOf(state, state.durable.committed);
  const isRoomy = available - needBytes(state, base) >= memory.reserveBytes * ROOMY_SHARE;
  const tightSinceMs = isTight ? (memory.tightSinceMs ?? nowMs) : null;
  const roomySinceMs = isRoomy ? (memory.roomySinceMs ?? nowMs) : null;
  const next = { ...memory, tightSinceMs, roomySinceMs };
  if (memory.mode === 'warm' || roomySinceMs === null || nowMs - roomySinceMs < ROOMY_FOR_MS) return next;
  return { ...next, mode: 'warm', because: `${mb(available)} available: both fit again` };
}

/** Memory has run short beside a release on trial: null, or why it cannot stay warm. Asked at every tick. */
export function shortage(state: CoreState, nowMs: number): string | null {
  const { tightSinceMs, reserveBytes } = state.memory;
  const available = availableBytes(state);
  if (available === null || tightSinceMs === null || nowMs - tightSinceMs < TIGHT_FOR_MS) return null;
  return `${mb(available)} available < ${mb(reserveBytes * TIGHT_SHARE)}, half of the reserve, for ${TIGHT_FOR_MS / 1000} s`;
}

/** Why a release on trial cannot do with a baseline that rests; null when it can. */
export function whyWarmIsNeeded(state: CoreState, ref: ReleaseRef): string | null {
  const candidate = state.desired?.candidate;
  if (candidate?.digest !== ref.digest) return null;
  if (candidate.requireWarm) return 'its rollout demands both to be loaded';
  return candidate.role === 'shadow' ? 'a shadow runs beside the baseline' : null;
}

/** The baseline is not loaded while the candidate answers: its files are here, and it has answered its golden pictures lately. */
export function mayRest(state: CoreState, base: ReleaseRef, nowMs: number): boolean {
  const { memory, serving, answering } = state;
  if (memory.mode !== 'cold-baseline' || serving.kind !== 'candidate' || serving.ref === null) return false;
  if (base.digest !== state.durable.committed.digest) return false;
  if (answering?.ref.digest !== serving.ref.digest || answering.frames < REST_AFTER_ANSWERS) return false;
  const ageMs = proofAgeMs(state, base, nowMs);
  return holdingOf(state, base).files === 'installed' && ageMs !== null && ageMs < PROOF_FRESH_MS + PROOF_GRACE_MS;
}

/**
 * The baseline that rests, for which a runner without its model stands by: a part of the memory that it has let go. Null: none
 * rests, or memory is short even so.
 */
export function standsBy(state: CoreState, nowMs: number): ReleaseRef | null {
  const base = state.durable.committed;
  if (!mayRest(state, base, nowMs) || holdingOf(state, base).runner !== 'none') return null;
  const available = availableBytes(state);
  return available !== null && available < state.memory.reserveBytes * TIGHT_SHARE ? null : base;
}

/** Age of the golden result that a resting baseline relies on; null: it has none that is good. */
export function proofAgeMs(state: CoreState, base: ReleaseRef, nowMs: number): number | null {
  const proof = state.proofs.get(base.digest);
  if (proof === undefined || !proof.passed) return null;
  // A date in the future comes from a clock that was wrong then or is now: it says nothing.
  const ageMs = wallAt(state, nowMs) - proof.atMs;
  return ageMs < -PROOF_GRACE_MS ? null : Math.max(0, ageMs);
}

export function isProofFresh(state: CoreState, base: ReleaseRef, nowMs: number): boolean {
  const ageMs = proofAgeMs(state, base, nowMs);
  return ageMs !== null && ageMs < PROOF_FRESH_MS;
}

/** A golden run of the baseline came to no end, because of the machine: it waits for its next try. */
export function isScoreRetried(state: CoreState, nowMs: number): boolean {
  return state.scoring === null && state.scoreAfterMs - nowMs > SCORE_AFTER_BOOT_MS;
}

export function mb(bytes: number): string {
  return `${Math.round(bytes / MB)} MB`;
}

function describeNeed(state: CoreState, holding: Holding): string {
  const cameras = Math.max(1, state.cameras.size);
  const each = `${holding.memoryMb ?? MEMORY_MB_DEFAULT} MB and ${mb(RUNNER_FLOOR_BYTES)} of its runtime`;
  return cameras === 1 ? `it (${each})` : `it (${each}, for each of ${cameras} cameras)`;
}
