// What the device says about itself: phase, blocked reasons, and the body of the reported document. Pure.

import { oneLine } from '../../shared/basics/one-line.ts';
import type { AgentPhase, Reported } from '../../shared/protocol/reports.ts';
import { camerasBlocked } from './cameras.ts';
import { entriesInForce, killEpochOf } from './kills.ts';
import { leaseBlocked, leaseReportOf } from './leasing.ts';
import type { Suspension } from './limit-state.ts';
import { suspensionOf } from './limit-suspension.ts';
import { forbidden } from './serving.ts';
import { type CoreState, type Holding, holdingOf, type ReleaseRef, wallAt } from './state.ts';

type Blocked = Reported['blocked'][number];

/** Everything of the reported document that the core knows; the header is added by the control loop. */
export type ReportBody = Pick<
  Reported,
  | 'generation'
  | 'killEpoch'
  | 'desiredInForce'
  | 'phase'
  | 'serving'
  | 'servedFrames'
  | 'servingBecause'
  | 'committed'
  | 'previous'
  | 'candidate'
  | 'mode'
  | 'modeBecause'
  | 'swapMs'
  | 'proofs'
  | 'quarantine'
  | 'kills'
  | 'blocked'
  | 'refused'
  | 'provider'
  | 'lease'
>;

const REASON_MAX = 500;

export function reportOf(state: CoreState, nowMs: number): ReportBody {
  const { durable, serving, answering } = state;
  return {
    generation: state.desired?.generation ?? durable.desired?.generation ?? 0,
    killEpoch: killEpochOf(durable),
    desiredInForce: state.desired !== null,
    phase: phaseOf(state),
    serving: serving.ref === null ? null : plain(serving.ref),
    servedFrames: answering !== null && answering.ref.digest === serving.ref?.digest ? answering.frames : 0,
    servingBecause: serving.because,
    committed: plain(durable.committed),
    previous: durable.previous === null ? null : plain(durable.previous),
    candidate: candidateReport(state),
    ...modeReport(state),
    lease: leaseReportOf(state, nowMs),
    provider: serving.ref === null ? null : (state.holdings.get(serving.ref.digest)?.provider ?? null),
    proofs: relevantProofs(state),
    quarantine: durable.quarantine.map(({ digest, release, reason, kind, sinceMs }) => ({
      digest,
      release,
      reason,
      kind,
      sinceMs,
    })),
    kills: entriesInForce(durable).map(({ id, reason }) => ({ id, reason })),
    blocked: blockedOf(state, nowMs),
    refused: { ...state.refused },
  };
}

export function phaseOf(state: CoreState): AgentPhase {
  const { serving } = state;
  if (state.haltedAtMs !== null) return 'halted';
  if (state.pendingRevert !== null) return 'reverting';
  if (serving.kind === 'none') return 'boot';
  if (serving.kind === 'candidate' || serving.kind === 'trial-baseline') return 'candidate';
  if (serving.shadow !== null) return 'shadow';
  const staged = stagedRef(state);
  if (staged === null || forbidden(state, staged.digest) !== null) return 'baseline';
  const holding = holdingOf(state, staged);
  if (isStuck(holding)) return 'baseline';
  if (holding.proof === 'passed') return 'ready';
  return holding.runner === 'none' ? 'staging' : 'proving';
}

/** Why the device does not do what is desired, one entry per cause. */
export function blockedOf(state: CoreState, nowMs: number): Blocked[] {
  const blocked = stagedBlocked(state);
  const lease = leaseBlocked(state, nowMs);
  if (lease !== null) blocked.push(lease);
  const committed = holdingOf(state, state.durable.committed);
  if (committed.failedAtMs !== null) {
    const why = committed.hindrance?.reason ?? 'its runner ended again and again';
    const reason = `the committed baseline ${committed.ref.release} has failed: ${why}`;
    blocked.push({ kind: 'baseline-failed', reason, sinceMs: wallAt(state, committed.failedAtMs) });
  }
  return [...blocked, ...camerasBlocked(state), ...refusalsShown(state)].map((entry) => ({
    ...entry,
    reason: oneLine(entry.reason, REASON_MAX),
  }));
}

/** The release that the desired document wants here and that is not yet what serves. */
export function stagedRef(state: CoreState): ReleaseRef | null {
  const { desired } = state;
  if (desired === null) return null;
  if (desired.baseline.digest !== state.durable.committed.digest) return desired.baseline;
  return desired.candidate?.digest === state.durable.committed.digest ? null : desired.candidate;
}

