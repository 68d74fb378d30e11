// Everything that is known about a running rollout at one moment, worked out from readings: who is exposed, what is missing,
// and the verdict on every guardrail of the stage. The facts that decide() takes come from here.
import type { ExposureCounts } from '../../shared/protocol/api-rollouts.ts';
import type { Reported } from '../../shared/protocol/reports.ts';
import { describeDuration } from '../../shared/rollout/durations.ts';
import { appliesTo, type Guardrail } from '../../shared/rollout/guardrails.ts';
import { metricRule } from '../../shared/rollout/metrics.ts';
import type { RolloutSpec, StageSpec } from '../../shared/rollout/rollout-file.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';
import type { Progress } from './advance.ts';
import { type BalanceDevice, judgeBalance } from './balance.ts';
import { judgeCoverage } from './coverage.ts';
import { list } from './decide.ts';
import { rememberTotals, type TotalsMemory } from './device-memory.ts';
import { type Evidence, type EvidenceFacts, gatherEvidence, isEvaluated } from './evidence.ts';
import { countExposure, type DeviceStanding, notYetActive, standingOf } from './exposure.ts';
import type { GoldenDevice } from './golden-evidence.ts';
import type { DeviceHistory, Past, Question } from './history.ts';
import { type Incident, type IncidentFacts, judgeIncidents } from './incident-verdict.ts';
import { openKnown } from './known-changes.ts';
import type { Selected } from './selected.ts';
import { judgeScopes, slicesOf } from './slices.ts';
import { ruleOf, spansFromMs, spansOf } from './stage-rule.ts';
import { keyOf, type LedgerDevice } from './stages.ts';
import { rememberGroups } from './uncertainty.ts';

/** One device of the ledger with everything it has told us. */
export type AssessedDevice = LedgerDevice & {
  readonly online: boolean;
  readonly lastSeenAtMs: number;
  readonly reported: Reported | null;
  readonly activatedAtMs: number | null;
  readonly hasRevertEvent: boolean;
  readonly history: DeviceHistory;
};

export type AssessFacts = {
  readonly nowMs: number;
  readonly spec: RolloutSpec;
  readonly guardrails: readonly Guardrail[];
  readonly progress: Progress;
  readonly candidateDigest: string;
  readonly devices: readonly AssessedDevice[];
  /** Crashes and reverts that devices told of; read only where a guardrail asks for them. */
  readonly incidents?: readonly Incident[];
  /** What earlier ticks added up; without it everything is added up anew. */
  readonly memory?: TotalsMemory;
};

export type Assessment = {
  readonly exposure: ExposureCounts;
  readonly standings: readonly DeviceStanding[];
  readonly controls: number;
  readonly verdicts: readonly Verdict[];
  readonly evidence: readonly { readonly guardrail: string; readonly evidence: Evidence }[];
  readonly missing: string | null;
  readonly pending: string | null;
  /** `site/device` of devices that went back by themselves and were not acknowledged by a person. */
  readonly reverted: readonly string[];
  /** Devices that ever had the candidate, or refused it, in this rollout. */
  readonly everExposed: number;
};

export function assess(facts: AssessFacts): Assessment {
  const { devices, spec, progress, candidateDigest, nowMs } = facts;
  const stage = stageOf(facts);
  const clock = { nowMs, staleMs: spec.analysis.missing.stale };
  const standings = devices.map((device) =>
    standingOf({ ...device, wasActive: device.activatedAtMs !== null }, candidateDigest, clock),
  );
  const active = new Set(standings.filter(({ isActive }) => isActive).map(keyOf));
  const reverted = standings.filter(({ isReverted }) => isReverted).map(keyOf);
  const evidenceFacts = gatherFacts(facts, active);
  const evaluated = countEvaluated(evidenceFacts, facts, stage);
  const judged = judgeAll(facts, evidenceFacts, evaluated);
  const coverage = stage.mode === 'shadow' ? [judgeCoverage(evidenceFacts.candidates, stage.minCoverage)] : [];
  const balance = judgeBalance(heardInStage(facts), spec.analysis);
  return {
    exposure: countExposure(standings, evaluated),
    standings,
    controls: evidenceFacts.controls.length,
    verdicts: [...coverage, ...(balance === null ? [] : [balance]), ...judged.map(({ verdict }) => verdict)],
    evidence: judged.flatMap(({ evidence }) => (evidence === null ? [] : [evidence])),
    missing:
      missingOf(facts, standings, evidenceFacts.candidates) ?? (balance?.enforce === 'hold' ? balance.sentence : null),
    pending: pendingOf(standings),
    reverted: reverted.filter((key) => !progress.acknowledgedReverts.includes(key)),
    everExposed: standings.filter(
      ({ isReverted, isActive }, i) => isReverted || isActive || devices[i]?.activatedAtMs != null,
    ).length,
  };
}

