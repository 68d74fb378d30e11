// The small fleet: one control plane and its agents as real processes in one folder. For the demo, `npm run dev`, benchmarks
// and system tests alike; whoever starts it owns it and stops it.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { type ApiClient, openApiClient } from '../../control-plane/cli/api-client.ts';
import { resetAdminIn } from '../../control-plane/reset-admin.ts';
import { endpoint } from '../../shared/protocol/address.ts';
import { credentialsSchema, type DeviceDocument, deviceListSchema } from '../../shared/protocol/api-devices.ts';
import { type SignedIn, signInAsAdmin } from './first-sign-in.ts';
import type { FleetDevice } from './layout.ts';
import { type Program, startProgram } from './program.ts';

export type FleetOptions = {
  /** Everything is written below it. */
  readonly folder: string;
  readonly devices: readonly FleetDevice[];
  /** Camera loop of each line. */
  readonly loops: ReadonlyMap<string, string>;
  /** The package that devices are born with. */
  readonly factory: string;
  readonly fps: number;
  readonly windowMs: number;
  /** How often the control plane looks at rollouts. */
  readonly tickMs?: number;
  readonly httpPort?: number;
  readonly mqttPort?: number;
  /** `required`: somebody signs in, as `Fleet.signedIn`; else everybody on this machine may do everything. */
  readonly signIn?: 'required' | 'open';
  readonly logLevel?: 'error' | 'warn' | 'info' | 'debug';
  /** More of the control plane's configuration, as its file would say it. */
  readonly controlPlane?: Readonly<Record<string, unknown>>;
};

export type FleetAgent = FleetDevice & { readonly configFile: string; program: Program };

export type Fleet = {
  readonly api: ApiClient;
  readonly folder: string;
  readonly mqttUrl: string;
  /** Null where nobody signs in. */
  readonly signedIn: SignedIn | null;
  readonly agents: readonly FleetAgent[];
  /** The one that runs now, or ran last. */
  controlPlane(): Program;
  devices(): Promise<readonly DeviceDocument[]>;
  /** Starts the agent of this device again, after it has ended. */
  restartAgent(device: string): FleetAgent;
  /** Ends the control plane and starts it again; it needs fixed ports for agents to find it. */
  restartControlPlane(): Promise<void>;
  stop(): Promise<void>;
};

const START_DEADLINE_MS = 30_000;
const readySchema = z.looseObject({ ready: z.literal(true), httpUrl: z.string(), mqttUrl: z.string() });

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const logFolder = path.join(options.folder, 'logs');
  const ringFolder = `/dev/shm/belay-fleet-${process.pid}`;
  for (const folder of [options.folder, logFolder, ringFolder]) await mkdir(folder, { recursive: true });
  const password = options.signIn === 'required' ? await resetAdminIn(dataDirOf(options)) : null;
  let running = await startControlPlane(options, logFolder);
  const signedIn = password === null ? null : await signInAsAdmin(running.httpUrl, password).catch(running.giveUp);
  const credentials = {
    token: signedIn?.token ?? null,
    tokenFrom: null,
    idempotencyKey: null,
    remembersVersions: false,
  };
  const api = openApiClient(running.httpUrl, credentials);
  const agents: FleetAgent[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(agents.map((agent) => agent.program.stop()));
    await running.controlPlane.stop();
    await rm(ringFolder, { recursive: true, force: true });
  };
  try {
    for (const device of options.devices) {
      const configFile = await writeAgentConfig({ options, device, api, ringFolder });
      agents.push({ ...device, configFile, program: startAgent(device, configFile, logFolder) });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    api,
    folder: options.folder,
    mqttUrl: running.mqttUrl,
    signedIn,
    agents,
    controlPlane: () => running.controlPlane,
    devices: async () => (await api.ask(endpoint('GET /v1/devices'), deviceListSchema)).devices,
    restartAgent: (device) => {
      const agent = agents.find((candidate) => candidate.device === device);
      if (!agent) throw new Error(`no agent "${device}" in this fleet`);
      agent.program = startAgent(agent, agent.configFile, logFolder);
      return agent;
    },
    restartControlPlane: async () => {
      await running.controlPlane.stop();
      running = await startControlPlane(options, logFolder);
    },
    stop,
  };
}

