// The long run: how the memory and the open files of an agent's processes grow over half an hour in which its candidate comes
// and goes twenty times. Only when it is asked for; `--minutes` shortens or lengthens it. Garbage that waits for its collection
// is no growth, and V8 lets ten minutes of it wait: the processes are told to look for it, and weighed when they have.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
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
/** So often garbage is looked for, at the end of a change, when both releases have been loaded since the last time. */
const CHANGES_PER_LOOK = 2;
/** From being told to having looked: a tenth of this on an idle machine. */
const LOOK_MS = 3000;
const COLLECT_ON_SIGNAL = pathToFileURL(path.join(import.meta.dirname, 'collect-on-signal.ts')).href;
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
  /** Taken when garbage had been looked for. */
  readonly isCollected: boolean;
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
      const env = { NODE_OPTIONS: `--import=${COLLECT_ON_SIGNAL}` };
      const rig = await openDeviceRig(workspace, { factory, fps: CAMERA_FPS, threads: 1, windowMs: WINDOW_MS, env });
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
  while (performance.now() < endMs - LOOK_MS) {
    takeSamples(rig, turn, false);
    await wait(SAMPLE_EVERY_MS);
  }
  if (turn.change % CHANGES_PER_LOOK !== 0) return;
  for (const pid of Object.values(pidsOf(rig))) process.kill(pid, 'SIGUSR2');
  await wait(LOOK_MS);
  takeSamples(rig, turn, true);
}

function takeSamples(rig: DeviceRig, { change, samples }: Turn, isCollected: boolean): void {
  for (const [kind, pid] of Object.entries(pidsOf(rig)))
    samples[kind as Kind].push({ ...sampleOf(pid), change, isCollected });
}

function pidsOf(rig: DeviceRig): Readonly<Record<Kind, number>> {
  const runners = childrenRunning(rig.agent.pid, 'runner-process.ts');
  const runner = runners.find((pid) => oomScoreOf(pid) === BASELINE_OOM_SCORE);
  if (runner === undefined) throw new Error('the baseline has no runner');
  return { supervisor: rig.agent.pid, source: rig.sourcePid(), runner };
}

function sampleOf(pid: number): Omit<Sample, 'change' | 'isCollected'> {
  const fds = readdirSync(`/proc/${pid}/fd`).length;
  return { rssMb: rssMb(pid), anonymousMb: anonymousMb(pid), fds };
}

function rowOf(kind: Kind, samples: readonly Sample[], turnMs: number): Row {
  const settled = samples.filter(({ change }) => change > CHANGES * WARM_UP_SHARE);
  const kept = settled.filter(({ isCollected }) => isCollected);
  const growth = (mb: (sample: Sample) => number) =>
    robustSlope(kept.map((sample) => [(sample.change * turnMs) / MS_PER_HOUR, mb(sample)] as const));
  const rss = growth((sample) => sample.rssMb);
  const half = Math.floor(settled.length / 2);
  const fds = [settled.slice(0, half), settled.slice(half)].map((part) => median(part.map((one) => one.fds)));
  const levels = kept.map((sample) => sample.rssMb.toFixed(1));
  const peaks = settled.map((sample) => sample.rssMb);
  const minutes = (turnMs * CHANGES) / 60_000;
  return {
    id: `soak.rss.${kind}`,
    ours: rss.slope,
    limit: 1,
    ratio: rss.slope,
    unit: 'MB/h',
    goal: '≤ 1 MB/h, open files flat',
    note: noteOf(
      `${CHANGES} changes of release in ${minutes.toFixed(0)} min, garbage looked for after every ${CHANGES_PER_LOOK}, the first quarter not counted`,
      `RSS ${levels.join(' → ')} MB, between ${rangeOf(rss)}`,
      `anonymous memory ${rangeOf(growth((sample) => sample.anonymousMb))}`,
      `with its garbage ${Math.min(...peaks).toFixed(1)} to ${Math.max(...peaks).toFixed(1)} MB`,
      `files ${fds.join(' → ')}`,
      describeLoad(),
    ),
  };
}

function rangeOf({ low, high }: Slope): string {
  return `${low.toFixed(1)} to ${high.toFixed(1)} MB/h`;
}