type Judged = { readonly verdict: Verdict; readonly evidence: Assessment['evidence'][number] | null };

function judgeAll(facts: AssessFacts, evidenceFacts: EvidenceFacts, evaluated: number): readonly Judged[] {
  const stage = stageOf(facts);
  const slices = slicesOf(facts.spec.analysis.slices, facts.devices);
  const spans = spansOf(evidenceFacts, facts);
  const groupsOf = rememberGroups();
  return facts.guardrails
    .filter((guardrail) => appliesTo(guardrail, stage))
    .map((guardrail) => {
      const rule = ruleOf(guardrail, spans, facts);
      if (guardrail.incident)
        return { verdict: judgeIncidents(guardrail, incidentsOf(facts, evaluated), rule), evidence: null };
      const evidence = gatherEvidence(guardrail, evidenceFacts);
      const verdict = judgeScopes(guardrail, evidence, { ...rule, slices, groupsOf });
      return { verdict, evidence: { guardrail: guardrail.id, evidence } };
    });
}

function incidentsOf(facts: AssessFacts, evaluated: number): IncidentFacts {
  const { devices, candidateDigest, progress, incidents } = facts;
  // Beside a shadow the baseline answers on the same device: each release has its own chance to fail there.
  const runsBaseline = ({ role }: AssessedDevice) => role === 'none' || stageOf(facts).mode === 'shadow';
  return {
    candidateDigest,
    sinceMs: Math.max(progress.stageStartedAtMs, progress.incidentsSinceMs),
    incidents: incidents ?? [],
    candidates: devices.filter(({ role }) => role !== 'none').length,
    controls: devices.filter((device) => device.online && runsBaseline(device)).length,
    evaluated,
  };
}

/** Devices that were heard since the stage began: who was away before says nothing about the candidate. */
function heardInStage({ devices, spec, progress, nowMs }: AssessFacts): readonly BalanceDevice[] {
  return devices
    .filter(({ lastSeenAtMs }) => lastSeenAtMs >= progress.stageStartedAtMs)
    .map(({ device, role, online, lastSeenAtMs }) => {
      const isSilent = !online || nowMs - lastSeenAtMs > spec.analysis.missing.stale;
      return { device, isCandidate: role !== 'none', isSilent };
    });
}

function stageOf({ spec, progress }: Pick<AssessFacts, 'spec' | 'progress'>): StageSpec {
  const stage = spec.stages[progress.stageIndex];
  if (!stage) throw new TypeError(`a rollout has no stage ${progress.stageIndex}`);
  return stage;
}

/** What of the devices' windows counts at this moment, and what must be told of them later. */
export function questionOf(facts: Omit<AssessFacts, 'devices'>): Question {
  const { spec, progress, candidateDigest, guardrails } = facts;
  const stage = stageOf(facts);
  return {
    candidateDigest,
    mode: stage.mode,
    stageStartedAtMs: progress.stageStartedAtMs,
    settleMs: spec.analysis.settle,
    liveSinceMs: liveSince(facts),
    servedSinceMs: servedSince(facts),
    past: pastOf(facts, stage),
    keep: { fromMs: spansFromMs(facts), guardrails },
  };
}

function gatherFacts(facts: AssessFacts, active: ReadonlySet<string>): EvidenceFacts {
  const { devices, candidateDigest, guardrails } = facts;
  const question = questionOf(facts);
  const memory = facts.memory ?? rememberTotals();
  const assigned = devices.filter(({ role }) => role !== 'none');
  const exposed = assigned.filter((device) => active.has(keyOf(device)));
  const controls = devices.filter(({ role, online }) => role === 'none' && online);
  return {
    candidates: exposed.map(({ history }) => memory.candidate(history, question)),
    controls: controls.map(({ history }) => memory.control(history, question)),
    assigned: assigned.length,
    golden: guardrails.some(isAskedOfProofs)
      ? devices.map((device) => goldenOf(device, active.has(keyOf(device)), candidateDigest))
      : [],
    known: openKnown(
      guardrails.filter((guardrail) => appliesTo(guardrail, stageOf(facts))),
      memory.changes,
    ),
  };
}

function isAskedOfProofs({ expression: { metric } }: Guardrail): boolean {
  const { source } = metricRule(metric);
  return source === 'golden' || source === 'probe';
}

/** A self-test leaves the live frames to the baseline: its time still belongs to a device's own past. */
function liveSince({ spec, progress }: Pick<AssessFacts, 'spec' | 'progress'>): number {
  const firstLive = spec.stages.findIndex(({ mode }) => mode !== 'golden');
  return progress.stageTimes[firstLive]?.startedAtMs ?? progress.stageStartedAtMs;
}

