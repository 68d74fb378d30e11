// Where the assigned devices really are. Success is only what a device reports, and it is un-counted when it goes back.
import type { ExposureCounts } from '../../shared/protocol/api-rollouts.ts';
import type { Reported } from '../../shared/protocol/reports.ts';
import type { Role } from './stages.ts';

export type ExposureFacts = {
  readonly site: string;
  readonly device: string;
  readonly role: Role;
  readonly online: boolean;
  readonly lastSeenAtMs: number;
  readonly reported: Reported | null;
  /** It once reported the candidate in this role. */
  readonly wasActive: boolean;
  /** It told us that it went back by itself. */
  readonly hasRevertEvent: boolean;
};

export type DeviceStanding = {
  readonly site: string;
  readonly device: string;
  readonly role: Role;
  readonly online: boolean;
  readonly isActive: boolean;
  readonly isReverted: boolean;
  readonly isDark: boolean;
  /** In words: what it does, or why it does not. */
  readonly detail: string;
};

/** What a device says when it will not run the candidate: it refused it or took it back. */
const REFUSALS: ReadonlySet<string> = new Set([
  'quarantined',
  'proof-failed',
  'breached',
  'wrong-digest',
  'bad-manifest',
  'load-failed',
]);

export function standingOf(
  facts: ExposureFacts,
  candidateDigest: string,
  clock: { readonly nowMs: number; readonly staleMs: number },
): DeviceStanding {
  const { site, device, role, online } = facts;
  const isActive = isActiveIn(role, facts.reported, candidateDigest);
  const refusal = refusalOf(facts.reported, candidateDigest);
  const isReverted = refusal !== null || (facts.hasRevertEvent && role !== 'none');
  const isSilent = !online || clock.nowMs - facts.lastSeenAtMs > clock.staleMs;
  const isDark = role !== 'none' && facts.wasActive && isSilent;
  return {
    site,
    device,
    role,
    online,
    isActive: isActive && !isReverted,
    isReverted,
    isDark,
    detail: detailOf(facts, { isActive, refusal, isSilent }),
  };
}

/** Whether its own report says that it does with the candidate what the role asks. */
export function isActiveIn(role: Role, reported: Reported | null, candidateDigest: string): boolean {
  if (reported === null) return false;
  switch (role) {
    case 'none':
      return false;
    case 'prove':
      return reported.proofs.some(({ digest, passed }) => digest === candidateDigest && passed);
    case 'shadow':
      return reported.phase === 'shadow' && reported.candidate?.digest === candidateDigest;
    case 'serve':
      return reported.serving?.digest === candidateDigest && reported.servedFrames > 0;
  }
}

/** `evaluated` is known to the evidence, not here. */
export function countExposure(standings: readonly DeviceStanding[], evaluated: number): ExposureCounts {
  const assigned = standings.filter(({ role }) => role !== 'none');
  const count = (matches: (standing: DeviceStanding) => boolean) => assigned.filter(matches).length;
  return {
    assigned: assigned.length,
    reachable: count(({ online }) => online),
    exposed: count(({ isActive }) => isActive),
    reporting: count(({ isActive, isDark }) => isActive && !isDark),
    evaluated,
    reverted: count(({ isReverted }) => isReverted),
    dark: count(({ isDark }) => isDark),
  };
}

/** Reachable devices that should have the candidate and do not have it yet; those that went back are counted elsewhere. */
export function notYetActive(standings: readonly DeviceStanding[]): readonly DeviceStanding[] {
  return standings.filter(
    ({ role, online, isActive, isReverted }) => role !== 'none' && online && !isActive && !isReverted,
  );
}

function refusalOf(reported: Reported | null, candidateDigest: string): string | null {
  const quarantined = reported?.quarantine.find(({ digest }) => digest === candidateDigest);
  if (quarantined) return `quarantined the candidate: ${quarantined.reason}`;
  if (reported?.candidate?.digest !== candidateDigest) return null;
  const blocked = reported.blocked.find(({ kind }) => REFUSALS.has(kind));
  return blocked ? `${blocked.kind}: ${blocked.reason}` : null;
}

/** Of a device that the rollout takes back, or has taken back: what it answers with is its own word. */
export function standingOnceBack(
  facts: Pick<ExposureFacts, 'site' | 'device' | 'role' | 'online' | 'reported'> & { readonly isReverted: boolean },
  candidateDigest: string,
): DeviceStanding {
  const { site, device, role, online, reported, isReverted } = facts;
  const isActive = role !== 'prove' && isActiveIn(role, reported, candidateDigest);
  const still = role === 'shadow' ? 'still shadows with the candidate' : 'still answers with the candidate';
  const answering = reported?.serving ? `answers with ${reported.serving.release}` : 'answers with nothing yet';
  const seen = isActive ? still : answering;
  return {
    site,
    device,
    role,
    online,
    isActive,
    isReverted,
    isDark: false,
    detail: online ? seen : `offline; ${seen}`,
  };
}

type Found = { readonly isActive: boolean; readonly refusal: string | null; readonly isSilent: boolean };

function detailOf(facts: ExposureFacts, { isActive, refusal, isSilent }: Found): string {
  const { role, reported } = facts;
  if (role === 'none') return isSilent ? 'control, silent' : 'control';
  if (refusal !== null) return refusal;
  if (facts.hasRevertEvent) return 'went back to the baseline by itself';
  const words = {
    prove: 'proved the candidate',
    shadow: 'shadows with the candidate',
    serve: 'answers with the candidate',
  };
  if (isActive) return isSilent ? `${words[role]}, silent since` : words[role];
  if (isSilent) return 'not reachable';
  const blocked = reported?.blocked[0];
  if (blocked) return `${blocked.kind}: ${blocked.reason}`;
  return reported === null ? 'has not reported yet' : `${reported.phase}: not on the candidate yet`;
}
