// The `lease` section of a rollout file: for how long a device may go on with the candidate when it hears nothing, and what
// it does then. One answer for all sites, and exceptions by site.
import { z } from 'zod';
import { nameSchema } from '../basics/identifiers.ts';
import type { LeaseTerms } from '../protocol/documents.ts';
import { durationSchema } from './duration-field.ts';
import { describeDuration, formatDuration } from './durations.ts';

/** Shorter ones are for rehearsals: a device must be able to miss a renewal. */
export const LEASE_TTL_FIELD_MS_MIN = 60_000;
const TTL_MS_MIN = 1000;
const TTL_MS_MAX = 86_400_000;
const TTL_MS_DEFAULT = 15 * 60_000;

const ttlSchema = durationSchema.refine(
  (ttlMs) => ttlMs >= TTL_MS_MIN && ttlMs <= TTL_MS_MAX,
  'must be from 1m to 1d (a rehearsal may go down to 1s)',
);
const onLapseSchema = z.enum(['revert', 'hold']);

export const siteLeaseSchema = z.strictObject({ ttl: ttlSchema.optional(), onLapse: onLapseSchema.optional() });

export const leaseSectionSchema = z.strictObject({
  ttl: ttlSchema.default(TTL_MS_DEFAULT),
  /** `revert`: the baseline answers until the lease is renewed. `hold`: the candidate goes on. */
  onLapse: onLapseSchema.default('revert'),
  sites: z.record(nameSchema, siteLeaseSchema).default({}),
});

export type LeaseSection = z.infer<typeof leaseSectionSchema>;

/** What holds at one site. */
export function leaseTermsAt(section: LeaseSection, site: string): LeaseTerms {
  const exception = section.sites[site];
  return { ttlMs: exception?.ttl ?? section.ttl, onLapse: exception?.onLapse ?? section.onLapse };
}

/** For people: `a device that hears nothing goes back to its baseline after 15m; plant-b: goes on with the candidate`. */
export function describeLease(section: LeaseSection): string {
  const rule = ({ ttlMs, onLapse }: LeaseTerms) =>
    onLapse === 'revert' ? `goes back to its baseline after ${formatDuration(ttlMs)}` : 'goes on with the candidate';
  const exceptions = Object.keys(section.sites).map((site) => `${site}: ${rule(leaseTermsAt(section, site))}`);
  const general = rule({ ttlMs: section.ttl, onLapse: section.onLapse });
  return [`a device that hears nothing ${general}`, ...exceptions].join('; ');
}

/** Worth knowing before it starts, in no one's way. */
export function leaseWarnings(section: LeaseSection): readonly string[] {
  const ttls = [section.ttl, ...Object.values(section.sites).flatMap(({ ttl }) => (ttl === undefined ? [] : [ttl]))];
  const shortest = Math.min(...ttls);
  if (shortest >= LEASE_TTL_FIELD_MS_MIN) return [];
  return [
    `leases of ${describeDuration(shortest)} are for rehearsals: a network that is away for longer takes the candidate from its devices`,
  ];
}
