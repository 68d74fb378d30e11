// Whether a device that asks may go on with its candidate. Only the newest order counts, and any doubt is a no: a device
// without a lease goes back to its baseline, which is always safe. Pure.
import type { Desired, Lease } from '../../shared/protocol/documents.ts';
import type { Hello } from '../../shared/protocol/reports.ts';

export const WITHHELD_REASONS = [
  'unknown-device',
  'no-candidate',
  'other-release',
  'not-to-serve',
  'needs-none',
  'ahead-of-us',
  'killed',
  'too-often',
] as const;
export type WithheldReason = (typeof WITHHELD_REASONS)[number];

/** What is desired of the device, as far as it went out. */
export type LeaseOrder = {
  readonly generation: number;
  readonly candidate: Desired['candidate'];
};

export type LeaseFacts = {
  readonly hello: Hello;
  /** Null: nothing is desired of it. */
  readonly order: LeaseOrder | null;
  readonly isKilled: boolean;
  readonly nowMs: number;
};

export type LeaseDecision =
  | { readonly kind: 'grant'; readonly lease: Lease }
  | { readonly kind: 'withhold'; readonly reason: WithheldReason };

/** Answers a hello that asks; the document says which, so that it is worth nothing for any other. */
export function decideLease({ hello, order, isKilled, nowMs }: LeaseFacts): LeaseDecision {
  if (hello.lease === null) return withhold('needs-none');
  if (order === null) return withhold('unknown-device');
  const { candidate, generation } = order;
  if (candidate === null) return withhold('no-candidate');
  if (candidate.digest !== hello.lease.digest) return withhold('other-release');
  if (candidate.role !== 'serve') return withhold('not-to-serve');
  if (candidate.lease === null) return withhold('needs-none');
  // It has seen orders that this database does not know, as after a restore: what they said is not known either.
  if (hello.generation > generation) return withhold('ahead-of-us');
  if (isKilled) return withhold('killed');
  const { site, device, boot } = hello;
  const { nonce, digest } = hello.lease;
  const { ttlMs } = candidate.lease;
  return { kind: 'grant', lease: { v: 1, site, device, boot, nonce, digest, generation, ttlMs, issuedAtMs: nowMs } };
}

function withhold(reason: WithheldReason): LeaseDecision {
  return { kind: 'withhold', reason };
}
