// What a rollout file asks to keep (after.archive): made once, in the tick after the end, while the windows are still there.

import { ENDED } from '../../shared/protocol/rollout-states.ts';
import type { ArchiveKind } from '../../shared/rollout/life-sections.ts';
import { readRolloutFile } from '../../shared/rollout/read-rollout-file.ts';
import { openTelemetrySummary } from '../core/telemetry-summary.ts';
import type { Database } from '../database/database.ts';
import { openReports } from '../reports/reports.ts';
import { listDecisions } from './decisions.ts';
import { readLedger } from './ledger.ts';
import { findRollout, type Rollout } from './rollout-rows.ts';
import { readWindows, scopeOf } from './window-rows.ts';

/** One that ended longer ago, under an older version, is left as it is: its windows are gone. */
const LOOKED_BACK_MS = 86_400_000;
const DECISIONS_MAX = 10_000;
/** Stands for a rollout that asks to keep nothing, so that it is looked at once. */
const NOTHING = 'nothing';

export type Archived = { readonly kind: string; readonly atMs: number; readonly document: unknown };

/** Safe to repeat: what is there already stays as it is. */
export async function archiveEnded(database: Database, nowMs: number): Promise<void> {
  const rows = await database
    .selectFrom('rollouts')
    .leftJoin('rollout_archives', 'rollout_archives.rollout_id', 'rollouts.id')
    .select('rollouts.id')
    .where('state', 'in', ENDED)
    .where('ended_at_ms', '>=', nowMs - LOOKED_BACK_MS)
    .where('rollout_archives.rollout_id', 'is', null)
    .execute();
  for (const { id } of rows) {
    const rollout = await findRollout(database, id);
    if (rollout !== null) await archive(database, rollout, nowMs);
  }
}

async function archive(database: Database, rollout: Rollout, nowMs: number): Promise<void> {
  const read = readRolloutFile(rollout.fileText);
  const kinds = read.ok ? read.value.spec.after.archive : [];
  const kept: { readonly kind: string; readonly document: unknown }[] = [];
  for (const kind of kinds) kept.push({ kind, document: await documentOf(database, rollout, kind) });
  const all = kept.length > 0 ? kept : [{ kind: NOTHING, document: null }];
  await database
    .insertInto('rollout_archives')
    .values(
      all.map(({ kind, document }) => ({
        rollout_id: rollout.id,
        kind,
        at_ms: nowMs,
        document: JSON.stringify(document),
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function documentOf(database: Database, rollout: Rollout, kind: ArchiveKind): Promise<unknown> {
  switch (kind) {
    case 'decisions':
      return listDecisions(database, rollout.id, DECISIONS_MAX);
    case 'report':
      return openReports({ database }).ofRollout(rollout.id);
    case 'telemetry-summary':
      return summaryOf(database, rollout);
  }
}

async function summaryOf(database: Database, rollout: Rollout): Promise<unknown> {
  const untilMs = rollout.endedAtMs ?? rollout.createdAtMs;
  const summary = openTelemetrySummary({ candidateDigest: rollout.candidate.digest, untilMs });
  for (const row of await readLedger(database, rollout.id, rollout.plan)) {
    const { site, device, hardwareClass, line, baseline } = row;
    const windows = await readWindows(database, scopeOf(rollout), { site, device });
    summary.add({ site, device, hardwareClass, line, baselineDigest: baseline.digest, ...windows });
  }
  return summary.rows();
}

export async function readArchive(database: Database, rolloutId: string): Promise<readonly Archived[]> {
  const rows = await database
    .selectFrom('rollout_archives')
    .select(['kind', 'at_ms', 'document'])
    .where('rollout_id', '=', rolloutId)
    .where('kind', '!=', NOTHING)
    .orderBy('kind')
    .execute();
  return rows.map(({ kind, at_ms: atMs, document }) => ({ kind, atMs, document: JSON.parse(document) as unknown }));
}
