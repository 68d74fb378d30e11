// What the pictures of a rollout are drawn from: the course of its verdicts, and the evidence of the newest judged moment device by
// device. Reads only.
import { pairedSchema } from '../../shared/measure/window.ts';
import type {
  CourseMark,
  RolloutCourse,
  RolloutEvidence,
  ShadowEvidence,
} from '../../shared/protocol/api-rollout-charts.ts';
import type { RolloutDecision } from '../../shared/protocol/api-rollouts.ts';
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import type { Assessment } from '../core/assess.ts';
import { linesOf, MOMENTS_MAX } from '../core/course.ts';
import { describeEvidence } from '../core/device-points.ts';
import { addShadow, type ShadowWindow } from '../core/shadow-sum.ts';
import { keyOf } from '../core/stages.ts';
import type { Queryable } from '../database/database.ts';
import { readCourse } from './course.ts';
import { listDecisions } from './decisions.ts';
import { readLedger } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import { readSpec } from './read-spec.ts';
import type { Rollout } from './rollout-rows.ts';

/** What the newest judged moment was judged by. */
export type Seen = {
  readonly atMs: number;
  readonly stage: string;
  /** Of the decision that kept it; null: it was judged since, and no decision followed. */
  readonly seq: number | null;
  readonly evidence: readonly { readonly guardrail: string; readonly evidence: unknown }[];
};

/** Marks of one picture. */
const DECISIONS_MAX = 200;
/** Decisions that are looked through for evidence, newest first: an approval or a resume has none of its own. */
const LOOKED_THROUGH = 20;
/** Windows of the shadow that are added up: some MB of documents. */
const SHADOW_WINDOWS_MAX = 600;
/** Rows that are looked through for them: controls have windows too. */
const SHADOW_ROWS_MAX = 3000;
/** Windows come a little after their time. */
const LATE_MS = 5 * 60_000;

/** Decisions that change what is exposed, and are not the beginning of a stage. */
const MARKED: Readonly<Record<string, string>> = {
  hold: 'held',
  rollback: 'rolled back',
  'factory-back': 'a factory went back',
  resume: 'went on',
  extend: 'extended',
  complete: 'complete',
  revise: 'other words',
};

export async function courseOf(
  { database, wallNow }: Pick<RolloutParts, 'database' | 'wallNow'>,
  rollout: Rollout,
  spec: RolloutSpec | null,
): Promise<RolloutCourse> {
  const moments = await readCourse(database, rollout.id);
  const decisions = await listDecisions(database, rollout.id, DECISIONS_MAX);
  return {
    id: rollout.id,
    nowMs: wallNow(),
    atMs: moments.map(({ atMs }) => atMs),
    pointsMax: MOMENTS_MAX,
    guardrails: [...linesOf(moments)],
    marks: [...marksOf(rollout, spec, decisions)].sort((a, b) => a.atMs - b.atMs),
  };
}

function* marksOf(
  { progress }: Rollout,
  spec: RolloutSpec | null,
  decisions: readonly RolloutDecision[],
): Generator<CourseMark, void, undefined> {
  for (const [at, time] of progress.stageTimes.entries())
    if (time?.startedAtMs != null) yield { atMs: time.startedAtMs, kind: 'stage', text: spec?.stages[at]?.name ?? '' };
  for (const { atMs, kind } of decisions) {
    const text = MARKED[kind];
    if (text !== undefined) yield { atMs, kind: 'decision', text };
  }
}

export type EvidenceAsked = {
  readonly rollout: Rollout;
  readonly seen: Seen | null;
  readonly guardrail: string | null;
};

export async function evidenceOf(
  parts: RolloutParts,
  { rollout, seen: newest, guardrail }: EvidenceAsked,
): Promise<RolloutEvidence> {
  const { database, wallNow } = parts;
  const seen = newest ?? (await keptEvidence(database, rollout.id));
  const ledger = await readLedger(database, rollout.id, rollout.plan);
  const hardware = new Map(ledger.map((row) => [keyOf(row), row.hardwareClass]));
  const { spec, guardrails } = await readSpec(parts, rollout);
  const described = guardrails.map((one) => {
    const evidence = seen?.evidence.find((each) => each.guardrail === one.id)?.evidence;
    return describeEvidence({ guardrail: one, evidence, hardware, withPoints: one.id === guardrail });
  });
  return {
    id: rollout.id,
    nowMs: wallNow(),
    seen: seen && { atMs: seen.atMs, stage: seen.stage, seq: seen.seq },
    guardrails: described.filter((one) => one !== null),
    shadow: await readShadow(database, rollout, spec),
  };
}

/** Of the newest decision that has any. */
export async function keptEvidence(database: Queryable, rolloutId: string): Promise<Seen | null> {
  const decisions = await listDecisions(database, rolloutId, LOOKED_THROUGH);
  for (const { seq, atMs, stage } of decisions) {
    const row = await database
      .selectFrom('rollout_decisions')
      .select('inputs')
      .where('rollout_id', '=', rolloutId)
      .where('seq', '=', seq)
      .executeTakeFirstOrThrow();
    const inputs = JSON.parse(row.inputs) as { readonly evidence?: Assessment['evidence'] } | null;
    const evidence = inputs?.evidence ?? [];
    if (evidence.length > 0) return { atMs, stage, seq, evidence };
  }
  return null;
}

/** The newest windows in which a shadow of this rollout looked on; null without a stage that has one. */
async function readShadow(
  database: Queryable,
  { plan, candidate, progress, endedAtMs }: Rollout,
  spec: RolloutSpec,
): Promise<ShadowEvidence | null> {
  const times = progress.stageTimes.filter((_, at) => spec.stages[at]?.mode === 'shadow');
  const begun = times.flatMap((time) => (time?.startedAtMs == null ? [] : [time]));
  const first = begun[0]?.startedAtMs;
  const last = begun.at(-1);
  if (first === undefined || first === null) return null;
  const newest = database
    .selectFrom('windows')
    .select(['site', 'device', 'start_at_ms', 'end_at_ms', 'received_at_ms', 'document'])
    .where('site', 'in', [...new Set(plan.devices.map(({ site }) => site))])
    .where('received_at_ms', '>=', first)
    .where('received_at_ms', '<=', (last?.endedAtMs ?? endedAtMs ?? Number.MAX_SAFE_INTEGER - LATE_MS) + LATE_MS)
    .orderBy('received_at_ms', 'desc')
    .limit(SHADOW_ROWS_MAX);
  const rows = await database
    .selectFrom(newest.as('newest'))
    .selectAll()
    .where('document', 'like', `%"candidateDigest":"${candidate.digest}"%`)
    .limit(SHADOW_WINDOWS_MAX + 1)
    .execute();
  const windows = rows.slice(0, SHADOW_WINDOWS_MAX).flatMap((row): ShadowWindow[] => {
    const { paired } = JSON.parse(row.document) as { readonly paired?: unknown };
    const read = pairedSchema.safeParse(paired);
    if (!read.success) return [];
    const { site, device, start_at_ms: startAtMs, end_at_ms: endAtMs } = row;
    return [{ site, device, startAtMs, endAtMs, paired: read.data }];
  });
  return addShadow(windows, rows.length > SHADOW_WINDOWS_MAX);
}
