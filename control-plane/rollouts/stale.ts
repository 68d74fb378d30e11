// Whether a rollout is still the one that a person has seen, and what it is by now. Asked in the room's own turn: nothing moves
// between this look and the compare-and-set of what is asked.
import { type Expected, isExpected, type Stale } from '../core/expected.ts';
import type { Database } from '../database/database.ts';
import { listDecisions } from './decisions.ts';
import { findRollout, type Rollout } from './rollout-rows.ts';

/** Null: it is, or there is no such rollout. */
export async function findStale(database: Database, idOrName: string, expected: Expected): Promise<Stale | null> {
  if (expected === null) return null;
  const rollout = await findRollout(database, idOrName);
  if (rollout === null || isExpected(expected, rollout.version)) return null;
  return staleRollout(database, rollout);
}

export async function staleRollout(database: Database, { id, state, version, latest }: Rollout): Promise<Stale> {
  const [last] = await listDecisions(database, id, 1);
  const because =
    last === undefined ? latest.status : `the last decision was ${last.kind} by ${last.actor}: ${last.reason}`;
  return { kind: 'stale', version: String(version), now: `It is ${state.replaceAll('_', ' ')}; ${because}.` };
}
