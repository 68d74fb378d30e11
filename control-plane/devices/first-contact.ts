// What is desired of a device that nothing is desired of yet: that it goes on with the release it has committed.
// Also heals a restored backup: a device that is ahead of our generation would refuse everything we say.
import type { Desired, ReleaseRef } from '../../shared/protocol/documents.ts';
import { DEFAULT_LIMITS } from '../../shared/protocol/limits.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { DatabaseTransaction } from '../database/database.ts';
import { type DesiredChoice, readDesired, writeDesired } from './desired-store.ts';

export const BASELINE_COHORT = 'baseline';

export type Contact = DeviceAddress & {
  /** Reached, as the device says. */
  readonly generation: number;
  readonly committed: ReleaseRef | null;
  /** Only a registered release can be desired: the device may have to download it. */
  readonly isRegistered: boolean;
  readonly nowMs: number;
};

/** Null when nothing has to be written. */
export async function reconcileDesired(transaction: DatabaseTransaction, contact: Contact): Promise<Desired | null> {
  const { site, device, generation, committed, isRegistered, nowMs } = contact;
  const previous = await readDesired(transaction, { site, device });
  if (previous === null) {
    if (committed === null || !isRegistered) return null;
    return writeDesired(transaction, {
      site,
      device,
      nowMs,
      change: () => keep(committed),
      generationAbove: generation,
    });
  }
  if (previous.generation >= generation) return null;
  return writeDesired(transaction, { site, device, nowMs, change: () => previous, generationAbove: generation });
}

function keep(committed: ReleaseRef): DesiredChoice {
  return {
    baseline: { release: committed.release, digest: committed.digest },
    candidate: null,
    cohortId: BASELINE_COHORT,
    limits: DEFAULT_LIMITS,
    liftQuarantine: [],
  };
}
