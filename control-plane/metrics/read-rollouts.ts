// Rollouts, verdicts and incidents as samples: read from the rows that decisions are written to, summed up per release and stage.
import { sql } from 'kysely';
import { ENDED, ROLLOUT_STATES } from '../../shared/protocol/rollout-states.ts';
import type { Progress } from '../core/advance.ts';
import type { Database } from '../database/database.ts';
import type { Snapshot } from '../rollouts/snapshot.ts';
import { type Sample, sample } from './catalogue.ts';

/** Drafts are not kept. */
const STATES = ROLLOUT_STATES.filter((state) => state !== 'draft');

export async function readRollouts(database: Database, nowMs: number): Promise<readonly Sample[]> {
  const counts = await database
    .selectFrom('rollouts')
    .select(['state', (select) => select.fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute();
  const byState = new Map(counts.map(({ state, count }) => [state, Number(count)]));
  const decisions = await database
    .selectFrom('rollout_decisions')
    .select(['kind', (select) => select.fn.countAll<number>().as('count')])
    .groupBy('kind')
    .execute();
  const open = await database
    .selectFrom('incidents')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('closed_at_ms', 'is', null)
    .executeTakeFirstOrThrow();
  return [
    ...STATES.map((state) => sample('belay_rollouts', byState.get(state) ?? 0, { state })),
    ...decisions.map(({ kind, count }) => sample('belay_rollout_decisions_total', Number(count), { kind })),
    sample('belay_incidents_open', Number(open.count)),
    ...(await readRunning(database, nowMs)),
  ];
}

async function readRunning(database: Database, nowMs: number): Promise<readonly Sample[]> {
  const rows = await database
    .selectFrom('rollouts')
    .select(['id', 'state', 'candidate_release', 'created_at_ms', 'progress', 'latest'])
    .select(
      sql<number | null>`(select max(d.at_ms) from rollout_decisions d
        where d.rollout_id = rollouts.id and d.from_state <> d.to_state)`.as('since_ms'),
    )
    .select(
      sql<string | null>`json_extract(plan, '$.stages[' || json_extract(progress, '$.stageIndex') || '].name')`.as(
        'stage',
      ),
    )
    .where('state', 'not in', ENDED)
    .execute();
  return rows.flatMap((row) => {
    const progress = JSON.parse(row.progress) as Progress;
    const latest = JSON.parse(row.latest) as Snapshot;
    const exposure: Readonly<Record<string, unknown>> = latest.exposure;
    const where = { model_version: row.candidate_release, stage: row.stage ?? '' };
    const lookAtMs = row.state === 'running' && progress.phase !== 'settling' ? progress.lookAtMs : null;
    return [
      sample('belay_rollout_state_age_seconds', (nowMs - (row.since_ms ?? row.created_at_ms)) / 1000, {
        ...where,
        state: row.state,
      }),
      sample('belay_rollout_stage_age_seconds', (nowMs - progress.stageStartedAtMs) / 1000, {
        ...where,
        phase: row.state === 'running' ? progress.phase : 'stopped',
      }),
      sample('belay_rollout_overdue_seconds', lookAtMs === null ? 0 : Math.max(0, nowMs - lookAtMs) / 1000, where),
      ...Object.entries(exposure).map(([what, count]) =>
        sample('belay_rollout_devices', Number(count), { ...where, what }),
      ),
      ...latest.verdicts.map(({ guardrail, verdict, enforce }) =>
        sample('belay_guardrail_verdict', 1, { ...where, guardrail, verdict, enforce }),
      ),
    ];
  });
}
