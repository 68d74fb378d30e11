// The guardrails of a file on windows that were recorded: of a candidate that really ran, or of the baseline against itself, stretch
// by stretch. Judged by the production judge; a person reads how often and when it would have acted.
import type { Episode, GuardrailTally, GuardrailTest } from '../../../shared/protocol/api-foresight.ts';
import type { Guardrail } from '../../../shared/rollout/guardrails.ts';
import type { Plan } from '../../../shared/rollout/plan.ts';
import type { StageSpec } from '../../../shared/rollout/rollout-file.ts';
import type { Verdict } from '../../../shared/rollout/verdict.ts';
import type { Incident } from '../incident-verdict.ts';
import type { PlanFacts } from '../plan.ts';
import { keyOf } from '../stages.ts';
import { devicesOfStage, rulesOf, SPAN_MIN_MS } from './outlook.ts';
import { type RecordedDevice, spanOf, withoutDigest } from './recorded.ts';
import { momentsOf, openTrial, type Trial, type TrialFacts } from './trial.ts';

export type BacktestFacts = {
  readonly planFacts: PlanFacts;
  readonly plan: Plan;
  /** With some past before `fromMs`. */
  readonly recorded: readonly RecordedDevice[];
  readonly incidents: readonly Incident[];
  readonly fromMs: number;
  readonly toMs: number;
  /** The release whose own windows are judged; null: the baseline against itself. */
  readonly candidate: { readonly release: string; readonly digest: string } | null;
};

/** Moments per stretch, stretches at most, and episodes that are told of each guardrail. */
const MOMENTS = 96;
const MOMENTS_EACH = 12;
const STRETCHES_MAX = 24;
const EPISODES_MAX = 12;

export function backtestOf(facts: BacktestFacts): GuardrailTest {
  const { candidate, fromMs, toMs, recorded } = facts;
  const trials = candidate === null ? baselineTrials(facts) : candidateTrials(facts, candidate.digest);
  const moments = trials.length > 1 ? MOMENTS_EACH : MOMENTS;
  const walked = trials.map((trial) => walk(trial, moments));
  return {
    fromMs,
    toMs,
    against: candidate === null ? 'baseline' : 'candidate',
    candidate: candidate?.release ?? null,
    windows: recorded.reduce((count, { windows }) => count + windows.length, 0),
    trials: trials.map(({ stage, facts: { startAtMs, endAtMs, candidates }, controls }) => {
      return { stage: stage.name, startAtMs, endAtMs, candidates: candidates.size, controls };
    }),
    guardrails: facts.planFacts.guardrails.map((guardrail) => tallyOf(guardrail, walked)),
    notes: notesOf(facts, trials),
  };
}

/** The first stage that serves, again and again, each stretch as long as it bakes. */
function baselineTrials(facts: BacktestFacts): readonly Trial[] {
  const { planFacts, plan, fromMs, toMs } = facts;
  const recorded = withoutDigest(facts.recorded, plan.candidate.digest);
  const stageIndex = planFacts.file.spec.stages.findIndex(({ mode }) => mode === 'serve');
  const stage = planFacts.file.spec.stages[stageIndex];
  const planned = plan.stages[stageIndex];
  const span = spanOf(recorded);
  if (!stage || !planned || span === null) return [];
  const chosen = devicesOfStage(planned);
  // A stretch needs a past of its own.
  const firstMs = Math.max(fromMs, span.fromMs + SPAN_MIN_MS);
  const lastMs = Math.min(toMs, span.toMs);
  const lengthMs = Math.min(stage.bake + planFacts.file.spec.analysis.settle, lastMs - firstMs);
  if (lengthMs < SPAN_MIN_MS) return [];
  const count = Math.min(STRETCHES_MAX, Math.floor((lastMs - firstMs) / lengthMs));
  return Array.from({ length: count }, (_, at) =>
    openTrial({
      ...trialBase(facts, stageIndex),
      devices: recorded,
      candidates: new Set(recorded.map(keyOf).filter((key) => chosen.has(key))),
      isRelabelled: true,
      startAtMs: lastMs - (count - at) * lengthMs,
      endAtMs: lastMs - (count - at - 1) * lengthMs,
    }),
  );
}

/** One stretch for each way in which the candidate was seen: answering, or beside the baseline. */
function candidateTrials(facts: BacktestFacts, digest: string): readonly Trial[] {
  const { stages } = facts.planFacts.file.spec;
  return (['shadow', 'serve'] as const).flatMap((mode) => {
    const stageIndex = stages.findIndex((stage) => stage.mode === mode);
    const sightings = facts.recorded.flatMap((device) => sightingOf(device, { mode, digest, ...facts }));
    if (stageIndex < 0 || sightings.length === 0) return [];
    return openTrial({
      ...trialBase(facts, stageIndex),
      devices: facts.recorded.map((device) => asOf(device, digest)),
      candidates: new Set(sightings.map(({ key }) => key)),
      candidateDigest: digest,
      isRelabelled: false,
      startAtMs: Math.min(...sightings.map(({ firstAtMs }) => firstAtMs)),
      endAtMs: Math.max(...sightings.map(({ lastAtMs }) => lastAtMs)),
    });
  });
}

