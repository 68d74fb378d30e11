// The lease algebra: which hellos ask for one, which document answers one, and until when a candidate may answer frames.
// Counted from the device's own hello by a clock that only runs forward; an arrival or a date never enters. Pure.
import type { Lease, LeaseTerms } from '../../shared/protocol/documents.ts';

/** A hello that asked for a lease and may still be answered. */
export type OpenHello = { readonly nonce: number; readonly digest: string; readonly atMs: number };

export type LeaseTrack = {
  /** Number of the last hello that asked for one in this boot. */
  readonly nonce: number;
  /** Oldest first. */
  readonly hellos: readonly OpenHello[];
  readonly lease: GrantedLease | null;
  /** What is asked for now, and since when; a change asks at once. */
  readonly asking: string | null;
  readonly askingSinceMs: number;
  /** Hellos since the last lease. */
  readonly unanswered: number;
  readonly askedAtMs: number;
  /** Since when the lease of a serving candidate has lapsed; null while it runs or nothing was served under it. */
  readonly lapsedAtMs: number | null;
};

/** `fromMs`: when the hello was sent that it answers. */
export type GrantedLease = {
  readonly digest: string;
  readonly generation: number;
  readonly fromMs: number;
  readonly ttlMs: number;
};

/** What needs a lease here, and on which terms. */
export type LeaseNeed = { readonly digest: string; readonly terms: LeaseTerms };

export type LeaseStanding = { readonly state: 'none' | 'running' | 'lapsed' | 'held'; readonly leftMs: number };

export type LeaseRefusal = 'lease-of-another-boot' | 'lease-replayed' | 'lease-of-another-release';

export const NO_LEASE: LeaseTrack = {
  nonce: 0,
  hellos: [],
  lease: null,
  asking: null,
  askingSinceMs: 0,
  unanswered: 0,
  askedAtMs: 0,
  lapsedAtMs: null,
};

/** More than a device sends within one time to live, as the waits between unanswered hellos grow. */
const HELLOS_MAX = 8;
const RENEW_SHARE = 1 / 3;
/** A whole fleet that starts together must not ask together for ever. */
const JITTER = 0.2;
/** An unanswered hello is followed by another after this, doubled each time, and never later than a renewal. */
const RETRY_AFTER_MS = 2_000;

/** Where the lease of `need` stands. With `hold` a candidate goes on that once had one in this boot. */
export function standingOf(track: LeaseTrack, { digest, terms }: LeaseNeed, nowMs: number): LeaseStanding {
  const endMs = endOf(track, { digest, terms });
  if (endMs === null) return { state: 'none', leftMs: 0 };
  const leftMs = endMs - nowMs;
  if (leftMs > 0) return { state: 'running', leftMs };
  return { state: terms.onLapse === 'hold' ? 'held' : 'lapsed', leftMs: 0 };
}

/** When the lease of `need` ends or ended; null: there is none. */
export function endOf({ lease }: LeaseTrack, { digest, terms }: LeaseNeed): number | null {
  return lease === null || lease.digest !== digest ? null : untilMs(lease, terms);
}

/** `state`: as standingOf says. */
export function mayAnswer({ state }: LeaseStanding): boolean {
  return state === 'running' || state === 'held';
}

/** Takes a document that answers one of our hellos of this boot; a later end is never brought forward. */
export function takeLease(
  track: LeaseTrack,
  document: Pick<Lease, 'boot' | 'nonce' | 'digest' | 'generation' | 'ttlMs'>,
  place: { readonly boot: string; readonly need: LeaseNeed | null },
): LeaseTrack | { readonly refusal: LeaseRefusal } {
  if (document.boot !== place.boot) return { refusal: 'lease-of-another-boot' };
  const hello = track.hellos.find((open) => open.nonce === document.nonce);
  if (hello === undefined) return { refusal: 'lease-replayed' };
  const { need } = place;
  if (need === null || document.digest !== hello.digest || document.digest !== need.digest)
    return { refusal: 'lease-of-another-release' };
  const { digest, generation, ttlMs } = document;
  const granted: GrantedLease = { digest, generation, fromMs: hello.atMs, ttlMs };
  const hellos = track.hellos.filter((open) => open.nonce !== document.nonce);
  const isLonger = track.lease?.digest !== digest || untilMs(granted, need.terms) > untilMs(track.lease, need.terms);
  return { ...track, hellos, unanswered: 0, lease: isLonger ? granted : track.lease };
}

/** Whether it is time to say hello again. */
export function isHelloDue(track: LeaseTrack, need: LeaseNeed, device: string, nowMs: number): boolean {
  if (track.asking !== need.digest) return true;
  return nowMs >= nextHelloAtMs(track, need.terms, device);
}

/** The next hello that asks for a lease; those that can no longer be answered in time are forgotten. */
export function askLease(track: LeaseTrack, need: LeaseNeed, nowMs: number): LeaseTrack {
  const isNew = track.asking !== need.digest;
  const nonce = track.nonce + 1;
  const fresh = track.hellos.filter((open) => open.digest === need.digest && nowMs - open.atMs < need.terms.ttlMs);
  const hellos = [...fresh, { nonce, digest: need.digest, atMs: nowMs }].slice(-HELLOS_MAX);
  const unanswered = isNew ? 1 : track.unanswered + 1;
  const askingSinceMs = isNew ? nowMs : track.askingSinceMs;
  return { ...track, nonce, hellos, asking: need.digest, askingSinceMs, unanswered, askedAtMs: nowMs };
}

/** Nothing needs a lease any more, or a kill took it: what comes next begins with a hello of its own. */
export function dropLease(track: LeaseTrack): LeaseTrack {
  if (track.lease === null && track.asking === null && track.lapsedAtMs === null) return track;
  return { ...NO_LEASE, nonce: track.nonce };
}

/** The box slept for so long without its clock: that time counts too. */
export function countSleep(track: LeaseTrack, sleptMs: number): LeaseTrack {
  const hellos = track.hellos.map((open) => ({ ...open, atMs: open.atMs - sleptMs }));
  const lease = track.lease === null ? null : { ...track.lease, fromMs: track.lease.fromMs - sleptMs };
  return { ...track, hellos, lease, askedAtMs: track.askedAtMs - sleptMs };
}

function untilMs(lease: GrantedLease, terms: LeaseTerms): number {
  return lease.fromMs + Math.min(lease.ttlMs, terms.ttlMs);
}

/** A third of the time after the hello that was answered, or sooner while nobody answers. */
function nextHelloAtMs(track: LeaseTrack, terms: LeaseTerms, device: string): number {
  const { lease, unanswered, askedAtMs, nonce } = track;
  const spread = 1 - JITTER + 2 * JITTER * shareOf(`${device} ${nonce}`);
  const ttlMs = Math.min(terms.ttlMs, lease?.ttlMs ?? terms.ttlMs);
  const renewMs = ttlMs * RENEW_SHARE * spread;
  if (unanswered === 0 && lease !== null) return lease.fromMs + renewMs;
  return askedAtMs + Math.min(renewMs, RETRY_AFTER_MS * 2 ** Math.min(30, unanswered - 1) * spread);
}

/** A hash of the text (FNV-1a, mixed once more) as a number in [0, 1): spreads devices and hellos without chance. */
function shareOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}
