// A small world for system tests: a real control plane, real agents on real pixels, everything in one temp folder and ended
// with it. Says what devices answered from their own standard output, and waits for conditions with deadlines.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AnswerRecord } from '../../agent/sinks/answer-record.ts';
import { CLI_BUNDLE } from '../../scripts/build-cli.ts';
import { type Fleet, type FleetAgent, type FleetOptions, startFleet, until } from '../../scripts/fleet/fleet.ts';
import { prepareLoops } from '../../scripts/fleet/loops.ts';
import { assemblePackage } from '../../scripts/fleet/package-folder.ts';
import { endpoint } from '../../shared/protocol/address.ts';
import { type DeviceDocument, deviceEventsSchema, type StoredEvent } from '../../shared/protocol/api-devices.ts';
import { freePort } from '../free-port.ts';
import { openReleases, type Releases } from './releases.ts';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const BASELINE = 'cv-detector/1.8.2';
/** One film for all: what is tested does not depend on what the cameras see. */
const LINE = 'brackets-1';
/** A film that is current is reused; rendering it costs some ten seconds of a core. */
const LOOPS = path.join(ROOT, 'node_modules/.cache/system-loops');
/** Slack for a machine that does a lot besides. */
export const DEADLINE_MS = 90_000;
const FPS = 5;

export type WorldOptions = {
  /** `site/device`, each with one camera. */
  readonly devices: readonly string[];
  readonly windowMs?: number;
  readonly controlPlane?: FleetOptions['controlPlane'];
};

export type CommandResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type World = {
  readonly fleet: Fleet;
  readonly folder: string;
  readonly releases: Releases;
  agent(device: string): FleetAgent;
  /** Every answer of this device so far, over all its restarts, in the order in which it gave them. */
  answers(device: string): readonly AnswerRecord[];
  device(device: string): Promise<DeviceDocument>;
  events(device: string): Promise<readonly StoredEvent[]>;
  /** Waits until the device's document is so; the error says what the device is instead. */
  awaitDevice(device: string, what: string, holds: (document: DeviceDocument) => boolean): Promise<DeviceDocument>;
  awaitAnswer(
    device: string,
    what: string,
    holds: (answer: AnswerRecord) => boolean,
    from?: number,
  ): Promise<AnswerRecord>;
  /** The real `belay` command against this control plane. */
  belay(...args: readonly string[]): Promise<CommandResult>;
  crashControlPlane(): Promise<void>;
  close(): Promise<void>;
};

/** Resolves when every device answers live frames with the baseline and has said so. */
export async function openWorld(options: WorldOptions): Promise<World> {
  const folder = await mkdtemp(path.join(tmpdir(), 'belay-system-'));
  try {
    const [httpPort, mqttPort] = [await freePort(), await freePort()];
    const fleet = await startFleet({
      folder,
      devices: options.devices.map((name) => addressOf(name)),
      loops: await prepareLoops([LINE], LOOPS, () => {}),
      factory: await assemblePackage(BASELINE, path.join(folder, 'factory')),
      fps: FPS,
      windowMs: options.windowMs ?? 1000,
      tickMs: 200,
      httpPort,
      mqttPort,
      ...(options.controlPlane ? { controlPlane: options.controlPlane } : {}),
    });
    const world = worldOf(fleet, folder);
    await settle(world);
    return world;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function addressOf(name: string): { site: string; device: string; line: string } {
  const [site = '', device = ''] = name.split('/');
  return { site, device, line: LINE };
}

/** The registry knows the baseline, and every device answers with it. A world that cannot get there is taken down. */
async function settle(world: World): Promise<void> {
  try {
    await world.releases.register(BASELINE);
    for (const { device } of world.fleet.agents) {
      await world.awaitDevice(device, 'answers frames and has a baseline', (document) => {
        return (document.reported?.servedFrames ?? 0) > 0 && document.desired !== null;
      });
    }
  } catch (error) {
    await world.close();
    throw error;
  }
}

function worldOf(fleet: Fleet, folder: string): World {
  const agent = (device: string): FleetAgent => {
    const found = fleet.agents.find((candidate) => candidate.device === device);
    if (!found) throw new Error(`no agent "${device}"`);
    return found;
  };
  const device = async (name: string): Promise<DeviceDocument> => {
    const found = (await fleet.devices()).find((candidate) => candidate.device === name);
    if (!found) throw new Error(`the control plane does not know "${name}"`);
    return found;
  };
  const answers = (name: string) => readAnswers(path.join(folder, 'logs', `${name}.out`));
  const world: World = {
    fleet,
    folder,
    releases: openReleases(fleet.api),
    agent,
    answers,
    device,
    events: async (name) => {
      const { site } = agent(name);
      const { events } = await fleet.api.ask(
        endpoint('GET /v1/devices/:site/:device/events', { site, device: name, limit: 500 }),
        deviceEventsSchema,
      );
      return events;
    },
    awaitDevice: async (name, what, holds) => {
      let seen: DeviceDocument | null = null;
      const ok = await until(async () => {
        seen = await device(name).catch(() => null);
        return seen !== null && holds(seen);
      }, DEADLINE_MS);
      if (ok && seen !== null) return seen;
      throw new Error(`${name}: not within ${DEADLINE_MS} ms: ${what}\n${await describe(world, name)}`);
    },
    awaitAnswer: async (name, what, holds, from = 0) => {
      const find = () => answers(name).slice(from).find(holds);
      await until(() => find() !== undefined, DEADLINE_MS);
      const found = find();
      if (found) return found;
      throw new Error(`${name}: no such answer within ${DEADLINE_MS} ms: ${what}\n${await describe(world, name)}`);
    },
    belay: (...args) => runBelay(fleet.api.url, args),
    crashControlPlane: async () => {
      fleet.controlPlane().kill('SIGKILL');
      await fleet.controlPlane().ended;
    },
    close: async () => {
      await fleet.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return world;
}

/** For the message of a test that fails: what the control plane would tell a person, and the end of the agent's log. */
async function describe(world: World, name: string): Promise<string> {
  const { site, program } = world.agent(name);
  const explained = await world
    .belay('device', 'explain', `${site}/${name}`)
    .catch((error: Error) => ({ stdout: error.message, stderr: '' }));
  return `${explained.stdout}${explained.stderr}\n${await program.logTail()}`;
}

/** A process that is killed may leave half a line: that was never an answer. */
function readAnswers(file: string): readonly AnswerRecord[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as AnswerRecord];
      } catch {
        return [];
      }
    });
}

function runBelay(url: string, args: readonly string[]): Promise<CommandResult> {
  const { promise, resolve } = Promise.withResolvers<CommandResult>();
  const environment = { ...process.env, BELAY_URL: url, NO_COLOR: '1' };
  execFile(
    process.execPath,
    [CLI_BUNDLE, ...args],
    { env: environment, timeout: DEADLINE_MS },
    (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    },
  );
  return promise;
}

/** Changes an agent's configuration file; it counts from its next start. */
export async function changeConfig(agent: FleetAgent, change: (config: AgentFile) => void): Promise<void> {
  const config = JSON.parse(await readFile(agent.configFile, 'utf8')) as AgentFile;
  change(config);
  await writeFile(agent.configFile, JSON.stringify(config));
}

export type AgentFile = { controlPlane: { mqttUrl: string; apiUrl: string; trustFile: string }; dataDir: string };

export async function crashAgent(agent: FleetAgent): Promise<void> {
  agent.program.kill('SIGKILL');
  await agent.program.ended;
}
