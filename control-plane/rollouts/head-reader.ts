// Reads rollouts for lists. The plan of a rollout names every device and changes with a revision alone: what a line needs of it
// is read once, since reading it takes longer than everything else in a list.

import { type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import type { RolloutState } from '../../shared/protocol/api-rollouts.ts';
import { ENDED } from '../../shared/protocol/rollout-states.ts';
import { planSchema } from '../../shared/rollout/plan.ts';
import type { Database } from '../database/database.ts';
import type { Schema } from '../database/schema.ts';
import { type Rollout, toProgress } from './rollout-rows.ts';
import { type PlanFacts, planFactsOf, type RolloutHead } from './summary.ts';

export type RolloutPageQuery = {
  /** `active`: all that have not ended. */
  readonly state: RolloutState | 'active' | null;
  /** The last one of the page before. */
  readonly after: Pick<Rollout, 'id' | 'createdAtMs'> | null;
  /** At most so many. */
  readonly limit: number;
};

/** As many as a page shows at most; those asked for longest ago make room. */
const KEPT_MAX = 1000;

export class HeadReader {
  readonly #database: Database;
  readonly #plans = new Map<string, PlanFacts>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Newest first. */
  list(): Promise<readonly RolloutHead[]> {
    return this.#read(this.#rows());
  }

  /** Newest first. */
  page({ state, after, limit }: RolloutPageQuery): Promise<readonly RolloutHead[]> {
    let rows = this.#rows().limit(limit);
    if (state === 'active') rows = rows.where('state', 'not in', ENDED);
    else if (state !== null) rows = rows.where('state', '=', state);
    if (after !== null)
      rows = rows.where(({ or, and, eb }) =>
        or([
          eb('created_at_ms', '<', after.createdAtMs),
          and([eb('created_at_ms', '=', after.createdAtMs), eb('id', '>', after.id)]),
        ]),
      );
    return this.#read(rows);
  }

  #rows() {
    return this.#database
      .selectFrom('rollouts')
      .select(['id', 'name', 'state', 'candidate_release', 'candidate_digest', 'created_at_ms', 'ended_at_ms'])
      .select(['file_text', 'file_hash', 'revision', 'plan_hash', 'progress'])
      .select(sql<string>`json_extract(latest, '$.status')`.as('status'))
      .select(sql<number>`json_extract(latest, '$.atMs')`.as('seen_at_ms'))
      .orderBy('created_at_ms', 'desc')
      .orderBy('id');
  }

  async #read(query: SelectQueryBuilder<Schema, 'rollouts', HeadRow>): Promise<readonly RolloutHead[]> {
    const rows = await query.execute();
    await this.#readPlans(rows.filter((row) => !this.#plans.has(keyOf(row))));
    const heads = rows.map((row) => toHead(row, this.#plans.get(keyOf(row)) ?? { owner: '', sites: [] }));
    for (const row of rows) this.#keep(keyOf(row));
    return heads;
  }

  /** One after the other: some are large. */
  async #readPlans(missing: readonly HeadRow[]): Promise<void> {
    for (const row of missing) {
      const query = this.#database.selectFrom('rollouts').select('plan').where('id', '=', row.id);
      const { plan } = await query.executeTakeFirstOrThrow();
      this.#plans.set(keyOf(row), planFactsOf(planSchema.parse(JSON.parse(plan))));
    }
  }

  #keep(key: string): void {
    const facts = this.#plans.get(key);
    if (facts === undefined) return;
    this.#plans.delete(key);
    this.#plans.set(key, facts);
    const [oldest] = this.#plans.keys();
    if (this.#plans.size > KEPT_MAX && oldest !== undefined) this.#plans.delete(oldest);
  }
}

type HeadRow = Pick<
  Selectable<Schema['rollouts']>,
  | 'id'
  | 'name'
  | 'state'
  | 'candidate_release'
  | 'candidate_digest'
  | 'created_at_ms'
  | 'ended_at_ms'
  | 'file_text'
  | 'file_hash'
  | 'revision'
  | 'plan_hash'
  | 'progress'
> & { readonly status: string; readonly seen_at_ms: number };

/** A revision in force brings another plan with it. */
function keyOf({ id, revision, plan_hash }: Pick<HeadRow, 'id' | 'revision' | 'plan_hash'>): string {
  return `${id} ${revision} ${plan_hash}`;
}

function toHead(row: HeadRow, plan: PlanFacts): RolloutHead {
  return {
    ...plan,
    id: row.id,
    name: row.name,
    state: row.state as RolloutState,
    candidate: { release: row.candidate_release, digest: row.candidate_digest },
    createdAtMs: row.created_at_ms,
    endedAtMs: row.ended_at_ms,
    fileText: row.file_text,
    fileHash: row.file_hash,
    progress: toProgress(row.progress),
    status: row.status,
    seenAtMs: row.seen_at_ms,
  };
}
