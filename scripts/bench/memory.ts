// Memory of every kind of process of the small fleet while a candidate serves beside its warm baseline. Proportional set
// size: what several runners share is counted once between them.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { frameBytesOf } from '../../agent/frames/input-contract.ts';
import { MODEL_PATH, readRelease, releaseFilePath } from '../models/release-store.ts';
import { openBareLoop } from './bare-loop.ts';
import { type Figure, median, type Row } from './figure.ts';
import { openFleetRig } from './fleet-rig.ts';
import { childrenRunning, describeLoad, noteOf, pssMb, rssMb } from './machine.ts';
import { type Workspace, withWorkspace } from './workspace.ts';

const DEVICES = 3;
/** Serving for a while: first frames and first windows have been through. */
const SETTLE_MS = 5000;
const SAMPLES = 5;
const SAMPLE_EVERY_MS = 1000;
const SUPERVISOR_RSS_MB_MAX = 90;
/** A Node process with ONNX Runtime and no model. */
const RUNNER_MB = 45;
const CANDIDATE = 'cv-detector/2.4.0';

type Kind = 'control-plane' | 'supervisor' | 'source' | 'runner-baseline' | 'runner-candidate';
type Pids = Readonly<Record<Kind, readonly number[]>>;

export const memory: Figure = {
  id: 'memory',
  rows: ['control-plane', 'supervisor', 'source', 'runner-baseline', 'runner-candidate'],
  measure: (progress) =>
    withWorkspace(async (workspace) => {
      const rig = await openFleetRig(workspace, DEVICES, progress);
      await rig.awaitServing();
      await wait(SETTLE_MS);
      const pids = pidsOf(rig.fleet.agents.map((agent) => agent.program.pid));
      progress('reading /proc');
      const modelMb = await modelAnonymousMb(workspace);
      const rows: Row[] = [];
      for (const kind of Object.keys(pids) as Kind[]) rows.push(rowOf(kind, await sample(pids[kind]), modelMb));
      return rows;
    }),
};

function pidsOf(supervisors: readonly number[]): Pids {
  const runners = supervisors.flatMap((pid) => childrenRunning(pid, 'runner-process.ts'));
  return {
    'control-plane': childrenRunning(process.pid, 'control-plane/main.ts'),
    supervisor: supervisors,
    source: supervisors.flatMap((pid) => childrenRunning(pid, 'source-process.ts')),
    'runner-baseline': runners.filter((pid) => isBaseline(pid)),
    'runner-candidate': runners.filter((pid) => !isBaseline(pid)),
  };
}

/** A runner says what it is to the kernel: a baseline volunteers for the end less readily than a candidate. */
function isBaseline(pid: number): boolean {
  return Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8')) <= 300;
}

type Sample = { readonly pss: number; readonly rss: number; readonly processes: number };

/** Medians over the processes of a kind, and over time. */
async function sample(pids: readonly number[]): Promise<Sample> {
  const pss: number[] = [];
  const rss: number[] = [];
  for (let i = 0; i < SAMPLES; i += 1) {
    if (i > 0) await wait(SAMPLE_EVERY_MS / SAMPLES);
    pss.push(median(pids.map(pssMb)));
    rss.push(median(pids.map(rssMb)));
  }
  return { pss: median(pss), rss: median(rss), processes: pids.length };
}

function rowOf(kind: Kind, { pss, rss, processes }: Sample, modelMb: number): Row {
  const seen = `PSS, median of ${processes} process${processes === 1 ? '' : 'es'}; RSS ${rss.toFixed(0)} MB`;
  const bound = boundOf(kind, rss, modelMb);
  return {
    id: `memory.${kind}`,
    ours: pss,
    limit: bound?.limit ?? null,
    ratio: bound ? pss / bound.limit : null,
    unit: 'MB',
    goal: bound?.goal ?? '–',
    note: noteOf(seen, bound?.note ?? '', describeLoad()),
  };
}

type Bound = { readonly limit: number; readonly goal: string; readonly note: string };

function boundOf(kind: Kind, rss: number, modelMb: number): Bound | null {
  if (kind === 'supervisor') {
    const verdict = rss <= SUPERVISOR_RSS_MB_MAX ? 'kept' : 'missed';
    return { limit: SUPERVISOR_RSS_MB_MAX, goal: `RSS ≤ ${SUPERVISOR_RSS_MB_MAX} MB`, note: `goal by RSS ${verdict}` };
  }
  if (kind !== 'runner-candidate') return null;
  const note = `limit: ${RUNNER_MB} MB + ${modelMb.toFixed(0)} MB that a bare process gains by loading and running the model`;
  return { limit: RUNNER_MB + modelMb, goal: '≤ 1.1 × (45 MB + model)', note };
}

/** Private memory that a bare process gains by making the candidate's session and running it. */
async function modelAnonymousMb(workspace: Workspace): Promise<number> {
  const { input } = readRelease(CANDIDATE).manifest;
  const model = releaseFilePath(CANDIDATE, MODEL_PATH);
  const file = path.join(workspace.folder, 'one-frame.raw');
  writeFileSync(file, new Uint8Array(frameBytesOf(input)));
  const bare = await openBareLoop(workspace, { model, frames: { kind: 'decoded', file }, input, threads: 1 });
  return bare.modelMb;
}