type Running = {
  readonly controlPlane: Program;
  readonly httpUrl: string;
  readonly mqttUrl: string;
  /** Ends it, and throws the error. */
  giveUp(error: unknown): Promise<never>;
};

function dataDirOf({ folder }: FleetOptions): string {
  return path.join(folder, 'control-plane');
}

async function startControlPlane(options: FleetOptions, logFolder: string): Promise<Running> {
  const configFile = path.join(options.folder, 'control-plane.json');
  const config = {
    dataDir: dataDirOf(options),
    http: { port: options.httpPort ?? 0 },
    mqtt: { port: options.mqttPort ?? 0 },
    tickMs: options.tickMs ?? 500,
    deliveryMs: 100,
    signIn: options.signIn ?? 'open',
    log: { level: options.logLevel ?? 'info' },
    ...options.controlPlane,
  };
  await writeFile(configFile, JSON.stringify(config, null, 2));
  let ready: z.infer<typeof readySchema> | null = null;
  const controlPlane = startProgram({
    name: 'control-plane',
    entry: 'control-plane/main.ts',
    args: ['--config', configFile, '--tether'],
    logFolder,
    onLine: (line) => {
      ready ??= readReady(line);
    },
  });
  await until(() => ready !== null || !controlPlane.isRunning(), START_DEADLINE_MS);
  if (ready === null) {
    await controlPlane.stop();
    throw new Error(`the control plane did not start:\n${await controlPlane.logTail()}`);
  }
  const { httpUrl, mqttUrl } = ready as z.infer<typeof readySchema>;
  const giveUp = async (error: unknown): Promise<never> => {
    await controlPlane.stop();
    throw error;
  };
  return { controlPlane, httpUrl, mqttUrl, giveUp };
}

function readReady(line: string): z.infer<typeof readySchema> | null {
  if (!line.includes('"ready"')) return null;
  const parsed = readySchema.safeParse(JSON.parse(line));
  return parsed.success ? parsed.data : null;
}

type AgentConfigParts = {
  readonly options: FleetOptions;
  readonly device: FleetDevice;
  readonly api: ApiClient;
  readonly ringFolder: string;
};

async function writeAgentConfig({ options, device, api, ringFolder }: AgentConfigParts): Promise<string> {
  const credentials = await api.ask(
    endpoint('POST /v1/devices/:site/:device/credentials', { site: device.site, device: device.device }),
    credentialsSchema,
  );
  const folder = path.join(options.folder, 'devices', device.device);
  await mkdir(folder, { recursive: true });
  const trustFile = path.join(folder, 'trust.json');
  await writeFile(trustFile, JSON.stringify(credentials.keySet));
  const config = {
    site: device.site,
    device: device.device,
    hardwareClass: `${process.platform}-${process.arch}`,
    line: device.line,
    dataDir: path.join(folder, 'data'),
    factory: options.factory,
    controlPlane: {
      mqttUrl: credentials.mqttUrl,
      apiUrl: credentials.apiUrl,
      password: credentials.password,
      trustFile,
    },
    cameras: [{ id: 'camera-1', source: { kind: 'line', loop: options.loops.get(device.line), fps: options.fps } }],
    sinks: [{ kind: 'stdout' }],
    download: { spreadMs: 0 },
    windowMs: options.windowMs,
    ringDir: ringFolder,
  };
  const configFile = path.join(folder, 'agent.json');
  await writeFile(configFile, JSON.stringify(config, null, 2), { mode: 0o600 });
  return configFile;
}

function startAgent(device: FleetDevice, configFile: string, logFolder: string): Program {
  return startProgram({
    name: device.device,
    entry: 'agent/main.ts',
    args: ['--config', configFile, '--tether'],
    logFolder,
  });
}

/** Waits until `condition` holds; false when the deadline passes first. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  deadlineMs: number,
  everyMs = 100,
): Promise<boolean> {
  const deadlineAtMs = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadlineAtMs) return false;
    await wait(everyMs);
  }
  return true;
}