/** Business figures of before are those of before anybody answered with the candidate. */
function servedSince({ spec, progress }: Pick<AssessFacts, 'spec' | 'progress'>): number | null {
  const firstServing = spec.stages.findIndex(({ mode }) => mode === 'serve');
  return progress.stageTimes[firstServing]?.startedAtMs ?? null;
}

const DAY_MS = 86_400_000;
/** A stage that is shorter still has an hour of the day to be compared with. */
const ALIKE_MS_MIN = 3_600_000;

/** What of a device's past counts: fixed when the stage begins, so that it does not move under those who look. */
function pastOf({ spec, progress }: Pick<AssessFacts, 'spec' | 'progress'>, { bake, extend }: StageSpec): Past {
  const { min, align } = spec.analysis.baselineWindow;
  const lifeMs = Math.max(ALIKE_MS_MIN, spec.analysis.settle + bake + extend.times * extend.eachMs);
  if (align === 'none' || lifeMs >= DAY_MS) return { minMs: min, alike: null };
  const minuteOf = (atMs: number) => Math.floor(atMs / 60_000) % 1440;
  const fromMs = progress.stageStartedAtMs;
  return { minMs: min, alike: { fromMinute: minuteOf(fromMs), toMinute: minuteOf(fromMs + lifeMs) } };
}

function goldenOf(
  { site, device, hardwareClass, reported, history }: AssessedDevice,
  isCandidate: boolean,
  candidateDigest: string,
): GoldenDevice {
  const proofOf = (digest: string) => reported?.proofs.find((proof) => proof.digest === digest);
  const startsOf = (digest: string) => coldStartsOf(proofOf(digest));
  const scoresOf = (digest: string) => {
    const scores = proofOf(digest)?.scores ?? [];
    return scores.length === 0 ? null : scores;
  };
  return {
    device,
    hardwareClass,
    isCandidate,
    candidate: scoresOf(candidateDigest),
    baseline: scoresOf(history.baselineDigest),
    site,
    coldStarts: { candidate: startsOf(candidateDigest), baseline: startsOf(history.baselineDigest) },
    images: {
      candidate: proofOf(candidateDigest)?.frames ?? 0,
      baseline: proofOf(history.baselineDigest)?.frames ?? 0,
    },
  };
}

/** An older agent tells of the one start of its self-test. */
function coldStartsOf(proof: Reported['proofs'][number] | undefined): readonly number[] {
  if (proof === undefined) return [];
  const starts = proof.coldStartsMs ?? [proof.coldStartMs];
  return starts.filter((ms) => ms > 0);
}

function countEvaluated({ candidates }: EvidenceFacts, { spec }: AssessFacts, stage: StageSpec): number {
  if (stage.mode === 'golden') return candidates.length;
  return candidates.filter(({ since }) => isEvaluated(since.totals, { minimum: spec.analysis.minimum })).length;
}

/** Silent devices and untrusted cameras above what the file allows, in words. */
function missingOf(
  { spec, devices }: AssessFacts,
  standings: readonly DeviceStanding[],
  candidates: readonly Selected[],
): string | null {
  const { maxSilent, stale } = spec.analysis.missing;
  const dark = standings.filter(({ isDark, isReverted }) => isDark && !isReverted);
  const exposedEver = devices.filter(({ role, activatedAtMs }) => role !== 'none' && activatedAtMs !== null).length;
  if (exposedEver > 0 && (dark.length / exposedEver) * 100 > maxSilent)
    return `${dark.length} of ${exposedEver} exposed devices are silent for more than ${describeDuration(stale)} (limit ${maxSilent} %): ${list(dark.map(({ device }) => device))}`;
  const blind = candidates.filter(isCameraBlind);
  if (candidates.length > 0 && (blind.length / candidates.length) * 100 > maxSilent)
    return `the camera, not the model: ${blind.length} of ${candidates.length} exposed devices are left out of the comparison (${list(
      blind.map(({ device, cameraFinding }) => `${device} ${cameraFinding}`),
      3,
    )})`;
  return null;
}

/** Most of what it saw was left out for its camera. */
function isCameraBlind({ excluded, since }: Selected): boolean {
  return excluded.camera > 0 && excluded.camera > since.windows;
}

function pendingOf(standings: readonly DeviceStanding[]): string | null {
  const waiting = notYetActive(standings);
  if (waiting.length === 0) return null;
  const details = waiting.map(({ device, detail }) => `${device} (${detail})`);
  return `${waiting.length} reachable device${waiting.length === 1 ? ' is' : 's are'} not on the candidate yet: ${list(details, 3)}`;
}