function stagedBlocked(state: CoreState): Blocked[] {
  const staged = stagedRef(state);
  if (staged === null) return [];
  const quarantined = state.durable.quarantine.find((entry) => entry.digest === staged.digest);
  const why = forbidden(state, staged.digest);
  if (why?.kind === 'killed') return [{ kind: 'killed', reason: why.reason, sinceMs: killedSinceMs(state) }];
  if (quarantined) {
    const kind = { 'proof-failed': 'proof-failed', breach: 'breached' } as const;
    const known = quarantined.kind === 'proof-failed' || quarantined.kind === 'breach' ? quarantined.kind : null;
    const reason = `${staged.release} is quarantined (${quarantined.kind}): ${quarantined.reason}`;
    return [{ kind: known === null ? 'quarantined' : kind[known], reason, sinceMs: quarantined.sinceMs }];
  }
  const suspension = suspensionOf(state, staged.digest);
  const startedMs = wallAt(state, suspension?.sinceMs ?? state.startedAtMs);
  if (why)
    return [
      { kind: why.kind === 'disk' ? 'disk-full' : blockedAs(suspension), reason: why.reason, sinceMs: startedMs },
    ];
  const { hindrance } = holdingOf(state, staged);
  return hindrance ? [{ kind: hindrance.kind, reason: hindrance.reason, sinceMs: hindrance.sinceMs }] : [];
}

function blockedAs(suspension: Suspension | null): Blocked['kind'] {
  if (suspension?.limit === 'reserve') return 'not-warm';
  return suspension?.limit === 'flapping' ? 'flapping' : 'breached';
}

function killedSinceMs(state: CoreState): number {
  const inForce = state.durable.kills.filter((kills) => kills.entries.length > 0);
  return Math.max(0, ...inForce.map((kills) => kills.sinceMs));
}

const SHOWN_REFUSALS = ['bad-signature', 'older-generation', 'malformed-document'] as const;

function refusalsShown(state: CoreState): Blocked[] {
  return state.lastRefusals.flatMap((refusal) => {
    const kind = SHOWN_REFUSALS.find((shown) => shown === refusal.kind);
    return kind === undefined ? [] : [{ kind, reason: refusal.reason, sinceMs: refusal.sinceMs }];
  });
}

function candidateReport(state: CoreState): Reported['candidate'] {
  const candidate = state.desired?.candidate;
  if (!candidate) return null;
  const { release, digest, role } = candidate;
  const why = forbidden(state, digest);
  const holding = holdingOf(state, candidate);
  const { provider } = holding;
  return { release, digest, role, state: why === null ? describeHolding(state, holding) : why.kind, provider };
}

function describeHolding(state: CoreState, holding: Holding): string {
  if (state.serving.ref?.digest === holding.ref.digest) return 'serving';
  if (state.serving.shadow?.ref.digest === holding.ref.digest) return 'shadow';
  if (isStuck(holding)) return 'blocked';
  if (holding.proof === 'passed') return 'ready';
  if (holding.proof === 'proving') return 'proving';
  if (holding.runner !== 'none') return holding.runner;
  return holding.files === 'installed' ? 'installed' : holding.files === 'fetching' ? 'fetching' : 'absent';
}

function isStuck(holding: Holding): boolean {
  return holding.hindrance !== null && holding.files !== 'fetching' && holding.runner === 'none';
}

/** Warm: the committed baseline stands ready beside whatever serves. */
function modeReport(state: CoreState): Pick<Reported, 'mode' | 'modeBecause' | 'swapMs'> {
  const { durable, memory, serving } = state;
  const staged = stagedRef(state);
  const hindrance = staged === null ? null : holdingOf(state, staged).hindrance;
  if (hindrance?.kind === 'not-warm') return { mode: 'refuse', modeBecause: hindrance.reason, swapMs: null };
  const isLoaded = holdingOf(state, durable.committed).runner === 'loaded';
  if (isLoaded || serving.kind === 'none') return { mode: 'warm', modeBecause: memory.because, swapMs: null };
  return {
    mode: 'cold-baseline',
    modeBecause: memory.mode === 'warm' ? 'the committed baseline is not loaded' : memory.because,
    swapMs: state.proofs.get(durable.committed.digest)?.coldStartMs ?? null,
  };
}

function relevantProofs(state: CoreState): Reported['proofs'] {
  const refs = [state.durable.committed, state.durable.previous, state.desired?.baseline, state.desired?.candidate];
  const digests = new Set(refs.map((ref) => ref?.digest));
  return [...state.proofs.values()]
    .filter((proof) => digests.has(proof.digest))
    .map(({ startsTried: _tried, coldStartsMs, ...proof }) => ({
      ...proof,
      ...(coldStartsMs === undefined ? {} : { coldStartsMs: [...coldStartsMs] }),
      scores: [...proof.scores],
    }));
}

function plain(ref: ReleaseRef): ReleaseRef {
  return { release: ref.release, digest: ref.digest };
}