/** A device that made the candidate its baseline since: it is judged by what it ran before. */
function asOf(device: RecordedDevice, digest: string): RecordedDevice {
  if (device.baselineDigest !== digest) return device;
  const before = device.windows
    .flatMap(({ arms }) => arms)
    .findLast((arm) => arm.role === 'baseline' && arm.digest !== digest && arm.frames > 0);
  return before ? { ...device, baselineDigest: before.digest } : device;
}

type Sought = {
  readonly mode: StageSpec['mode'];
  readonly digest: string;
  readonly fromMs: number;
  readonly toMs: number;
};

function sightingOf(device: RecordedDevice, { mode, digest, fromMs, toMs }: Sought) {
  const role = mode === 'shadow' ? 'shadow' : 'candidate';
  const seen = device.windows.filter(
    ({ startAtMs, endAtMs, arms }) =>
      startAtMs >= fromMs &&
      endAtMs <= toMs &&
      arms.some((arm) => arm.digest === digest && arm.role === role && arm.frames > 0),
  );
  const [first, last] = [seen[0], seen.at(-1)];
  return first && last ? [{ key: keyOf(device), firstAtMs: first.startAtMs, lastAtMs: last.endAtMs }] : [];
}

function trialBase(
  { planFacts, plan, incidents }: BacktestFacts,
  stageIndex: number,
): Omit<TrialFacts, 'devices' | 'candidates' | 'isRelabelled' | 'startAtMs' | 'endAtMs'> {
  return { ...rulesOf(planFacts), stageIndex, candidateDigest: plan.candidate.digest, incidents };
}

type Moment = { readonly atMs: number; readonly verdicts: readonly Verdict[] };

function walk(trial: Trial, most: number): readonly Moment[] {
  return momentsOf(trial.facts, most).map((atMs) => ({ atMs, verdicts: trial.at(atMs).map(({ verdict }) => verdict) }));
}

function tallyOf({ id, title, limitText, enforce }: Guardrail, walked: readonly (readonly Moment[])[]): GuardrailTally {
  const lives = walked
    .map((moments) =>
      moments.flatMap(({ atMs, verdicts }) => {
        const verdict = verdicts.find(({ guardrail }) => guardrail === id);
        return verdict ? [{ atMs, verdict }] : [];
      }),
    )
    .filter((life) => life.length > 0);
  const ends = lives.flatMap((life) => life.slice(-1));
  const isBroken = (life: Life) => life.some(({ verdict }) => verdict.verdict === 'breach');
  const last = ends.at(-1)?.verdict;
  const passed = lives.filter((life) => !isBroken(life) && life.at(-1)?.verdict.verdict === 'pass').length;
  const broken = lives.filter(isBroken).length;
  return {
    guardrail: id,
    title,
    limitText,
    enforce,
    verdict: broken > 0 ? 'breach' : (last?.verdict ?? 'no-data'),
    sentence: last?.sentence ?? `${title}: not judged: no recorded windows for it`,
    trials: lives.length,
    passed,
    broken,
    held: lives.length - passed - broken,
    episodes: lives.flatMap((life) => episodesOf(life, enforce)).slice(0, EPISODES_MAX),
  };
}

type Life = readonly { readonly atMs: number; readonly verdict: Verdict }[];

/** Every stretch in which it was broken, and the look at the end when it showed nothing. */
function episodesOf(life: Life, enforce: Guardrail['enforce']): readonly Episode[] {
  const episodes: Episode[] = [];
  for (const [at, { atMs, verdict }] of life.entries()) {
    if (verdict.verdict !== 'breach') continue;
    const open = life[at - 1]?.verdict.verdict === 'breach' ? episodes.pop() : undefined;
    const action = enforce === 'observe' ? ('none' as const) : enforce;
    episodes.push({
      fromMs: open?.fromMs ?? atMs,
      toMs: atMs,
      verdict: 'breach',
      action,
      sentence: open?.sentence ?? verdict.sentence,
    });
  }
  const end = life.at(-1);
  if (!end || end.verdict.verdict === 'pass' || end.verdict.verdict === 'breach' || episodes.length > 0)
    return episodes;
  const { atMs, verdict } = end;
  const action = enforce === 'observe' ? ('none' as const) : ('hold' as const);
  const kind = verdict.verdict === 'no-data' ? ('no-data' as const) : ('inconclusive' as const);
  return [{ fromMs: atMs, toMs: atMs, verdict: kind, action, sentence: verdict.sentence }];
}

function notesOf({ candidate, fromMs, toMs, recorded }: BacktestFacts, trials: readonly Trial[]): string[] {
  if (trials.length > 0) return [];
  const span = spanOf(recorded);
  if (candidate !== null)
    return [`${candidate.release} answered no frame on these devices in that time: nothing to judge`];
  if (span === null) return ['no windows were recorded in that time: nothing to judge'];
  return [
    `only ${Math.round((Math.min(toMs, span.toMs) - Math.max(fromMs, span.fromMs)) / 60_000)} min are recorded: too few to judge`,
  ];
}
