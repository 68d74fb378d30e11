// The demo's small fleet for a figure: a real control plane and real agents, every one of them serving a candidate on trial.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { uploadPackage } from '../../control-plane/cli/package-upload.ts';
import { endpoint } from '../../shared/protocol/address.ts';
import { killSchema } from '../../shared/protocol/api-kills.ts';
import { registeredSchema } from '../../shared/protocol/api-releases.ts';
import { rolloutViewSchema } from '../../shared/protocol/api-rollouts.ts';
import { type Fleet, startFleet, until } from '../fleet/fleet.ts';
import { layOutFleet } from '../fleet/layout.ts';
import { prepareLoops } from '../fleet/loops.ts';
import { assemblePackage } from '../fleet/package-folder.ts';
import { RELEASES_DIR } from '../models/release-store.ts';
import type { Workspace } from './workspace.ts';

export const FLEET_FPS = 5;
const BASELINE = 'cv-detector/2.0.0';
const RELEASES = ['cv-detector/1.8.2', BASELINE, 'cv-detector/2.4.0'];
/** Puts 2.4.0 on the whole fleet at once and leaves it on trial. */
const ROLLOUT_FILE = path.resolve(import.meta.dirname, '../examples/demo-kill.yaml');
/** One film for all: what is measured does not depend on what the cameras see. */
const LINE = 'brackets-1';
const ACTOR = 'bench';
const STEP_DEADLINE_MS = 60_000;

export type FleetRig = {
  readonly fleet: Fleet;
  /** Resolves when every device serves the candidate. Throws with what the devices say when they do not. */
  awaitServing(): Promise<void>;
  /** Raises a kill and gives its id. */
  kill(scope: { readonly kind: 'fleet' } | { readonly kind: 'site'; readonly site: string }): Promise<string>;
  rearm(id: string): Promise<void>;
};

export async function openFleetRig(
  workspace: Workspace,
  count: number,
  progress: (text: string) => void,
): Promise<FleetRig> {
  const { folder } = workspace;
  const loops = await workspace.hold(prepareLoops([LINE], path.join(folder, 'loops'), () => {}));
  const factory = await assemblePackage(BASELINE, path.join(folder, 'factory'));
  const devices = layOutFleet(count).map((device) => ({ ...device, line: LINE }));
  progress(`starting a control plane and ${count} agents`);
  const settings = { fps: FLEET_FPS, windowMs: 2000, logLevel: 'warn' } as const;
  const starting = startFleet({ folder, devices, loops, factory, ...settings });
  workspace.defer(async () => {
    const started = await starting.catch(() => null);
    await started?.stop();
  });
  const fleet = await starting;
  for (const release of RELEASES) {
    const manifest = await uploadPackage(fleet.api, path.join(RELEASES_DIR, release), () => {});
    await fleet.api.ask(endpoint('POST /v1/releases'), registeredSchema, { manifest, actor: ACTOR });
  }
  const answering = (known: Device) => (known.reported?.servedFrames ?? 0) > 0;
  await awaitEvery(fleet, 'answers live frames', answering);
  const body = { file: await readFile(ROLLOUT_FILE, 'utf8'), actor: ACTOR, reason: 'bench' };
  const { id, candidate } = await fleet.api.ask(endpoint('POST /v1/rollouts'), rolloutViewSchema, body);
  progress(`${candidate.release} goes to every device`);
  return {
    fleet,
    awaitServing: async () => {
      const isServing = (known: Device) => known.reported?.serving?.digest === candidate.digest;
      await awaitEvery(fleet, 'serves the candidate', isServing, id);
    },
    kill: async (scope) =>
      (await fleet.api.ask(endpoint('POST /v1/kills'), killSchema, { scope, reason: 'bench', actor: ACTOR })).id,
    rearm: async (killId) => {
      await fleet.api.ask(endpoint('POST /v1/kills/:id/rearm', { id: killId }), killSchema, {
        reason: 'bench',
        actor: ACTOR,
      });
    },
  };
}

type Device = Awaited<ReturnType<Fleet['devices']>>[number];

async function awaitEvery(
  fleet: Fleet,
  what: string,
  holds: (device: Device) => boolean,
  rolloutId: string | null = null,
): Promise<void> {
  const names = new Set(fleet.agents.map((agent) => agent.device));
  let held = 0;
  const all = await until(
    async () => {
      held = (await fleet.devices()).filter((known) => names.has(known.device) && holds(known)).length;
      return held === names.size;
    },
    STEP_DEADLINE_MS,
    100,
  );
  if (all) return;
  const rollout =
    rolloutId && (await fleet.api.ask(endpoint('GET /v1/rollouts/:id', { id: rolloutId }), rolloutViewSchema));
  const standing = rollout ? `; the rollout: ${rollout.status}` : '';
  const logs = await fleet.agents[0]?.program.logTail();
  throw new Error(
    `only ${held} of ${names.size} devices: ${what}${standing}; the first agent's log ends with:\n${logs}`,
  );
}
