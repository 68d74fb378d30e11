// The door of the reports room: what a rollout, or all rollouts of a release, has shown; read from what is on record.
import { z } from 'zod';
import type { Release } from '../../shared/protocol/api-releases.ts';
import type {
  ReleaseReport,
  ReportBusiness,
  ReportExposure,
  ReportSlice,
  RolloutReport,
} from '../../shared/protocol/api-reports.ts';
import { ENDED } from '../../shared/protocol/rollout-states.ts';
import { readRolloutFile } from '../../shared/rollout/read-rollout-file.ts';
import type { StageSpec } from '../../shared/rollout/rollout-file.ts';
import { attribute, readBusiness, servingOf } from '../business/business-rows.ts';
import { businessRows } from '../core/business-report.ts';
import { slicesOf } from '../core/report-slices.ts';
import { keyOf } from '../core/stages.ts';
import type { Database } from '../database/database.ts';
import { summariseIncident, verdictsOf } from '../incidents/compose.ts';
import { listIncidents } from '../incidents/incident-rows.ts';
import { listDecisions } from '../rollouts/decisions.ts';
import { type LedgerRow, readLedger } from '../rollouts/ledger.ts';
import { findRollout, listRollouts, type Rollout } from '../rollouts/rollout-rows.ts';
import { readVerification } from '../rollouts/verifications.ts';

/** Decisions and incidents of one report; all of them stay in the database. */
const ENTRIES_MAX = 1000;

export type Reports = {
  /** By id, or the newest of that name; null when there is none. */
  ofRollout(idOrName: string): Promise<RolloutReport | null>;
  ofRelease(release: Release): Promise<ReleaseReport>;
};

export function openReports({ database }: { readonly database: Database }): Reports {
  return {
    ofRollout: async (idOrName) => {
      const rollout = await findRollout(database, idOrName);
      return rollout && reportRollout(database, rollout);
    },
    ofRelease: async (release) => {
      const rollouts: RolloutReport[] = [];
      for (const rollout of await listRollouts(database))
        if (rollout.candidate.digest === release.digest) rollouts.push(await reportRollout(database, rollout));
      return {
        release: { release: release.id, digest: release.digest },
        state: release.state,
        owner: release.owner,
        changelog: release.changelog,
        registeredAtMs: release.registeredAtMs,
        card: release.card,
        notes: release.notes,
        rollouts,
      };
    },
  };
}

async function reportRollout(database: Database, rollout: Rollout): Promise<RolloutReport> {
  const { id, plan, progress } = rollout;
  const ledger = await readLedger(database, id, plan);
  const judged = await readJudged(database, id, ledger);
  const decisions = await listDecisions(database, id, ENTRIES_MAX);
  const incidents = await listIncidents(database, { rolloutId: id, after: null, limit: ENTRIES_MAX });
  const read = readRolloutFile(rollout.fileText);
  const stages = read.ok ? read.value.spec.stages : [];
  return {
    id,
    name: rollout.name,
    state: rollout.state,
    candidate: rollout.candidate,
    baselines: plan.baselines,
    owners: plan.owners,
    summary: ENDED.includes(rollout.state) ? progress.reason : rollout.latest.status,
    startedAtMs: rollout.createdAtMs,
    endedAtMs: rollout.endedAtMs,
    stages: stages.map(({ name, mode }, index) => ({
      name,
      mode,
      startedAtMs: progress.stageTimes[index]?.startedAtMs ?? null,
      endedAtMs: progress.stageTimes[index]?.endedAtMs ?? null,
    })),
    exposure: exposureOf(ledger),
    guardrails: [...judged.guardrails],
    slices: [...judged.slices],
    business: await businessOf(database, rollout, { ledger, judged, stages }),
    timeline: decisions.toReversed(),
    incidents: incidents.map((row) => summariseIncident(row, rollout)),
    verification: await readVerification(database, id),
    fileHash: rollout.fileHash,
    planHash: plan.hash,
    statisticsVersions: [...judged.versions],
  };
}

