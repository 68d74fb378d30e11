// The model card that came with a release.
import { type Kysely, sql } from 'kysely';

export async function up(database: Kysely<unknown>): Promise<void> {
  const columns = 'digest text primary key references releases (digest), readme text not null';
  await sql.raw(`create table release_cards (${columns})`).execute(database);
}
