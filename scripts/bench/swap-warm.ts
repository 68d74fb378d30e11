// The warm swap: how long after the kill flag has arrived a device answers with its baseline, counted in inferences of that
// baseline. A real agent serves a candidate as fast as it can; the agent's own clock measures, in its acknowledgement.
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { assemblePackage } from '../fleet/package-folder.ts';
import { type DeviceRig, openDeviceRig } from './device-rig.ts';
import { type Figure, median, percentile } from './figure.ts';
import { describeLoad, noteOf } from './machine.ts';
import { withWorkspace } from './workspace.ts';

const ROUNDS = 7;
/** The demo's slow detector: about the size at which real ones begin. */
const BASELINE = 'cv-detector/2.3.0';
const CANDIDATE = 'cv-detector/2.0.0';
/** Faster than either, so that a frame is always on its way when the flag comes. */
const CAMERA_FPS = 120;
const THREADS = 1;
/** Answers of each release in a round, for its median and so that the swap meets a steady pipeline. */
const STEADY_ANSWERS = 40;
const SERVE_DEADLINE_MS = 40_000;
/** Beyond any acknowledgement ever seen; a flag without one is an error, not a long swap. */
const ACK_DEADLINE_MS = 10_000;

export const swapWarm: Figure = {
  id: 'swap.warm',
  measure: async (progress) => {
    const { effectsMs, runMs } = await measureSwaps(progress);
    const ours = median(effectsMs);
    const spread = `${percentile(effectsMs, 0).toFixed(1)} to ${percentile(effectsMs, 1).toFixed(1)} ms in ${ROUNDS} kills`;
    const above = `${(ours - runMs).toFixed(1)} ms above one run`;
    return [
      {
        id: 'swap.warm',
        ours,
        limit: runMs,
        ratio: ours / runMs,
        unit: 'ms',
        goal: '≤ 1.5 baseline inferences',
        note: noteOf(`limit: median run of the baseline (2.3.0) in the same agent`, spread, above, describeLoad()),
      },
    ];
  },
};

type Swaps = { readonly effectsMs: readonly number[]; readonly runMs: number };

function measureSwaps(progress: (text: string) => void): Promise<Swaps> {
  return withWorkspace(async (workspace) => {
    const factory = await assemblePackage(BASELINE, path.join(workspace.folder, 'factory'));
    const other = await assemblePackage(CANDIDATE, path.join(workspace.folder, 'candidate'));
    progress('starting an agent');
    const rig = await openDeviceRig(workspace, { factory, fps: CAMERA_FPS, threads: THREADS });
    const [baseline, candidate] = [rig.server.publishPackage(factory), rig.server.publishPackage(other)];
    await rig.server.order(baseline, candidate);
    const effectsMs: number[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      progress(`round ${round} of ${ROUNDS}: the candidate is proved and serves`);
      effectsMs.push(await killOnce(rig, baseline, candidate));
    }
    return { effectsMs, runMs: rig.runMs('baseline') };
  });
}

/** Serve, kill, let the baseline answer for a while, rearm. */
async function killOnce({ await: awaitThat, answers, server }: DeviceRig, baseline: ReleaseRef, candidate: ReleaseRef) {
  const answered = async (ref: ReleaseRef, deadlineMs: number): Promise<void> => {
    const from = answers.length;
    const enough = () => answers.slice(from).filter((answer) => answer.digest === ref.digest).length > STEADY_ANSWERS;
    await awaitThat(`steady answers of ${ref.release}`, enough, deadlineMs);
  };
  await answered(candidate, SERVE_DEADLINE_MS);
  const known = server.events.length;
  const ackOf = () => server.events.slice(known).find((event) => event.kind === 'kill-ack');
  // The flag must not always meet the same moment of a frame.
  await wait(Math.random() * 50);
  await server.kill();
  await awaitThat('acknowledgement of the kill', () => ackOf() !== undefined, ACK_DEADLINE_MS);
  const ack = ackOf();
  if (ack?.effectMs === undefined || ack.wasServing !== true)
    throw new Error(`the kill met no serving candidate: ${JSON.stringify(ack)}`);
  await answered(baseline, ACK_DEADLINE_MS);
  await server.rearm();
  return ack.effectMs;
}
