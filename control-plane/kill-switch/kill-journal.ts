// The kills in a file beside the database, so that a kill survives a restart even if the database could not take it.
import { open, readFile, rename } from 'node:fs/promises';
import { z } from 'zod';
import { BelayError } from '../../shared/basics/errors.ts';
import { describeProblems, parseJson } from '../../shared/basics/parsing.ts';
import { killScopeSchema } from '../../shared/protocol/documents.ts';
import type { KillRecord } from './kill-records.ts';

const recordSchema = z.looseObject({
  id: z.string(),
  scope: killScopeSchema,
  topic: z.string(),
  reason: z.string(),
  actor: z.string(),
  epoch: z.number().int(),
  raisedAtMs: z.number().int(),
  recipients: z.array(z.looseObject({ site: z.string(), device: z.string(), online: z.boolean() })),
  cleared: z
    .looseObject({ atMs: z.number().int(), by: z.string(), reason: z.string(), epoch: z.number().int() })
    .nullable(),
});
const journalSchema = z.looseObject({ v: z.literal(1), records: z.array(recordSchema) });

/** Kills that are over are kept in the file for their epochs; the database has all of them. */
const CLEARED_KEPT_MAX = 200;

export type KillJournal = {
  /** Throws BelayError `kill-journal-unreadable`: starting without it could re-arm what was killed. */
  read(): Promise<readonly KillRecord[]>;
  write(records: readonly KillRecord[]): Promise<void>;
};

export function openKillJournal(path: string): KillJournal {
  return {
    read: async () => {
      const text = await readIfPresent(path);
      if (text === null) return [];
      const parsed = parseJson(journalSchema, text);
      if (parsed.ok) return parsed.value.records;
      const why = describeProblems(parsed.problems.slice(0, 3));
      throw new BelayError(
        'kill-journal-unreadable',
        `reading ${path}: ${why}; restore it, or remove it if the database is whole`,
      );
    },
    write: async (records) => {
      const active = records.filter((record) => record.cleared === null);
      const over = records.filter((record) => record.cleared !== null).slice(-CLEARED_KEPT_MAX);
      const file = await open(`${path}.part`, 'w', 0o600);
      try {
        await file.writeFile(JSON.stringify({ v: 1, records: [...over, ...active] }));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.part`, path);
    },
  };
}

async function readIfPresent(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new BelayError('kill-journal-unreadable', `reading ${path} failed; check its rights`, { cause: error });
  }
}
