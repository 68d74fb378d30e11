// Whether a kill in force stops a rollout: everything that takes its candidate away from a whole site, or altogether.
import type { KillScope } from '../../shared/protocol/documents.ts';

export type KillFacts = {
  readonly id: string;
  readonly reason: string;
  readonly actor: string;
  readonly raisedAtMs: number;
  readonly scope: KillScope;
};

export type RolloutScope = {
  readonly rolloutId: string;
  readonly candidateDigest: string;
  /** Sites with devices in the plan. */
  readonly sites: readonly string[];
  /** Null while it goes on. */
  readonly endedAtMs: number | null;
};

/** The first kill that covers the rollout, in words; null when none does. A kill of one device concerns that device only. */
export function coveringKill(kills: readonly KillFacts[], rollout: RolloutScope): string | null {
  const kill = findCoveringKill(kills, rollout);
  return kill ? `killed (${kill.id}, ${kill.scope.kind}) by ${kill.actor}: ${kill.reason}` : null;
}

export function findCoveringKill(kills: readonly KillFacts[], rollout: RolloutScope): KillFacts | null {
  return kills.find((each) => covers(each.scope, rollout) && isConcerned(each, rollout)) ?? null;
}

/** After its end a rollout has nothing on trial: a later kill concerns it only when that names its candidate. */
function isConcerned({ scope, raisedAtMs }: KillFacts, { endedAtMs }: RolloutScope): boolean {
  return endedAtMs === null || raisedAtMs <= endedAtMs || scope.kind === 'rollout' || scope.kind === 'release';
}

function covers(scope: KillScope, rollout: RolloutScope): boolean {
  switch (scope.kind) {
    case 'fleet':
      return true;
    case 'site':
      return rollout.sites.includes(scope.site);
    case 'device':
      return false;
    case 'rollout':
      return scope.rolloutId === rollout.rolloutId || scope.digest === rollout.candidateDigest;
    case 'release':
      return scope.digest === rollout.candidateDigest;
  }
}
