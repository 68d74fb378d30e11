// Tables of the rollouts room: the rollout, its ledger of devices, and every decision with its inputs.
import { type Kysely, sql } from 'kysely';

export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('rollouts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('candidate_release', 'text', (column) => column.notNull())
    .addColumn('candidate_digest', 'text', (column) => column.notNull())
    .addColumn('created_at_ms', 'integer', (column) => column.notNull())
    .addColumn('ended_at_ms', 'integer')
    .addColumn('file_text', 'text', (column) => column.notNull())
    .addColumn('file_hash', 'text', (column) => column.notNull())
    .addColumn('plan', 'text', (column) => column.notNull())
    .addColumn('plan_hash', 'text', (column) => column.notNull())
    .addColumn('progress', 'text', (column) => column.notNull())
    .addColumn('latest', 'text', (column) => column.notNull())
    .execute();
  await createAssignments(database);
  await createDecisions(database);
}

async function createAssignments(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('rollout_assignments')
    .addColumn('rollout_id', 'text', (column) => column.notNull().references('rollouts.id'))
    .addColumn('site', 'text', (column) => column.notNull())
    .addColumn('device', 'text', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('hardware_class', 'text', (column) => column.notNull())
    .addColumn('line', 'text')
    .addColumn('arm', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('stage', 'text')
    .addColumn('since_at_ms', 'integer', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('activated_at_ms', 'integer')
    .addColumn('baseline_release', 'text', (column) => column.notNull())
    .addColumn('baseline_digest', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('rollout_assignments_key', ['rollout_id', 'site', 'device'])
    .execute();
}

/** Decisions are evidence: the database itself refuses to change or delete one. */
async function createDecisions(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('rollout_decisions')
    .addColumn('rollout_id', 'text', (column) => column.notNull().references('rollouts.id'))
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('at_ms', 'integer', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('rule', 'text', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('from_state', 'text', (column) => column.notNull())
    .addColumn('to_state', 'text', (column) => column.notNull())
    .addColumn('stage', 'text', (column) => column.notNull())
    .addColumn('statistics_version', 'text', (column) => column.notNull())
    .addColumn('file_hash', 'text', (column) => column.notNull())
    .addColumn('inputs', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('rollout_decisions_key', ['rollout_id', 'seq'])
    .execute();
  for (const act of ['update', 'delete'] as const) {
    await sql`create trigger ${sql.raw(`rollout_decisions_no_${act}`)} before ${sql.raw(act)} on rollout_decisions
      begin select raise(abort, 'rollout decisions are append-only'); end`.execute(database);
  }
}
