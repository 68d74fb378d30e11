// One real agent process on a camera loop, with a document server to talk to: the device side of a figure.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { decodeSketch, mergeSketches, quantile } from '../../shared/measure/latency-sketch.ts';
import type { Arm, Window } from '../../shared/measure/window.ts';
import { until } from '../fleet/fleet.ts';
import { type Film, prepareLoops } from '../fleet/loops.ts';
import { type Program, startProgram } from '../fleet/program.ts';
import { DEVICE, type DocumentServer, openDocumentServer } from './document-server.ts';
import { childrenRunning } from './machine.ts';
import type { Workspace } from './workspace.ts';

const LINE = 'brackets-1';
const ANSWER_DEADLINE_MS = 45_000;

const answerSchema = z.looseObject({
  request_id: z.string(),
  model_digest: z.string(),
  latency_ms: z.number(),
  answered_at_ms: z.number(),
});

export type AnswerSeen = {
  /** Number of the frame at its camera. */
  readonly seq: number;
  readonly digest: string;
  readonly latencyMs: number;
  /** By the agent's own word, wall clock. */
  readonly answeredAtMs: number;
  readonly seenAtMs: number;
};

export type DeviceRig = {
  readonly agent: Program;
  readonly server: DocumentServer;
  /** Every answer of the agent, in order. */
  readonly answers: readonly AnswerSeen[];
  readonly loopFile: string;
  sourcePid(): number;
  /** Median of the model's runs in this role, from the agent's windows so far; NaN without any. */
  runMs(role: Arm['role']): number;
  /** Waits for a condition; throws with the end of the agent's log when it does not come. */
  await(what: string, condition: () => boolean, deadlineMs?: number): Promise<void>;
};

export type RigOptions = {
  /** The package that the device is born with. */
  readonly factory: string;
  /** Of its camera, the bench loop; left out with a `source` of another kind. */
  readonly fps?: number;
  /** Where its camera takes pictures from; the bench loop when left out. */
  readonly source?: Readonly<Record<string, unknown>>;
  readonly threads?: number;
  readonly windowMs?: number;
  /** What its camera gives; JPEGs of 256 px when left out. */
  readonly film?: Film;
  readonly env?: Readonly<Record<string, string>>;
};

/** The camera loop of every figure, rendered once per workspace. */
export async function prepareBenchLoop(workspace: Workspace, film?: Film): Promise<string> {
  const loops = await workspace.hold(prepareLoops([LINE], workspace.folder, () => {}, film));
  return loops.get(LINE) ?? '';
}

/** Resolves when the agent answers live frames with its factory release. */
export async function openDeviceRig(workspace: Workspace, options: RigOptions): Promise<DeviceRig> {
  const { folder } = workspace;
  const loopFile = await prepareBenchLoop(workspace, options.film);
  const server = await openDocumentServer(workspace);
  const configFile = await writeConfig({ workspace, options, server, loopFile });
  const answers: AnswerSeen[] = [];
  const agent = startProgram({
    name: 'agent',
    entry: 'agent/main.ts',
    args: ['--config', configFile, '--tether'],
    logFolder: folder,
    env: options.env ?? {},
    onLine: (line) => {
      const said = answerSchema.parse(JSON.parse(line));
      const { request_id: id, model_digest: digest, latency_ms: latencyMs, answered_at_ms: answeredAtMs } = said;
      const seq = Number(id.slice(id.lastIndexOf('-') + 1));
      answers.push({ seq, digest, latencyMs, answeredAtMs, seenAtMs: performance.now() });
    },
  });
  workspace.defer(() => agent.stop());
  const rig: DeviceRig = {
    agent,
    server,
    answers,
    loopFile,
    sourcePid: () => {
      const [pid] = childrenRunning(agent.pid, 'source-process.ts');
      if (pid === undefined) throw new Error('the agent has no source process');
      return pid;
    },
    runMs: (role) => medianRunMs(server.windows, role),
    await: async (what, condition, deadlineMs = ANSWER_DEADLINE_MS) => {
      await until(() => condition() || !agent.isRunning(), deadlineMs, 5);
      if (condition()) return;
      throw new Error(`no ${what} within ${deadlineMs / 1000} s; the agent's log ends with:\n${await agent.logTail()}`);
    },
  };
  await rig.await('answer of the factory release', () => answers.length > 0);
  return rig;
}

type ConfigParts = {
  readonly workspace: Workspace;
  readonly options: RigOptions;
  readonly server: DocumentServer;
  readonly loopFile: string;
};

async function writeConfig({ workspace, options, server, loopFile }: ConfigParts): Promise<string> {
  const { folder, ringFolder } = workspace;
  const trustFile = path.join(folder, 'trust.json');
  await writeFile(trustFile, JSON.stringify(server.keySet));
  const config = {
    ...DEVICE,
    hardwareClass: `${process.platform}-${process.arch}`,
    dataDir: path.join(folder, 'agent'),
    factory: options.factory,
    controlPlane: { mqttUrl: server.mqttUrl, apiUrl: server.apiUrl, password: 'bench', trustFile },
    cameras: [{ id: 'camera-1', source: options.source ?? { kind: 'line', loop: loopFile, fps: options.fps } }],
    sinks: [{ kind: 'stdout' }],
    windowMs: options.windowMs ?? 1000,
    download: { spreadMs: 0 },
    threads: options.threads ?? null,
    ringDir: ringFolder,
    killFile: path.join(folder, 'kill'),
    logLevel: 'warn',
  };
  const configFile = path.join(folder, 'agent.json');
  await writeFile(configFile, JSON.stringify(config, null, 2), { mode: 0o600 });
  return configFile;
}

function medianRunMs(windows: readonly Window[], role: Arm['role']): number {
  const arms = windows.flatMap((window) => window.arms.filter((arm) => arm.role === role));
  const sketches = arms.flatMap((arm) => decodeSketch(arm.runMs) ?? []);
  return quantile(mergeSketches(sketches), 0.5) ?? Number.NaN;
}
