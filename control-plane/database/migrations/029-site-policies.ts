// What a site allows beyond what every site does. A site without a row allows nothing of it.
import { type Kysely, sql } from 'kysely';

export async function up(database: Kysely<unknown>): Promise<void> {
  const columns =
    'site text primary key, pictures integer not null, changed_at_ms integer not null, changed_by text not null';
  await sql.raw(`create table site_policies (${columns})`).execute(database);
}
