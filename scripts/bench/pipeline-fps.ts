// Frames per second of the whole device pipeline (source process → ring → supervisor → runner → answer) beside a bare
// loop of `session.run` on the same model, threads and frames. The camera is faster than the model, so the model is the limit.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openLoop } from '../../agent/frames/line/loop-file.ts';
import { preprocess } from '../../agent/frames/preprocess.ts';
import { assemblePackage } from '../fleet/package-folder.ts';
import { MODEL_PATH, readRelease, releaseFilePath } from '../models/release-store.ts';
import { type BareLoop, openBareLoop } from './bare-loop.ts';
import { type DeviceRig, openDeviceRig, prepareBenchLoop } from './device-rig.ts';
import { alternate, type Figure } from './figure.ts';
import { describeLoad, noteOf } from './machine.ts';
import { type Workspace, withWorkspace } from './workspace.ts';

/** The fastest camera that an agent takes. */
const CAMERA_FPS_MAX = 240;
/** So much faster than the model is the camera: uneven arrivals leave no gap, and few frames are decoded for nobody. */
const CAMERA_LEAD = 1.4;
const THREADS = 1;
/** The camera rests while the bare loop runs; an agent takes a camera that is silent for two seconds for lost. */
const TURN_MS = 600;
const SETTLE_MS = 200;
const WARM_FRAMES = 50;

export const pipelineFps: Figure = {
  id: 'pipeline.fps',
  measure: async (progress) => {
    const main = await measureRelease('cv-detector/2.0.0', 20, progress);
    const other = await measureRelease('cv-detector/2.3.0', 12, progress);
    const otherShare = (other.ours / other.limit).toFixed(3);
    const others = `2.3.0 (slower): ${other.ours.toFixed(1)} of ${other.limit.toFixed(1)} FPS = ${otherShare}`;
    const parts = `a frame takes ${(1000 / main.ours).toFixed(2)} ms, of which the model's run ${main.runMs.toFixed(2)} ms (bare ${(1000 / main.limit).toFixed(2)} ms)`;
    const cores = `${THREADS} thread on ${cpus().length} cores, camera of ${main.cameraFps} FPS with JPEG`;
    return [
      {
        id: 'pipeline.fps',
        ours: main.ours,
        limit: main.limit,
        ratio: main.ours / main.limit,
        unit: 'FPS',
        goal: '≥ 0.93',
        note: noteOf('cv-detector 2.0.0, limit: bare session.run', parts, others, cores, describeLoad()),
      },
    ];
  },
};

/** `runMs`: the median run inside the pipeline, by the runner's own clock. */
type Fps = { readonly ours: number; readonly limit: number; readonly runMs: number; readonly cameraFps: number };

function measureRelease(release: string, rounds: number, progress: (text: string) => void): Promise<Fps> {
  return withWorkspace(async (workspace) => {
    progress(`${release}: starting a bare loop and an agent`);
    const factory = await assemblePackage(release, path.join(workspace.folder, 'factory'));
    const bare = await openBare(workspace, release);
    const alone = await bare.run(TURN_MS);
    const cameraFps = Math.min(CAMERA_FPS_MAX, Math.ceil(alone.fps * CAMERA_LEAD));
    const rig = await openDeviceRig(workspace, { factory, fps: cameraFps, threads: THREADS });
    await rig.await('warm pipeline', () => rig.answers.length > WARM_FRAMES);
    progress(`${release}: ${rounds} rounds of ${TURN_MS / 1000} s each`);
    const fps = await alternate(rounds, takeTurns(rig, bare));
    return { ...fps, runMs: rig.runMs('baseline'), cameraFps };
  });
}

/** The bare loop on the frames of the camera's loop, decoded as the agent decodes them. */
async function openBare(workspace: Workspace, release: string): Promise<BareLoop> {
  const { input } = readRelease(release).manifest;
  const loopFile = await prepareBenchLoop(workspace);
  const frames = path.join(workspace.folder, 'frames.raw');
  writeFileSync(frames, await decodeFrames(loopFile, input));
  const model = releaseFilePath(release, MODEL_PATH);
  return openBareLoop(workspace, { model, frames, input: input.name, shape: input.shape, threads: THREADS });
}

/** One side at a time has the machine: the camera is stopped while the bare loop runs. */
function takeTurns(rig: DeviceRig, bare: BareLoop): { ours: () => Promise<number>; limit: () => Promise<number> } {
  return {
    ours: async () => {
      await wait(SETTLE_MS);
      const from = rig.answers.length;
      await wait(TURN_MS);
      const seen = rig.answers.slice(from);
      const [first, last] = [seen[0], seen.at(-1)];
      if (!first || !last || first === last) throw new Error(`no frames answered in ${TURN_MS} ms`);
      return ((seen.length - 1) * 1000) / (last.seenAtMs - first.seenAtMs);
    },
    limit: async () => {
      const source = rig.sourcePid();
      process.kill(source, 'SIGSTOP');
      try {
        await wait(SETTLE_MS);
        return (await bare.run(TURN_MS)).fps;
      } finally {
        process.kill(source, 'SIGCONT');
        const from = rig.answers.length;
        await rig.await('answer after the pause', () => rig.answers.length > from);
      }
    },
  };
}

async function decodeFrames(loopFile: string, input: Parameters<typeof preprocess>[1]): Promise<Buffer> {
  const loop = openLoop(loopFile);
  try {
    const frames: Uint8Array[] = [];
    for (let i = 0; i < loop.frameCount; i += 1) frames.push(await preprocess({ bytes: loop.read(i) }, input));
    return Buffer.concat(frames);
  } finally {
    loop.close();
  }
}
