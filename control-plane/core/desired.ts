// What a device shall do, from its place in a rollout: the part of the desired document that a decision chooses.
import type { Desired, LeaseTerms, ReleaseRef } from '../../shared/protocol/documents.ts';
import { DEFAULT_LIMITS, type DeviceLimits } from '../../shared/protocol/limits.ts';
import type { Role } from './stages.ts';

export type Choice = Pick<Desired, 'baseline' | 'candidate' | 'cohortId' | 'limits' | 'liftQuarantine'>;

export type Placement = {
  readonly role: Role;
  readonly baseline: ReleaseRef;
  readonly candidate: ReleaseRef;
  readonly rolloutId: string;
  readonly stage: string;
  readonly sampleEvery: number;
  readonly limits: DeviceLimits;
  /** Of its site; only a candidate that answers frames needs a lease. */
  readonly lease: LeaseTerms;
  readonly requireWarm: boolean;
  /** Of a shadow: most time that its runs may take, in percent; null: no cap. */
  readonly maxExtraLoadPct?: number | null;
  /** Null: as the device does it without being asked. */
  readonly prewarm?: { readonly warmupFrames: number | null; readonly coldStartProbes: number } | null;
};

/** In a stage: the candidate in its role, or the baseline alone. What was lifted stays lifted. */
export function desiredInStage(placement: Placement, previous: Desired | null): Choice {
  if (placement.role === 'none') return desiredOutside(placement.baseline, previous);
  const { role, candidate, rolloutId, stage, sampleEvery, requireWarm } = placement;
  const lease = role === 'serve' ? placement.lease : null;
  const { maxExtraLoadPct = null, prewarm = null } = placement;
  const load = role === 'shadow' && maxExtraLoadPct !== null ? { maxExtraLoadPct } : {};
  const warm = prewarm === null ? {} : { prewarm };
  return {
    baseline: refOf(placement.baseline),
    candidate: { ...refOf(candidate), role, rolloutId, stage, sampleEvery, lease, requireWarm, ...load, ...warm },
    cohortId: `${rolloutId}/${stage}`,
    limits: placement.limits,
    liftQuarantine: previous?.liftQuarantine ?? [],
  };
}

/** Outside any rollout: after a rollback its own release from before, after completion the candidate as the new baseline. */
export function desiredOutside(baseline: ReleaseRef, previous: Desired | null): Choice {
  return {
    baseline: refOf(baseline),
    candidate: null,
    cohortId: 'baseline',
    limits: DEFAULT_LIMITS,
    liftQuarantine: previous?.liftQuarantine ?? [],
  };
}

function refOf({ release, digest }: ReleaseRef): ReleaseRef {
  return { release, digest };
}
