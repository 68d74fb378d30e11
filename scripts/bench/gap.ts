// The gap that a candidate's fault leaves in the answers of a real agent: from the last answer before it to the first one after
// it, less the camera's own interval, in inferences of the baseline. The camera is faster than the models, so that a frame is
// always in the candidate's hands; it must be answered by the baseline.
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { assemblePackage } from '../fleet/package-folder.ts';
import { type AnswerSeen, type DeviceRig, openDeviceRig } from './device-rig.ts';
import { type Figure, median, percentile, type Row } from './figure.ts';
import { childrenRunning, describeLoad, noteOf, oomScoreOf } from './machine.ts';
import { withWorkspace } from './workspace.ts';

const ROUNDS = 7;
const BASELINE = 'cv-detector/2.3.0';
const CANDIDATE = 'cv-detector/2.0.0';
const CAMERA_FPS = 60;
const THREADS = 1;
const STEADY_ANSWERS = 30;
/** A device says a candidate apart from a baseline to the kernel. */
const CANDIDATE_OOM_SCORE = 800;
const SERVE_DEADLINE_MS = 40_000;
const RESCUE_DEADLINE_MS = 15_000;
/** The least that a device can be told; with a ratio of nearly nothing it is the deadline of every frame. */
const DEADLINE_MS = 250;

type Fault = {
  readonly id: 'sigkill' | 'segv' | 'hang';
  /** Standing still is a hang that takes no core from the baseline. */
  readonly signal: NodeJS.Signals;
  /** What the frame in flight has to wait for before anybody can know. */
  readonly deadlineMs: number;
  readonly promised: string;
  readonly goal: string;
};

const FAULTS: readonly Fault[] = [
  {
    id: 'sigkill',
    signal: 'SIGKILL',
    deadlineMs: 0,
    promised: 'the baseline answers the frame in flight',
    goal: '≤ its deadline + 1.3 baseline inferences',
  },
  {
    id: 'segv',
    signal: 'SIGSEGV',
    deadlineMs: 0,
    promised: 'the baseline answers the frame in flight',
    goal: '≤ its deadline + 1.3 baseline inferences',
  },
  {
    id: 'hang',
    signal: 'SIGSTOP',
    deadlineMs: DEADLINE_MS,
    promised: `the baseline answers the frame in flight after its deadline of ${DEADLINE_MS} ms`,
    goal: '≤ 1.3 baseline inferences beyond the deadline',
  },
];

type Seen = { readonly gapMs: number; readonly isRescued: boolean };

export const gap: Figure = {
  id: 'gap',
  rows: ['sigkill', 'segv', 'hang'],
  measure: (progress) =>
    withWorkspace(async (workspace) => {
      const factory = await assemblePackage(BASELINE, path.join(workspace.folder, 'factory'));
      const other = await assemblePackage(CANDIDATE, path.join(workspace.folder, 'candidate'));
      const rig = await openDeviceRig(workspace, { factory, fps: CAMERA_FPS, threads: THREADS });
      const [baseline, candidate] = [rig.server.publishPackage(factory), rig.server.publishPackage(other)];
      const seen = new Map(FAULTS.map((fault) => [fault, [] as Seen[]]));
      // By turns, so that the machine's moods meet all of them.
      for (let round = 1; round <= ROUNDS; round += 1) {
        for (const [fault, runs] of seen) {
          const run = await failOnce(rig, { baseline, candidate }, fault);
          progress(`round ${round} of ${ROUNDS}, ${fault.id}: ${run.gapMs.toFixed(1)} ms`);
          runs.push(run);
        }
      }
      return [...seen].map(([fault, runs]) => rowOf(fault, runs, rig.runMs('baseline')));
    }),
};

type Releases = { readonly baseline: ReleaseRef; readonly candidate: ReleaseRef };

/** Serve, fail, let the baseline answer for a while. */
async function failOnce(rig: DeviceRig, { baseline, candidate }: Releases, fault: Fault): Promise<Seen> {
  const { answers, server } = rig;
  const steady = async (digest: string, deadlineMs: number): Promise<void> => {
    const from = answers.length;
    const enough = () => answers.slice(from).filter((answer) => answer.digest === digest).length > STEADY_ANSWERS;
    await rig.await(`steady answers of ${digest.slice(0, 8)}`, enough, deadlineMs);
  };
  const limits = {
    latencyRatio: null,
    emptyForMs: null,
    alertRatio: null,
    deadlineFloorMs: fault.deadlineMs === 0 ? 5000 : DEADLINE_MS,
    deadlineRatio: fault.deadlineMs === 0 ? 3 : 0.01,
  };
  await server.order(baseline, candidate, {
    limits,
    liftQuarantine: [{ digest: candidate.digest, reason: 'the next round' }],
  });
  await steady(candidate.digest, SERVE_DEADLINE_MS);
  // The fault must not always meet the same moment of a frame.
  await wait(Math.random() * 50);
  const failedAtMs = performance.now();
  for (const pid of candidateRunners(rig)) process.kill(pid, fault.signal);
  const rescue = () => answers.find((answer) => answer.seenAtMs > failedAtMs && answer.digest === baseline.digest);
  await rig.await('answer of the baseline', () => rescue() !== undefined, RESCUE_DEADLINE_MS);
  await steady(baseline.digest, RESCUE_DEADLINE_MS);
  return judge(answers, rescue(), fault, failedAtMs);
}

function candidateRunners(rig: DeviceRig): readonly number[] {
  return childrenRunning(rig.agent.pid, 'runner-process.ts').filter((pid) => oomScoreOf(pid) === CANDIDATE_OOM_SCORE);
}

/** No frame is lost when the next one is answered, or one that was captured before the fault: that was in its hands. */
function judge(answers: readonly AnswerSeen[], rescue: AnswerSeen | undefined, fault: Fault, failedAtMs: number): Seen {
  const before = rescue === undefined ? undefined : answers[answers.indexOf(rescue) - 1];
  if (rescue === undefined || before === undefined) throw new Error('no answer before the fault');
  const betweenMs = rescue.seenAtMs - before.seenAtMs;
  const isInFlight = rescue.seenAtMs - rescue.latencyMs < failedAtMs;
  const isRescued = isInFlight || rescue.seq === before.seq + 1;
  return { gapMs: Math.max(0, betweenMs - 1000 / CAMERA_FPS - fault.deadlineMs), isRescued };
}

function rowOf({ id, promised, goal }: Fault, seen: readonly Seen[], runMs: number): Row {
  const gaps = seen.map(({ gapMs }) => gapMs);
  const ours = median(gaps);
  const rescued = seen.filter(({ isRescued }) => isRescued).length;
  const spread = `${percentile(gaps, 0).toFixed(1)} to ${percentile(gaps, 1).toFixed(1)} ms`;
  return {
    id: `gap.${id}`,
    ours,
    limit: runMs,
    ratio: ours / runMs,
    unit: 'ms',
    goal,
    note: noteOf(
      `promised: ${promised}; seen: ${rescued} of ${seen.length} runs`,
      spread,
      'limit: one run of the baseline (2.3.0)',
      describeLoad(),
    ),
  };
}
