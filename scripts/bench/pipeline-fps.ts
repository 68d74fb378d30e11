// Frames per second of the whole device pipeline (source process → ring → supervisor → runner → answer) beside a bare
// loop of `session.run` on the same model, threads and frames, which decodes the next JPEG beside it where the camera gives those.
// The camera is faster than the model, so the model is the limit.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openLoop } from '../../agent/frames/line/loop-file.ts';
import { preprocess } from '../../agent/frames/preprocess.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import type { Film } from '../fleet/loops.ts';
import { assemblePackage } from '../fleet/package-folder.ts';
import { MODEL_PATH, readRelease } from '../models/release-store.ts';
import { type BareFrames, type BareLoop, openBareLoop } from './bare-loop.ts';
import { type DeviceRig, openDeviceRig, prepareBenchLoop } from './device-rig.ts';
import { type Alternated, alternate, type Figure, type Row, type Sides } from './figure.ts';
import { describeLoad, noteOf, openTakenShare } from './machine.ts';
import { type Workspace, withWorkspace } from './workspace.ts';
import { assembleYolov8n } from './yolov8n-package.ts';

/** The fastest camera that an agent takes. */
const CAMERA_FPS_MAX = 240;
/** So much faster than the model is the camera: uneven arrivals leave no gap, and few frames are made for nobody. */
const CAMERA_LEAD = 1.15;
const THREADS = 1;
const ROUNDS = 14;
/** The camera rests while the bare loop runs; an agent takes a camera that is silent for two seconds for lost. */
const TURN_MS = 600;
const TRIAL_TURNS = 5;
const SETTLE_MS = 200;
const WARM_FRAMES = 50;
/** Still six times as often as by default: enough of them for the model's own time. */
const WINDOW_MS = 10_000;

type Package = { readonly folder: string; readonly manifest: Manifest };
type Case = {
  readonly size: 'small' | 'medium' | 'yolov8n';
  readonly what: string;
  /** Of the camera's picture, px: what the model takes. */
  readonly side: number;
  readonly goal: string;
  readonly assemble: (folder: string) => Promise<Package>;
};

const CASES: readonly Case[] = [
  { size: 'small', what: 'cv-detector 2.0.0', side: 256, goal: '≥ 0.93', assemble: releaseNamed('cv-detector/2.0.0') },
  { size: 'medium', what: 'cv-detector 2.3.0', side: 256, goal: '≥ 0.93', assemble: releaseNamed('cv-detector/2.3.0') },
  { size: 'yolov8n', what: 'a YOLOv8n at 320 px', side: 320, goal: '≥ 0.95', assemble: assembleYolov8n },
];

/** One for each model with bare pixels and with JPEG; the demo detector on bare pixels is also `pipeline.fps`. */
export const pipelineFps: readonly Figure[] = CASES.flatMap((one) => [figureOf(one, 'raw'), figureOf(one, 'jpeg')]);

function figureOf(one: Case, encoding: Film['encoding']): Figure {
  const id = `pipeline.fps.${one.size}.${encoding}`;
  return {
    id,
    measure: async (progress) => {
      const row = rowOf(id, one, encoding, await measureCase(one, encoding, progress));
      return id === 'pipeline.fps.small.raw' ? [{ ...row, id: 'pipeline.fps' }, row] : [row];
    },
  };
}

function rowOf(id: string, { what, goal }: Case, encoding: Film['encoding'], fps: Fps): Row {
  const { ours, limit, disturbed, runMs, cameraFps, alone } = fps;
  const [frameMs, bareMs, aloneMs] = [ours, limit, alone].map((one) => (1000 / one).toFixed(2));
  const parts = `a frame takes ${frameMs} ms, of which the model's run ${runMs.toFixed(2)} ms (bare ${bareMs} ms; the model alone, at its best, ${aloneMs} ms)`;
  const cores = `${THREADS} thread on ${cpus().length} cores, camera of ${cameraFps} FPS`;
  const left = disturbed === 0 ? '' : `${disturbed} rounds not counted: the host took more than 1 % of them`;
  const bare = encoding === 'jpeg' ? 'bare session.run, the next JPEG decoded beside it' : 'bare session.run';
  const note = noteOf(`${what}, limit: ${bare}`, parts, cores, left, describeLoad());
  return { id, ours, limit, ratio: ours / limit, unit: 'FPS', goal, note };
}

/** `runMs`: the median run inside the pipeline, by the runner's own clock; `alone`: FPS of the model with nothing beside it. */
type Fps = Alternated & { readonly runMs: number; readonly cameraFps: number; readonly alone: number };

function measureCase(one: Case, encoding: Film['encoding'], progress: (text: string) => void): Promise<Fps> {
  return withWorkspace(async (workspace) => {
    progress('starting a bare loop and an agent');
    const film = { side: one.side, encoding };
    const made = await one.assemble(path.join(workspace.folder, 'factory'));
    const alone = await fastest(await openBare(workspace, made, film, 'decoded'));
    const bare = await openBare(workspace, made, film, encoding === 'jpeg' ? 'pictures' : 'decoded');
    const cameraFps = Math.min(CAMERA_FPS_MAX, Math.ceil(alone * CAMERA_LEAD));
    const setting = { fps: cameraFps, threads: THREADS, windowMs: WINDOW_MS, film };
    const rig = await openDeviceRig(workspace, { factory: made.folder, ...setting });
    await rig.await('warm pipeline', () => rig.answers.length > WARM_FRAMES);
    progress(`${ROUNDS} rounds of ${TURN_MS / 1000} s each`);
    const fps = await alternate(ROUNDS, takeTurns(rig, bare), openTakenShare());
    return { ...fps, runMs: rig.runMs('baseline'), cameraFps, alone };
  });
}

/** FPS of the model at its best: a camera chosen in a disturbed moment would be the limit afterwards. */
async function fastest(bare: BareLoop): Promise<number> {
  let best = 0;
  for (let turn = 0; turn < TRIAL_TURNS; turn += 1) best = Math.max(best, (await bare.run(TURN_MS)).fps);
  return best;
}

/** The bare loop on the camera's frames: decoded as the agent decodes them, before or, from its pictures, beside the model. */
async function openBare(workspace: Workspace, made: Package, film: Film, kind: BareFrames['kind']): Promise<BareLoop> {
  const { folder, manifest } = made;
  const { input } = manifest;
  const loopFile = await prepareBenchLoop(workspace, film);
  const file = kind === 'pictures' ? loopFile : path.join(workspace.folder, 'frames.raw');
  if (kind === 'decoded') writeFileSync(file, await decodeFrames(loopFile, input));
  const model = path.join(folder, MODEL_PATH);
  return openBareLoop(workspace, { model, frames: { kind, file }, input, threads: THREADS });
}

/** One side at a time has the machine: the camera is stopped while the bare loop runs. */
function takeTurns(rig: DeviceRig, bare: BareLoop): Sides {
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
  const raw = loop.raw === null ? {} : { raw: loop.raw };
  try {
    const frames: Uint8Array[] = [];
    for (let i = 0; i < loop.frameCount; i += 1) frames.push(await preprocess({ bytes: loop.read(i), ...raw }, input));
    return Buffer.concat(frames);
  } finally {
    loop.close();
  }
}

function releaseNamed(release: string): Case['assemble'] {
  return async (folder) => ({
    folder: await assemblePackage(release, folder),
    manifest: readRelease(release).manifest,
  });
}
