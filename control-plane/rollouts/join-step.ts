// Devices that came after the start get their place in the ledger, with a record of it, before the next decision is taken.
import { ENDED } from '../../shared/protocol/rollout-states.ts';
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import { list } from '../core/decide.ts';
import { type Joining, joinersOf } from '../core/joiners.ts';
import { keyOf } from '../core/stages.ts';
import type { Device } from '../devices/device.ts';
import { busyDevices, insertJoiners, type LedgerRow } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import { planFactsOf } from './planner.ts';
import { recordTransition } from './record.ts';
import type { Rollout } from './rollout-rows.ts';

type Coming = {
  readonly rollout: Rollout;
  readonly spec: RolloutSpec;
  readonly ledger: readonly LedgerRow[];
  readonly devices: readonly Device[];
  readonly nowMs: number;
};

/** Null: nobody came, decide as usual. Else whether what was written stands. */
export async function takeJoiners(parts: RolloutParts, facts: Coming): Promise<boolean | null> {
  const { rollout, spec, ledger, devices, nowMs } = facts;
  const known = new Set(ledger.map(keyOf));
  const strangers = devices.filter((device) => !known.has(keyOf(device)));
  if (strangers.length === 0 || rollout.state === 'scheduled') return null;
  const { salt, clusterBy } = rollout.plan;
  const busy = await busyDevices(parts.database, ENDED);
  const planned = planFactsOf(strangers, { salt, candidateDigest: rollout.candidate.digest, busy, clusterBy });
  const joiners = joinersOf({ spec, candidate: rollout.candidate, ledger, devices: planned });
  if (joiners.length === 0) return null;
  const { newDevices: as } = spec.cohort;
  return recordTransition(parts, {
    ...{ rollout, spec, ledger, nowMs },
    state: rollout.state,
    progress: rollout.progress,
    effect: 'none',
    decision: {
      kind: 'join',
      rule: 'cohort',
      actor: 'belay',
      reason: reasonOf(joiners, as),
      inputs: { joiners: joiners.map(keyOf), as },
    },
    alongside: (transaction) => insertJoiners(transaction, joiners, { rolloutId: rollout.id, as, nowMs }),
  });
}

function reasonOf(joiners: readonly Joining[], as: 'baseline' | 'fill'): string {
  const who = `${joiners.length} device${joiners.length === 1 ? '' : 's'} joined: ${list(joiners.map(keyOf))}`;
  return `${who}; ${as === 'fill' ? 'last in the order of their site' : 'controls until the end'}`;
}
