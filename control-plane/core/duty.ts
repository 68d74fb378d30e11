// What a person's word about a device changes: pin, drain, retire, and their ways back. Facts in, the next duty out; nothing is
// written here. Going to a release needs proof; leaving cohorts, and coming off a pin, needs none.
import type { Duty, DutyVerb, Mark } from '../../shared/protocol/api-duty.ts';
import type { Desired, ReleaseRef } from '../../shared/protocol/documents.ts';
import { whyNotDuty } from '../../shared/protocol/duty.ts';
import type { Reported } from '../../shared/protocol/reports.ts';

export type PinRelease = ReleaseRef & {
  readonly state: string;
  /** A drill has made it, to fail. */
  readonly isDrill: boolean;
  /** The kill in force that takes it away there, in words. */
  readonly kill: string | null;
};

export type DutyFacts = {
  readonly verb: DutyVerb;
  readonly duty: Duty;
  readonly mark: Mark;
  readonly online: boolean;
  readonly reported: Reported | null;
  readonly desired: Pick<Desired, 'baseline' | 'candidate'> | null;
  /** Of `pin`. */
  readonly release: PinRelease | null;
  readonly force: boolean;
};

export type DutyDecision =
  | { readonly kind: 'refused'; readonly reason: string }
  | {
      readonly kind: 'changed';
      readonly duty: Duty;
      /** What it shall answer with from now on, without a candidate; null: its order stays. */
      readonly baseline: ReleaseRef | null;
    };

export function decideDuty(facts: DutyFacts): DutyDecision {
  const { verb, reported, release } = facts;
  const hasCommitted = reported?.committed != null;
  const why = whyNotDuty(verb, { ...facts, hasCommitted }) ?? (verb === 'pin' ? whyNoPin(facts) : null);
  if (why !== null) return { kind: 'refused', reason: why };
  return {
    kind: 'changed',
    duty: nextDuty(facts),
    baseline: verb === 'pin' ? release && refOf(release) : wayOut(facts),
  };
}

function nextDuty({ verb, duty, mark, release }: DutyFacts): Duty {
  const next = { ...duty, version: duty.version + 1 };
  switch (verb) {
    case 'pin':
      return { ...next, pinned: release && { ...mark, ...refOf(release) } };
    case 'unpin':
      return { ...next, pinned: null };
    case 'drain':
      return { ...next, drained: mark };
    case 'undrain':
      return { ...next, drained: null };
    case 'retire':
      return { ...next, retired: mark };
    case 'unretire':
      return { ...next, retired: null };
  }
}

/** What is on trial there is taken back; who has nothing on trial needs no other order. Who comes back is told afresh. */
function wayOut({ verb, desired }: DutyFacts): ReleaseRef | null {
  const isNeeded = verb === 'retire' || verb === 'unretire' || (verb === 'drain' && desired?.candidate != null);
  return isNeeded && desired !== null ? refOf(desired.baseline) : null;
}

/** A pin never carries a release past its rollout: only what this device has committed, ran before, or a stable one. */
function whyNoPin({ duty, reported, release }: DutyFacts): string | null {
  if (release === null) return 'no release was named';
  const { digest, release: id, state, isDrill, kill } = release;
  if (duty.pinned?.digest === digest) return `it is pinned to ${id} already`;
  if (kill !== null) return `${id} is killed here: ${kill}`;
  if (isDrill) return `${id} fails on purpose: only belay drill hands it to devices`;
  if (state === 'withdrawn' || state === 'archived') return `${id} is ${state}`;
  const quarantined = reported?.quarantine.find((kept) => kept.digest === digest);
  if (quarantined) return `${id} is in quarantine here: ${quarantined.reason}`;
  const own = reported?.committed ?? null;
  if (own !== null && nameOf(own) !== nameOf(release)) return `it runs another model (${own.release})`;
  const isHere = [own, reported?.previous].some((ref) => ref?.digest === digest);
  if (isHere || state === 'stable') return null;
  return `${id} is not proven: it is ${state}, and this device has neither committed it nor ran it before; a rollout proves it (belay rollout plan)`;
}

function nameOf({ release }: ReleaseRef): string {
  return release.split(':', 1)[0] ?? release;
}

function refOf({ release, digest }: ReleaseRef): ReleaseRef {
  return { release, digest };
}
