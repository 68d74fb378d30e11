// Keeps the data folder from growing without end: old windows and watermarks, artifacts that no release names.

import { sql } from 'kysely';
import { describeError } from '../shared/basics/errors.ts';
import type { Database } from './database/database.ts';
import { forgetAnswers } from './http/idempotency-rows.ts';
import type { ArtifactStore } from './registry/artifact-store.ts';

export type UpkeepParts = {
  readonly database: Database;
  readonly artifacts: ArtifactStore;
  readonly keepWindowsMs: number;
  readonly keepUnreferencedMs: number;
  readonly wallNow: () => number;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
};

export type Removed = {
  readonly windows: number;
  readonly watermarks: number;
  readonly artifacts: number;
  /** To requests with an Idempotency-Key. */
  readonly answers: number;
};

/** Small transactions: telemetry waits for its turn on the same connection. */
const ROWS_PER_STEP = 2000;

export type UpkeepLoopParts = UpkeepParts & {
  /** The newest row of the audit. In the log it lies outside of the database: whoever cuts rows off cannot take it back. */
  readonly auditHead: () => Promise<{ readonly seq: number; readonly hash: string } | null>;
};

export function startUpkeepLoop(parts: UpkeepLoopParts, everyMs: number): { close(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    try {
      const removed = await keepUp(parts);
      parts.log.info({ auditHead: await parts.auditHead() }, 'head of the audit');
      if (Object.values(removed).some((count) => count > 0)) parts.log.info(removed, 'old data removed');
    } catch (error) {
      parts.log.warn({ error: describeError(error) }, 'upkeep failed; trying again at its next turn');
    }
  };
  const timer = setInterval(() => {
    running = running.then(look);
  }, everyMs);
  return {
    close: async () => {
      clearInterval(timer);
      await running;
    },
  };
}

/** One round; events, audit, releases and their artifacts stay. */
export async function keepUp(parts: UpkeepParts): Promise<Removed> {
  const { database, keepWindowsMs, wallNow } = parts;
  const beforeMs = wallNow() - keepWindowsMs;
  let windows = 0;
  for (let step = ROWS_PER_STEP; step === ROWS_PER_STEP; windows += step) {
    const result = await sql`delete from windows where rowid in
      (select rowid from windows where received_at_ms < ${beforeMs} limit ${ROWS_PER_STEP})`.execute(database);
    step = Number(result.numAffectedRows ?? 0n);
  }
  const marks = await database.deleteFrom('watermarks').where('updated_at_ms', '<', beforeMs).executeTakeFirst();
  const artifacts = await removeUnreferenced(parts);
  const answers = await forgetAnswers(database, wallNow());
  return { windows, watermarks: Number(marks.numDeletedRows), artifacts, answers };
}

async function removeUnreferenced({ database, artifacts, keepUnreferencedMs, wallNow }: UpkeepParts): Promise<number> {
  const rows = await database
    .selectFrom('artifacts')
    .select('sha256')
    .where('stored_at_ms', '<', wallNow() - keepUnreferencedMs)
    .where('sha256', 'not in', (query) => query.selectFrom('release_files').select('sha256'))
    .execute();
  for (const { sha256 } of rows) {
    await database.deleteFrom('artifacts').where('sha256', '=', sha256).execute();
    await artifacts.remove(sha256);
  }
  return rows.length;
}
