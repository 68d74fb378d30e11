// What people have said of a device: pinned, drained, retired. One row per device of which anything was ever said.
import { type Kysely, sql } from 'kysely';

export async function up(database: Kysely<unknown>): Promise<void> {
  const said = 'pinned text, drained text, retired text';
  const columns = `site text not null, device text not null, version integer not null, ${said}, password_epoch integer not null`;
  await sql.raw(`create table device_duty (${columns}, primary key (site, device))`).execute(database);
}
