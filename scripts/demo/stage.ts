// Setting the stage: camera loops, releases in the registry, a fleet that answers. Every part says how far it is.
import { readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CommandError } from '../../control-plane/cli/api-client.ts';
import { uploadPackage } from '../../control-plane/cli/package-upload.ts';
import { endpoint } from '../../shared/protocol/address.ts';
import { registeredSchema } from '../../shared/protocol/api-releases.ts';
import { buildDashboard } from '../build-dashboard.ts';
import { type Fleet, startFleet, until } from '../fleet/fleet.ts';
import { deviceCount, layOutFleet } from '../fleet/layout.ts';
import { prepareLoops } from '../fleet/loops.ts';
import { assemblePackage } from '../fleet/package-folder.ts';
import { RELEASES_DIR } from '../models/release-store.ts';
import type { Narrator } from './narrator.ts';

export const BASELINE = 'cv-detector/1.8.2';
/** Registered at the start, in the order in which they were trained. */
const RELEASES = [BASELINE, 'cv-detector/2.0.0', 'cv-detector/2.1.0', 'cv-detector/2.3.0', 'cv-detector/2.4.0'];
const MISLABELLED = 'cv-detector/2.0.1-mislabelled';

const FPS = 5;
const WINDOW_MS = 2000;
/** The later half of them counts as a device's own past. */
const CALM_WINDOWS = 7;
const FIRST_FRAMES_DEADLINE_MS = 60_000;
const ACTOR = 'demo';

export type StageOptions = { readonly folder: string; readonly httpPort?: number; readonly mqttPort?: number };

/** Starts everything, and returns when every device answers live frames with the baseline. */
export async function setStage(options: StageOptions, narrator: Narrator): Promise<Fleet> {
  const { folder } = options;
  const devices = layOutFleet(deviceCount(availableParallelism()));
  const loops = await prepareLoops(
    devices.map((device) => device.line),
    path.join(folder, 'loops'),
    (share) => narrator.progress('rendering the camera loops', share),
  );
  await buildDashboard((line) => narrator.say(line, 'dim'));
  for (const stale of ['control-plane', 'devices', 'logs', 'factory'])
    await rm(path.join(folder, stale), { recursive: true, force: true });
  const factory = await assemblePackage(BASELINE, path.join(folder, 'factory'));
  const fleet = await startFleet({
    ...options,
    devices,
    loops,
    factory,
    fps: FPS,
    windowMs: WINDOW_MS,
    signIn: 'required',
  });
  try {
    narrator.say(`control plane at ${fleet.api.url}, broker at ${fleet.mqttUrl}`);
    await tellHowToSignIn(fleet, narrator);
    await registerReleases(fleet, narrator);
    await awaitFirstFrames(fleet, narrator);
    return fleet;
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}

/** The newcomer needs no password: this fleet was made here and now, and belongs to whoever sees this terminal. */
export async function tellHowToSignIn({ signedIn }: Fleet, narrator: Narrator): Promise<void> {
  if (signedIn === null) return;
  narrator.say(`watch it in a browser: ${await signedIn.newLink()}`, 'green');
  narrator.say(
    'the link signs you in as admin, by itself, once, within 15 minutes; what the demo does itself it does with an API token of admin',
    'dim',
  );
}

async function registerReleases(fleet: Fleet, narrator: Narrator): Promise<void> {
  for (const release of RELEASES) {
    const manifest = await uploadPackage(fleet.api, path.join(RELEASES_DIR, release), () => {});
    const { release: entry } = await fleet.api.ask(endpoint('POST /v1/releases'), registeredSchema, {
      manifest,
      actor: ACTOR,
    });
    narrator.say(`registered ${entry.id}: ${entry.changelog}`);
  }
  narrator.say(await refusalOfMislabelled(fleet), 'yellow');
}

/** The release with shuffled classes that calls itself a patch: the registry says what is wrong, in its own words. */
async function refusalOfMislabelled(fleet: Fleet): Promise<string> {
  const manifest = await uploadPackage(fleet.api, path.join(RELEASES_DIR, MISLABELLED), () => {});
  try {
    await fleet.api.ask(endpoint('POST /v1/releases'), registeredSchema, { manifest, actor: ACTOR });
  } catch (error) {
    if (error instanceof CommandError) return `refused cv-detector:2.0.1: ${error.message.split('\n', 1)[0]}`;
    throw error;
  }
  throw new Error('the mislabelled release was not refused');
}

async function awaitFirstFrames(fleet: Fleet, narrator: Narrator): Promise<void> {
  const answering = async (): Promise<number> =>
    (await fleet.devices()).filter((device) => (device.reported?.servedFrames ?? 0) > 0).length;
  const wanted = fleet.agents.length;
  let seen = 0;
  const ok = await until(
    async () => {
      seen = await answering();
      narrator.progress('devices answering live frames with the baseline', seen / wanted);
      return seen >= wanted || fleet.agents.some((agent) => !agent.program.isRunning());
    },
    FIRST_FRAMES_DEADLINE_MS,
    250,
  );
  if (ok && seen >= wanted) return;
  const ended = fleet.agents.find((agent) => !agent.program.isRunning());
  const tail = await (ended ?? fleet.agents[0])?.program.logTail();
  throw new Error(
    `only ${seen} of ${wanted} devices answer frames; the log of ${(ended ?? fleet.agents[0])?.device} ends with:\n${tail}`,
  );
}

/** The line runs on its baseline for a while: a rollout that judges latency compares each device with its own calm past. */
export async function letItRun(narrator: Narrator): Promise<void> {
  for (let window = 0; window < CALM_WINDOWS; window += 1) {
    narrator.progress('the line runs on its baseline', window / CALM_WINDOWS);
    await wait(WINDOW_MS);
  }
  narrator.progress('the line runs on its baseline', 1);
}

/** The text of a rollout file of the demo. */
export function readRolloutFile(name: string): Promise<string> {
  return readFile(path.resolve(import.meta.dirname, '../examples', name), 'utf8');
}
