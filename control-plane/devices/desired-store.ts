// What devices shall do, as rows: a decision writes here inside its own transaction, the delivery loop sends later.
// The stored document is the whole payload without a signature; the generation only ever grows.
import { type Desired, desiredSchema } from '../../shared/protocol/documents.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { DatabaseTransaction, Queryable } from '../database/database.ts';

/** The part of a desired document that a decision chooses; address, generation and time are filled in here. */
export type DesiredChoice = Pick<Desired, 'baseline' | 'candidate' | 'cohortId' | 'limits' | 'liftQuarantine'>;

export type DesiredChange = DeviceAddress & {
  /** The next choice, from what is desired now; null when nothing was ever desired. */
  readonly change: (previous: Desired | null) => DesiredChoice;
  readonly nowMs: number;
  /** The new generation is above this too: a device that is ahead of us refuses everything older. */
  readonly generationAbove?: number;
};

/** Writes generation old + 1 in the caller's transaction and returns the whole document. */
export async function writeDesired(transaction: DatabaseTransaction, write: DesiredChange): Promise<Desired> {
  const { site, device, nowMs } = write;
  const previous = await readDesired(transaction, { site, device });
  const desired = desiredSchema.parse({
    ...write.change(previous),
    v: 1,
    site,
    device,
    generation: Math.max(previous?.generation ?? 0, write.generationAbove ?? 0) + 1,
    issuedAtMs: nowMs,
  });
  const row = { generation: desired.generation, document: JSON.stringify(desired), issued_at_ms: nowMs };
  await transaction
    .insertInto('desired_state')
    .values({ site, device, ...row, published_generation: 0 })
    .onConflict((conflict) => conflict.columns(['site', 'device']).doUpdateSet(row))
    .execute();
  return desired;
}

export async function readDesired(database: Queryable, { site, device }: DeviceAddress): Promise<Desired | null> {
  const row = await database
    .selectFrom('desired_state')
    .select('document')
    .where('site', '=', site)
    .where('device', '=', device)
    .executeTakeFirst();
  return row ? desiredSchema.parse(JSON.parse(row.document)) : null;
}

/** Every desired document, for seeding the broker before it listens. */
export async function readAllDesired(database: Queryable): Promise<readonly Desired[]> {
  const rows = await database.selectFrom('desired_state').select('document').execute();
  return rows.map((row) => desiredSchema.parse(JSON.parse(row.document)));
}

/** What still has to be sent: rows whose newest generation was not published. */
export async function readUnpublished(database: Queryable, limit: number): Promise<readonly Desired[]> {
  const rows = await database
    .selectFrom('desired_state')
    .select('document')
    .whereRef('published_generation', '<', 'generation')
    .limit(limit)
    .execute();
  return rows.map((row) => desiredSchema.parse(JSON.parse(row.document)));
}

/** Remembers that a generation went out; an older one never overwrites a newer. */
export async function markPublished(database: Queryable, desired: readonly Desired[]): Promise<void> {
  for (const { site, device, generation } of desired) {
    await database
      .updateTable('desired_state')
      .set({ published_generation: generation })
      .where('site', '=', site)
      .where('device', '=', device)
      .where('published_generation', '<', generation)
      .execute();
  }
}
