// A process that computes one study and ends: minutes of arithmetic must not hold up a kill, so it is not the control plane's own, and
// the machine gives it what others leave. Process entry.
import { constants, setPriority } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { describeError } from '../../shared/basics/errors.ts';
import { type Window, windowSchema } from '../../shared/measure/window.ts';
import { backtestOf } from '../core/foresight/backtest.ts';
import { bestReseed, outlookOf, SPAN_MIN_MS, traitsOfPlan } from '../core/foresight/outlook.ts';
import { type RecordedDevice, spanOf, withoutDigest } from '../core/foresight/recorded.ts';
import { type Run, rehearseOnce, summariseRuns } from '../core/foresight/rehearsal.ts';
import { FLEET } from '../simulation/fleet.ts';
import { recordFleet, SIMULATED_START_MS } from '../simulation/recorded-fleet.ts';
import type { OutlookTask, RehearsalTask, StudyOrder, StudyReport, StudyResult, StudyTask } from './study-task.ts';

/** Longer stages are rehearsed for so long only where the fleet is simulated: it is made anew for every run. */
const SIMULATED_MINUTES_MAX = 240;
const MINUTE_MS = 60_000;

setPriority(constants.priority.PRIORITY_LOW);
const recorded: RecordedDevice[] = [];

process.on('message', (order: StudyOrder) => {
  if (order.kind === 'windows') recorded.push({ ...order.device, windows: order.documents.map(readWindow) });
  else void study(order.task);
});
// Whoever asked is gone.
process.on('disconnect', () => process.exit(0));

function readWindow(text: string): Window {
  return windowSchema.parse(JSON.parse(text));
}

function tell(report: StudyReport): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(report, undefined, undefined, () => resolve());
  });
}

async function study(task: StudyTask): Promise<void> {
  try {
    await tell({ kind: 'result', result: await resultOf(task) });
  } catch (error) {
    await tell({ kind: 'failed', reason: describeError(error) });
  }
  process.disconnect();
}

async function resultOf(task: StudyTask): Promise<StudyResult[StudyTask['kind']]> {
  switch (task.kind) {
    case 'outlook':
      return look(task);
    case 'backtest':
      return backtestOf({ ...task.facts, recorded });
    case 'rehearsal':
      return rehearse(task);
  }
}

function look({ facts, others }: OutlookTask): StudyResult['outlook'] {
  const outlook = outlookOf({ ...facts, recorded });
  if (others.length === 0) return outlook;
  const best = bestReseed(facts.plan, others, traitsOfPlan(facts.plan, { ...facts, recorded }));
  return { ...outlook, reseed: best && { ...best, tried: others.length } };
}

async function rehearse({ planFacts, incidents, runs: count, seed }: RehearsalTask): Promise<StudyResult['rehearsal']> {
  const own = withoutDigest(recorded, planFacts.candidate.digest);
  const span = spanOf(own);
  const isOwn = span !== null && span.toMs - span.fromMs >= 2 * SPAN_MIN_MS;
  const rehearsed = isOwn ? planFacts : withSimulated(planFacts);
  const runs: Run[] = [];
  for (let at = 0; at < count; at += 1) {
    const history = isOwn
      ? { recorded: own, incidents, startAtMs: null }
      : { recorded: simulate(rehearsed, seed + at), incidents: [], startAtMs: SIMULATED_START_MS };
    runs.push(rehearseOnce({ planFacts: rehearsed, ...history }, seed + at));
    await tell({ kind: 'progress', done: at + 1 });
    await setImmediate();
  }
  const notes = isOwn ? ownNotes(span, rehearsed) : simulatedNotes(rehearsed);
  return summariseRuns({ planFacts: rehearsed, runs, basis: isOwn ? 'recorded' : 'assumed', seed, notes });
}

type RehearsedFacts = RehearsalTask['planFacts'];

/** Its own devices where there are any, else a fleet of the usual size. */
function withSimulated(planFacts: RehearsedFacts): RehearsedFacts {
  if (planFacts.devices.some(({ baseline, hardwareClass }) => baseline !== null && hardwareClass !== null))
    return planFacts;
  const baseline = { ...planFacts.candidate, digest: '0'.repeat(64) };
  const devices = Array.from({ length: FLEET.factories * FLEET.devicesPerFactory }, (_, at) => ({
    site: `plant-${at % FLEET.factories}`,
    device: `dev-${at}`,
    hardwareClass: FLEET.hardwareClasses[Math.floor(at / FLEET.factories) % FLEET.hardwareClasses.length] ?? null,
    line: null,
    online: true,
    baseline,
    key: 0,
    quarantinesCandidate: false,
    busyWith: null,
  }));
  const { file } = planFacts;
  const cohort = { ...file.spec.cohort, factories: null, where: null };
  return { ...planFacts, file: { ...file, spec: { ...file.spec, cohort } }, devices };
}

function simulate({ devices, file }: RehearsedFacts, seed: number): readonly RecordedDevice[] {
  const places = devices.map(({ site, device, hardwareClass }) => ({
    site,
    device,
    hardwareClass: hardwareClass ?? 'unknown',
  }));
  return recordFleet(seed, places, simulatedMinutes(file.spec));
}

function simulatedMinutes({ stages, analysis }: RehearsedFacts['file']['spec']): number {
  const longest = Math.max(0, ...stages.filter(({ mode }) => mode === 'serve').map(({ bake }) => bake));
  return Math.min(SIMULATED_MINUTES_MAX, Math.ceil((longest + analysis.settle) / MINUTE_MS));
}

function ownNotes(span: { readonly fromMs: number; readonly toMs: number }, { file }: RehearsedFacts): string[] {
  const hours = ((span.toMs - span.fromMs) / 3_600_000).toFixed(1);
  const longest = Math.max(0, ...file.spec.stages.filter(({ mode }) => mode === 'serve').map(({ bake }) => bake));
  const isShort = ((span.toMs - span.fromMs) * 2) / 3 < longest;
  return [
    `on ${hours} h of recorded windows of ${recorded.length} devices; every run draws its cohorts and its moments anew from them`,
    ...(isShort ? ['stages that bake longer than two thirds of that were rehearsed for so long only'] : []),
  ];
}

function simulatedNotes({ devices, file }: RehearsedFacts): string[] {
  const { deviceSpread, dayDrift, factoryShock, deviceNoise, minuteNoise } = FLEET;
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const minutes = simulatedMinutes(file.spec);
  const isCut = file.spec.stages.some(({ mode, bake }) => mode === 'serve' && bake > SIMULATED_MINUTES_MAX * MINUTE_MS);
  return [
    `no windows are recorded: on simulated windows of ${devices.length} devices, not on yours (device spread ${percent(deviceSpread)}, day ${percent(dayDrift)}, site ${percent(factoryShock)}, device ${percent(deviceNoise)}, minute ${percent(minuteNoise)})`,
    ...(isCut ? [`longer stages were rehearsed for ${minutes} min only`] : []),
  ];
}
