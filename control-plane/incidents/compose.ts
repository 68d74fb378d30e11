// One incident as people read it, put together from what is on record. Reads only: the same records give the same note.
import { z } from 'zod';
import {
  type Incident,
  type IncidentDevice,
  type IncidentSummary,
  incidentSummarySchema,
  type TimelineEntry,
  telemetryRowSchema,
} from '../../shared/protocol/api-incidents.ts';
import { type Verdict, verdictSchema } from '../../shared/rollout/verdict.ts';
import type { Verification } from '../../shared/rollout/verification.ts';
import type { Queryable } from '../database/database.ts';
import { type LedgerRow, readLedger } from '../rollouts/ledger.ts';
import type { Rollout } from '../rollouts/rollout-rows.ts';
import { readVerification } from '../rollouts/verifications.ts';
import { type IncidentRow, listIncidentNotes } from './incident-rows.ts';
import { readTimeline } from './timeline.ts';

/** Lines of a note; more are counted. A night of crash loops must not make it unreadable. */
const TIMELINE_MAX = 400;

type Head = Pick<Rollout, 'id' | 'name' | 'candidate'>;

export function summariseIncident(row: IncidentRow, rollout: Head): IncidentSummary {
  return incidentSummarySchema.parse({
    id: row.id,
    rolloutId: row.rollout_id,
    rolloutName: rollout.name,
    kind: row.kind,
    title: row.title,
    candidate: rollout.candidate,
    openedAtMs: row.opened_at_ms,
    closedAtMs: row.closed_at_ms,
    closedBecause: row.closed_because,
    rollForward: row.roll_forward === null ? null : JSON.parse(row.roll_forward),
  });
}

export async function composeIncident(database: Queryable, row: IncidentRow, rollout: Rollout): Promise<Incident> {
  const verification = await readVerification(database, rollout.id);
  const ledger = await readLedger(database, rollout.id, rollout.plan);
  const notes = (await listIncidentNotes(database, row.id)).map(({ at_ms, actor, text }) => ({
    atMs: at_ms,
    actor,
    text,
  }));
  const told = await readTimeline(database, rollout, verification);
  const noted = notes.map((note): TimelineEntry => ({ ...note, what: 'note' }));
  const timeline = [...told, ...noted].toSorted((a, b) => a.atMs - b.atMs);
  const decision = await readDecision(database, rollout.id, row.latest_seq);
  const { plan } = rollout;
  return {
    ...summariseIncident(row, rollout),
    state: rollout.state,
    stage: decision.stage,
    owners: plan.owners,
    baselines: plan.baselines,
    decision: { seq: row.latest_seq, rule: decision.rule, actor: decision.actor, reason: decision.reason },
    // In force when it was decided: a later revision changes nothing about it.
    fileHash: decision.fileHash,
    planHash: plan.hash,
    statisticsVersion: decision.statisticsVersion,
    timeline: timeline.slice(0, TIMELINE_MAX),
    timelineOmitted: Math.max(0, timeline.length - TIMELINE_MAX),
    verdicts: [...decision.verdicts],
    telemetry: row.telemetry === null ? null : z.array(telemetryRowSchema).parse(JSON.parse(row.telemetry)),
    devices: ledger.map((device) => deviceOf(device, told, verification)).map((device) => withFactory(device, rollout)),
    people: peopleOf(timeline),
    verification,
    notes,
  };
}

const inputsSchema = z.looseObject({ facts: z.looseObject({ verdicts: z.array(z.unknown()) }) });

type DecisionFound = {
  readonly stage: string;
  readonly rule: string;
  readonly actor: string;
  readonly reason: string;
  readonly fileHash: string;
  readonly statisticsVersion: string;
  readonly verdicts: readonly Verdict[];
};

async function readDecision(database: Queryable, rolloutId: string, seq: number): Promise<DecisionFound> {
  const { stage, rule, actor, reason, file_hash, statistics_version, inputs } = await database
    .selectFrom('rollout_decisions')
    .selectAll()
    .where('rollout_id', '=', rolloutId)
    .where('seq', '=', seq)
    .executeTakeFirstOrThrow();
  return {
    ...{ stage, rule, actor, reason },
    fileHash: file_hash,
    statisticsVersion: statistics_version,
    verdicts: verdictsOf(inputs),
  };
}

/** The verdicts that a stored decision was taken from; those of another version that cannot be read are left out. */
export function verdictsOf(inputs: string): readonly Verdict[] {
  const read = inputsSchema.safeParse(JSON.parse(inputs));
  if (!read.success) return [];
  return read.data.facts.verdicts.flatMap((verdict) => {
    const parsed = verdictSchema.safeParse(verdict);
    return parsed.success ? [parsed.data] : [];
  });
}

function deviceOf(row: LedgerRow, told: readonly TimelineEntry[], verification: Verification | null): IncidentDevice {
  const { site, device, hardwareClass, role, stage, activatedAtMs, baseline } = row;
  const outcome = outcomeOf(row, told, verification);
  return { site, device, hardwareClass, role, stage, activatedAtMs, baseline, outcome };
}

/** Its row says that it has no role, as the factory was taken back alone. */
function withFactory(device: IncidentDevice, { progress }: Rollout): IncidentDevice {
  const out = progress.factoriesOut.find(
    ({ site, devices }) => site === device.site && devices.includes(device.device),
  );
  if (out === undefined) return device;
  const end = out.ended === null ? 'on its way back' : `back on ${device.baseline.release}`;
  return { ...device, outcome: `had the candidate, went back with ${out.site}; ${end}` };
}

const HAD: Readonly<Record<LedgerRow['role'], string>> = {
  none: 'stayed on its release',
  prove: 'proved the candidate',
  shadow: 'ran the candidate in its shadow',
  serve: 'answered with the candidate',
};

function outcomeOf(row: LedgerRow, told: readonly TimelineEntry[], verification: Verification | null): string {
  const own = told.filter(({ what, actor }) => what === 'device' && actor === `${row.site}/${row.device}`);
  const reverted = own.findLast(({ text }) => /^(reverted|quarantined|kill-ack)/.test(text))?.text;
  if (row.role === 'none' && reverted === undefined) return HAD.none;
  const had = row.activatedAtMs === null ? 'was told of the candidate, never had it' : HAD[row.role];
  return [had, ...(reverted === undefined ? [] : [reverted]), ...endOf(row, verification)].join('; ');
}

function endOf({ site, device, baseline }: LedgerRow, verification: Verification | null): readonly string[] {
  if (verification === null) return [];
  const isThis = (other: { readonly site: string; readonly device: string }) =>
    other.site === site && other.device === device;
  const away = verification.offline.find(isThis);
  if (away) return [away.backAtMs == null ? 'offline when the rest was back' : 'back on its own release later'];
  const check = verification.checks.find(isThis);
  const back = `back on ${baseline.release}`;
  return [check === undefined || check.result === 'no-data' ? back : `${back}, ${check.detail} against its past`];
}

/** Who did what: everything that a person decided or wrote, in order of time. */
function peopleOf(timeline: readonly TimelineEntry[]): Incident['people'] {
  const deeds = timeline.filter(({ actor, what }) => actor !== 'belay' && ['decision', 'kill', 'note'].includes(what));
  return [...new Set(deeds.map(({ actor }) => actor))].map((actor) => ({
    actor,
    did: deeds.filter((deed) => deed.actor === actor).map(({ text }) => text),
  }));
}
