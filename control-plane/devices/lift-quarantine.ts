// A person lets releases out of quarantine on one device: a newer order names them. It lifts only what was set aside before
// that order: a release that fails again stays away until a person says so again.
import type { Desired } from '../../shared/protocol/documents.ts';
import type { Reported } from '../../shared/protocol/reports.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../database/database.ts';
import { readDesired, writeDesired } from './desired-store.ts';

type Quarantined = Reported['quarantine'][number];
type Lift = Desired['liftQuarantine'][number];

export type LiftRequest = {
  readonly address: DeviceAddress;
  readonly reported: Reported | null;
  /** Release id or digest, or their beginnings; null: all that the device keeps. */
  readonly release: string | null;
  readonly reason: string;
  readonly actor: string;
  readonly nowMs: number;
};

export type Lifted =
  | { readonly kind: 'lifted'; readonly generation: number; readonly releases: readonly Quarantined[] }
  | { readonly kind: 'not-there'; readonly reason: string }
  /** Lifts travel with an order, and there is none. */
  | { readonly kind: 'nothing-desired' };

/** Documents carry them along: as many as a device can keep, twice. */
const LIFTS_KEPT_MAX = 16;

export async function liftQuarantine(
  { database, audit }: { readonly database: Database; readonly audit: Audit },
  request: LiftRequest,
): Promise<Lifted> {
  const { address, reported, reason, actor, nowMs } = request;
  const releases = findQuarantined(reported?.quarantine ?? [], request.release);
  if (releases.length === 0) return { kind: 'not-there', reason: describeMissing(request) };
  return database.transaction().execute(async (transaction): Promise<Lifted> => {
    const previous = await readDesired(transaction, address);
    if (previous === null) return { kind: 'nothing-desired' };
    const generationAbove = reported?.generation ?? 0;
    const below = Math.max(previous.generation, generationAbove) + 1;
    const lifts = releases.map(({ digest }) => ({ digest, reason, below }));
    const change = () => ({ ...previous, liftQuarantine: withLifts(previous.liftQuarantine, lifts) });
    const { generation } = await writeDesired(transaction, { ...address, nowMs, generationAbove, change });
    await audit.append(transaction, {
      actor,
      action: 'quarantine-lifted',
      subject: `device/${address.site}/${address.device}`,
      reason,
      details: { generation, releases: releases.map(({ release, digest, kind }) => ({ release, digest, kind })) },
    });
    return { kind: 'lifted', generation, releases };
  });
}

/** The newest word about a release counts. */
export function withLifts(before: readonly Lift[], lifts: readonly Lift[]): Lift[] {
  const others = before.filter(({ digest }) => !lifts.some((lift) => lift.digest === digest));
  return [...others, ...lifts].slice(-LIFTS_KEPT_MAX);
}

/** Of one release, by id or digest or their beginnings; null: all. */
export function findQuarantined(kept: readonly Quarantined[], wanted: string | null): readonly Quarantined[] {
  if (wanted === null) return kept;
  return kept.filter(({ release, digest }) => release.startsWith(wanted) || digest.startsWith(wanted));
}

function describeMissing({ address, reported, release }: LiftRequest): string {
  const device = `${address.site}/${address.device}`;
  const kept = (reported?.quarantine ?? []).map((entry) => `${entry.release} (${entry.digest.slice(0, 12)})`);
  if (kept.length === 0) return `${device} has reported nothing in quarantine`;
  return `${device} has no "${release}" in quarantine; there are: ${kept.join(', ')}`;
}
