// The serving rule, asked afresh for every frame: kill beats breach and quarantine beats lapsed lease beats desired.
// Going to the baseline needs less proof than going to a candidate. Pure; never remembers a decision.
import { killOf, killOfDigest, killOfEveryCandidate } from './kills.ts';
import { type LeaseNeed, type LeaseStanding, mayAnswer, standingOf } from './lease.ts';
import { suspensionOf } from './limit-suspension.ts';
import { isQuarantineFull, quarantineOf } from './quarantine.ts';
import { type CoreState, holdingOf, isOfBaselineChain, type ReleaseRef, type Serving } from './state.ts';

/** Who answers a frame at this moment of the monotonic clock, who shadows it, and why. */
export function decideServing(state: CoreState, nowMs: number): Serving {
  const candidate = candidateOf(state);
  const shadow = shadowOf(state);
  const isReadyToServe = state.desired?.candidate?.role === 'serve' && candidate !== null && isReady(state, candidate);
  if (isReadyToServe && state.desired?.candidate && mayAnswerNow(state, nowMs)) {
    const { stage, rolloutId } = state.desired.candidate;
    return {
      kind: 'candidate',
      ref: candidate,
      role: 'candidate',
      shadow: null,
      because: `desired generation ${state.desired.generation} asks it to serve (${rolloutId}, stage ${stage})`,
    };
  }
  const adopted = adoptionOf(state);
  if (adopted !== null && isReady(state, adopted)) {
    const because = `desired generation ${state.desired?.generation} names it as the baseline; it is proven and not yet committed`;
    return { kind: 'trial-baseline', ref: adopted, role: 'baseline', shadow, because };
  }
  return serveBaseline(state, { shadow, nowMs });
}

/** What the desired document wants to answer frames under a lease; null when nothing here needs one. */
export function leaseNeedOf({ desired, durable }: CoreState): LeaseNeed | null {
  const candidate = desired?.candidate;
  if (candidate?.role !== 'serve' || candidate.lease === null) return null;
  return candidate.digest === durable.committed.digest ? null : { digest: candidate.digest, terms: candidate.lease };
}

/** Null: nothing here needs a lease. */
export function leaseStandingOf(state: CoreState, nowMs: number): LeaseStanding | null {
  const need = leaseNeedOf(state);
  return need && standingOf(state.leases, need, nowMs);
}

/** The candidate that this device may work on now; null when there is none or something forbids it. */
export function candidateOf(state: CoreState): ReleaseRef | null {
  const candidate = state.desired?.candidate ?? null;
  if (candidate === null || state.desired === null) return null;
  if (state.durable.committed.digest !== state.desired.baseline.digest) return null;
  if (candidate.digest === state.durable.committed.digest) return null;
  return forbidden(state, candidate.digest) === null ? candidate : null;
}

/** The desired baseline while it is not the committed one, when nothing forbids it. */
export function adoptionOf(state: CoreState): ReleaseRef | null {
  const baseline = state.desired?.baseline ?? null;
  if (baseline === null || baseline.digest === state.durable.committed.digest) return null;
  return forbidden(state, baseline.digest) === null ? baseline : null;
}

export type Forbidden = {
  readonly kind: 'killed' | 'quarantined' | 'suspended' | 'battery' | 'temperature' | 'disk';
  readonly reason: string;
};

/** Why a release that is not the committed baseline may not run at all; null when it may. */
export function forbidden(state: CoreState, digest: string): Forbidden | null {
  const kill = isOfBaselineChain(state.durable, digest) ? killOfDigest(state.durable, digest) : killOf(state, digest);
  if (kill) return { kind: 'killed', reason: `kill ${kill.id}: ${kill.reason}` };
  const quarantined = quarantineOf(state, digest);
  if (quarantined) return { kind: 'quarantined', reason: `${quarantined.kind}: ${quarantined.reason}` };
  if (isQuarantineFull(state)) return { kind: 'quarantined', reason: 'the quarantine list of this device is full' };
  const suspension = suspensionOf(state, digest);
  if (suspension) return { kind: 'suspended', reason: suspension.reason };
  if (state.batteryLow) return { kind: 'battery', reason: 'the battery is below its floor' };
  if (state.tooHot) return { kind: 'temperature', reason: 'the box was too hot already' };
  if (state.diskFault !== null) return { kind: 'disk', reason: `its attempts cannot be counted: ${state.diskFault}` };
  return null;
}