type BusinessSources = {
  readonly ledger: readonly LedgerRow[];
  readonly judged: Judged;
  readonly stages: readonly StageSpec[];
};

async function businessOf(
  database: Database,
  { plan, progress, endedAtMs, createdAtMs }: Rollout,
  { ledger, judged, stages }: BusinessSources,
): Promise<ReportBusiness[]> {
  const sites = [...new Set(plan.devices.map(({ site }) => site))];
  const records = await readBusiness(database, sites, createdAtMs - BUSINESS_MS);
  if (records.length === 0) return [];
  const devices = ledger.map((row) => ({ ...servingOf(row), hardwareClass: row.hardwareClass }));
  const byDevice = attribute(records, devices);
  const firstServing = stages.findIndex(({ mode }) => mode === 'serve');
  const rows = businessRows({
    devices: devices.map((device) => ({ ...device, records: byDevice.get(keyOf(device)) ?? [] })),
    servedSinceMs: progress.stageTimes[firstServing]?.startedAtMs ?? null,
    endedAtMs,
    verdicts: judged.guardrails.map(({ verdict }) => verdict),
  });
  return [...rows];
}

/** As far back as the judge looks. */
const BUSINESS_MS = 14 * 86_400_000;

function exposureOf(ledger: readonly LedgerRow[]): ReportExposure[] {
  const places = new Map<string, LedgerRow[]>();
  for (const row of ledger) {
    const place = `${row.site}\u0000${row.hardwareClass}`;
    places.set(place, [...(places.get(place) ?? []), row]);
  }
  return [...places.keys()].sort().map((place) => {
    const rows = places.get(place) ?? [];
    const had = (role: LedgerRow['role']) =>
      rows.filter((row) => row.role === role && row.activatedAtMs !== null).length;
    const [site = '', hardwareClass = ''] = place.split('\u0000');
    return {
      site,
      hardwareClass,
      devices: rows.length,
      proved: had('prove'),
      shadowed: had('shadow'),
      served: had('serve'),
    };
  });
}

type Judged = {
  readonly guardrails: RolloutReport['guardrails'];
  readonly slices: readonly ReportSlice[];
  readonly versions: ReadonlySet<string>;
};

const evidenceSchema = z.looseObject({
  evidence: z.array(z.looseObject({ guardrail: z.string(), evidence: z.unknown() })).default([]),
});

/** The newest verdict of each stage and guardrail that had evidence (else the newest at all), and its slices. */
async function readJudged(database: Database, id: string, ledger: readonly LedgerRow[]): Promise<Judged> {
  const rows = await database
    .selectFrom('rollout_decisions')
    .select(['seq', 'at_ms', 'stage', 'statistics_version', 'inputs'])
    .where('rollout_id', '=', id)
    .orderBy('seq')
    .execute();
  const hardware = new Map(ledger.map((row) => [keyOf(row), row.hardwareClass]));
  const found = new Map<string, { judged: RolloutReport['guardrails'][number]; slices: readonly ReportSlice[] }>();
  for (const row of rows) {
    const evidence = evidenceSchema.safeParse(JSON.parse(row.inputs));
    for (const verdict of verdictsOf(row.inputs)) {
      const key = `${row.stage}\u0000${verdict.guardrail}`;
      if (verdict.verdict === 'no-data' && found.has(key)) continue;
      const own = evidence.data?.evidence.find(({ guardrail }) => guardrail === verdict.guardrail)?.evidence;
      const slices = slicesOf({ stage: row.stage, verdict, evidence: own, hardware });
      found.set(key, { judged: { stage: row.stage, seq: row.seq, atMs: row.at_ms, verdict }, slices });
    }
  }
  return {
    guardrails: [...found.values()].map(({ judged }) => judged),
    slices: [...found.values()].flatMap(({ slices }) => slices),
    versions: new Set(rows.map((row) => row.statistics_version)),
  };
}
