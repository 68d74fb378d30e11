// What the wall knew before a restart, read back in pieces so that nothing waits for it: last reports and newest windows.
import { windowSchema } from '../../shared/measure/window.ts';
import { reportedSchema } from '../../shared/protocol/reports.ts';
import type { Database } from '../database/database.ts';
import { type DeviceFacts, unknownFacts, withReport, withWindow } from './device-facts.ts';

const DEVICES_PER_PIECE = 100;

/** Calls `take` for every device that was ever heard; `isOver` is asked between pieces. */
export async function restoreWall(
  database: Database,
  take: (facts: DeviceFacts) => void,
  isOver: () => boolean,
): Promise<void> {
  for (let offset = 0; !isOver(); offset += DEVICES_PER_PIECE) {
    const rows = await database
      .selectFrom('devices')
      .select(['site', 'device', 'hardware_class', 'line', 'reported'])
      .orderBy('site')
      .orderBy('device')
      .limit(DEVICES_PER_PIECE)
      .offset(offset)
      .execute();
    for (const row of rows) {
      const identified = { ...unknownFacts(row), hardwareClass: row.hardware_class, line: row.line };
      const reported = row.reported === null ? null : reportedSchema.safeParse(JSON.parse(row.reported));
      const facts = reported?.success ? withReport(identified, reported.data) : identified;
      take(await withNewestWindow(database, facts));
    }
    if (rows.length < DEVICES_PER_PIECE) return;
  }
}

async function withNewestWindow(database: Database, facts: DeviceFacts): Promise<DeviceFacts> {
  const row = await database
    .selectFrom('windows')
    .select('document')
    .where('site', '=', facts.site)
    .where('device', '=', facts.device)
    .orderBy('start_at_ms', 'desc')
    .limit(1)
    .executeTakeFirst();
  const window = row && windowSchema.safeParse(JSON.parse(row.document));
  return window?.success ? withWindow(facts, window.data) : facts;
}