/** Committed, previous, factory: the order in which a device falls. Without doubles, killed and quarantined releases. */
export function baselineChain(state: CoreState): readonly ReleaseRef[] {
  const { committed, previous, factory } = state.durable;
  const chain = [committed, previous, factory].filter((ref) => ref !== null);
  const isFirst = (ref: ReleaseRef, at: number) => chain.findIndex((other) => other.digest === ref.digest) === at;
  const isAllowed = ({ digest }: ReleaseRef) =>
    killOfDigest(state.durable, digest) === null && quarantineOf(state, digest) === null;
  return chain.filter((ref, at) => isFirst(ref, at) && isAllowed(ref));
}

/** The baseline that should be loaded: the first of the chain that has not failed in this boot; null means halt. */
export function wantedBaseline(state: CoreState): ReleaseRef | null {
  return baselineChain(state).find((ref) => holdingOf(state, ref).failedAtMs === null) ?? null;
}

/** Who answers a frame that `digest` has failed; null when nobody else may. */
export function fallbackFor(state: CoreState, digest: string): ReleaseRef | null {
  return loadedChain(state).find((ref) => ref.digest !== digest) ?? null;
}

function mayAnswerNow(state: CoreState, nowMs: number): boolean {
  const standing = leaseStandingOf(state, nowMs);
  return standing === null || mayAnswer(standing);
}

type Beside = { readonly shadow: Serving['shadow']; readonly nowMs: number };

function serveBaseline(state: CoreState, { shadow, nowMs }: Beside): Serving {
  const ref = loadedChain(state)[0] ?? null;
  if (ref === null) return { kind: 'none', ref, role: 'baseline', shadow: null, because: whyNone(state) };
  if (ref.digest === state.durable.committed.digest)
    return { kind: 'baseline', ref, role: 'baseline', shadow, because: whyBaseline(state, nowMs) };
  return { kind: 'fallback', ref, role: 'baseline', shadow, because: whyFallback(state) };
}

/** Loaded and not given up, in the order of the chain. */
function loadedChain(state: CoreState): readonly ReleaseRef[] {
  return baselineChain(state).filter((ref) => {
    const holding = holdingOf(state, ref);
    return holding.runner === 'loaded' && holding.failedAtMs === null;
  });
}

function shadowOf(state: CoreState): Serving['shadow'] {
  const candidate = candidateOf(state);
  const desired = state.desired?.candidate;
  if (candidate === null || desired?.role !== 'shadow' || !isReady(state, candidate)) return null;
  const { sampleEvery, maxExtraLoadPct = null } = desired;
  return { ref: { release: candidate.release, digest: candidate.digest }, sampleEvery, maxExtraLoadPct };
}

/** Proven in this load: nothing else may answer or shadow. */
export function isReady(state: CoreState, ref: ReleaseRef): boolean {
  const holding = state.holdings.get(ref.digest);
  return holding?.runner === 'loaded' && holding.proof === 'passed';
}

function whyBaseline(state: CoreState, nowMs: number): string {
  const everyone = killOfEveryCandidate(state.durable);
  if (everyone) return `kill ${everyone.id} stops every candidate: ${everyone.reason}`;
  const candidate = state.desired?.candidate;
  if (!state.desired) return 'committed; no desired document in this boot yet';
  if (!candidate) return `committed; desired generation ${state.desired.generation} names no candidate`;
  const why = forbidden(state, candidate.digest);
  if (why) return `committed; the candidate ${candidate.release} may not run: ${why.reason}`;
  if (candidate.role !== 'serve') return `committed; the candidate ${candidate.release} shall only ${candidate.role}`;
  if (!isReady(state, candidate)) return `committed; the candidate ${candidate.release} is not ready yet`;
  if (leaseStandingOf(state, nowMs)?.state === 'lapsed')
    return `committed; the lease of the candidate ${candidate.release} has lapsed: the control plane did not renew it in time`;
  return `committed; the candidate ${candidate.release} is ready and waits for its lease`;
}

function whyFallback(state: CoreState): string {
  const { committed } = state.durable;
  const kill = killOfDigest(state.durable, committed.digest);
  if (kill) return `the committed baseline ${committed.release} is killed (${kill.id}: ${kill.reason})`;
  if (holdingOf(state, committed).failedAtMs !== null) return `the committed baseline ${committed.release} has failed`;
  return `the committed baseline ${committed.release} is being loaded again`;
}

function whyNone(state: CoreState): string {
  if (state.stopping) return 'the agent is stopping';
  if (wantedBaseline(state) !== null) return 'the baseline is being loaded';
  return 'every release this device may answer with has failed or is killed: halted, no answers';
}
