// The long run: how the memory and the open files of an agent's processes grow over half an hour in which its candidate comes
// and goes twenty times. Only when it is asked for; `--minutes` shortens or lengthens it. Garbage that waits for its collection
// is no growth, so of each stretch in which V8 collects at least once only the lowest sample counts.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { assemblePackage } from '../fleet/package-folder.ts';
import { type DeviceRig, openDeviceRig } from './device-rig.ts';
import { type Figure, median, type Row } from './figure.ts';
import { anonymousMb, childrenRunning, describeLoad, noteOf, oomScoreOf, rssMb } from './machine.ts';
import { robustSlope, type Slope } from './slope.ts';
import { withWorkspace } from './workspace.ts';

const MINUTES = 30;
const CHANGES = 20;
const SAMPLE_EVERY_MS = 2000;
/** V8 collects the whole heap of these processes every five to twelve minutes: so many changes have one. */
const CHANGES_PER_STRETCH = 5;
/** Caches fill and heaps find their size in the first part; the slope is that of the rest. */
const WARM_UP_SHARE = 0.25;
const BASELINE = 'cv-detector/1.8.2';
const CANDIDATE = 'cv-detector/2.0.0';
const CAMERA_FPS = 10;
/** As a device reports unless it is told otherwise. */
const WINDOW_MS = 60_000;
const BASELINE_OOM_SCORE = 300;
const MS_PER_HOUR = 3_600_000;

type Kind = 'supervisor' | 'source' | 'runner';
type Sample = {
  readonly change: number;
  readonly rssMb: number;
  /** Without pages of files, such as those of Node's own program that many processes share: what a leak would be in. */
  readonly anonymousMb: number;
  readonly fds: number;
};
type Samples = Readonly<Record<Kind, Sample[]>>;

export const soakRss: Figure = {
  id: 'soak.rss',
  rows: ['supervisor', 'source', 'runner'],
  onlyWhenAsked: true,
  measure: (progress, { minutes }) =>
    withWorkspace(async (workspace) => {
      const factory = await assemblePackage(BASELINE, path.join(workspace.folder, 'factory'));
      const other = await assemblePackage(CANDIDATE, path.join(workspace.folder, 'candidate'));
      const rig = await openDeviceRig(workspace, { factory, fps: CAMERA_FPS, threads: 1, windowMs: WINDOW_MS });
      const releases = { baseline: rig.server.publishPackage(factory), candidate: rig.server.publishPackage(other) };
      const turnMs = ((minutes ?? MINUTES) * 60_000) / CHANGES;
      const samples: Samples = { supervisor: [], source: [], runner: [] };
      for (let change = 1; change <= CHANGES; change += 1) {
        progress(`change ${change} of ${CHANGES}, ${(turnMs / 1000).toFixed(0)} s each`);
        await soakTurn(rig, releases, { change, turnMs, samples });
      }
      return (Object.keys(samples) as Kind[]).map((kind) => rowOf(kind, samples[kind], turnMs));
    }),
};

type Releases = { readonly baseline: ReleaseRef; readonly candidate: ReleaseRef };
type Turn = { readonly change: number; readonly turnMs: number; readonly samples: Samples };

/** One change of release, then samples until the turn is over. */
async function soakTurn(rig: DeviceRig, { baseline, candidate }: Releases, turn: Turn): Promise<void> {
  const endMs = performance.now() + turn.turnMs;
  const limits = { latencyRatio: null, emptyForMs: null, alertRatio: null };
  const from = rig.answers.length;
  const isCandidate = turn.change % 2 === 1;
  const wanted = isCandidate ? candidate : baseline;
  await rig.server.order(baseline, isCandidate ? candidate : null, { limits });
  await rig.await(
    `answer of ${wanted.release}`,
    () => rig.answers.slice(from).some((answer) => answer.digest === wanted.digest),
    60_000,
  );
  while (performance.now() < endMs) {
    for (const [kind, pid] of Object.entries(pidsOf(rig))) turn.samples[kind as Kind].push(sampleOf(pid, turn.change));
    await wait(SAMPLE_EVERY_MS);
  }
}

function pidsOf(rig: DeviceRig): Readonly<Record<Kind, number>> {
  const runners = childrenRunning(rig.agent.pid, 'runner-process.ts');
  const runner = runners.find((pid) => oomScoreOf(pid) === BASELINE_OOM_SCORE);
  if (runner === undefined) throw new Error('the baseline has no runner');
  return { supervisor: rig.agent.pid, source: rig.sourcePid(), runner };
}

function sampleOf(pid: number, change: number): Sample {
  const fds = readdirSync(`/proc/${pid}/fd`).length;
  return { change, rssMb: rssMb(pid), anonymousMb: anonymousMb(pid), fds };
}

/** The sample of each stretch in which the process had least memory of its own. */
function floorsOf(samples: readonly Sample[]): readonly Sample[] {
  const stretches = Map.groupBy(samples, ({ change }) => Math.ceil(change / CHANGES_PER_STRETCH)).values();
  return [...stretches].map((part) =>
    part.reduce((lowest, sample) => (sample.anonymousMb < lowest.anonymousMb ? sample : lowest)),
  );
}

function rowOf(kind: Kind, samples: readonly Sample[], turnMs: number): Row {
  const settled = samples.filter(({ change }) => change > CHANGES * WARM_UP_SHARE);
  const floors = floorsOf(settled);
  // By the stretch and not by the sample: the end of one and the beginning of the next may lie side by side.
  const stretchHours = (CHANGES_PER_STRETCH * turnMs) / MS_PER_HOUR;
  const growth = (mb: (sample: Sample) => number) =>
    robustSlope(floors.map((sample, at) => [at * stretchHours, mb(sample)] as const));
  const rss = growth((sample) => sample.rssMb);
  const half = Math.floor(settled.length / 2);
  const fds = [settled.slice(0, half), settled.slice(half)].map((part) => median(part.map((one) => one.fds)));
  const levels = floors.map((sample) => sample.rssMb.toFixed(1));
  const minutes = (turnMs * CHANGES) / 60_000;
  return {
    id: `soak.rss.${kind}`,
    ours: rss.slope,
    limit: 1,
    ratio: rss.slope,
    unit: 'MB/h',
    goal: '≤ 1 MB/h, open files flat',
    note: noteOf(
      `${CHANGES} changes of release in ${minutes.toFixed(0)} min, the lowest sample of every ${CHANGES_PER_STRETCH}, the first quarter not counted`,
      `RSS ${levels.join(' → ')} MB, between ${rangeOf(rss)}`,
      `anonymous memory ${rangeOf(growth((sample) => sample.anonymousMb))}`,
      `files ${fds.join(' → ')}`,
      describeLoad(),
    ),
  };
}

function rangeOf({ low, high }: Slope): string {
  return `${low.toFixed(1)} to ${high.toFixed(1)} MB/h`;
}
