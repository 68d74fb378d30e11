// How old a frame is when its inference begins: from the moment in which the camera sends it, over HTTP, through the
// source process, the ring and the agent, to the runner. A real agent, real runners and a camera of this process; once with a
// camera that leaves the model time, and once with one that is far too fast for it.
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { z } from 'zod';
import { openLoop } from '../../agent/frames/line/loop-file.ts';
import { decodeSketch, mergeSketches, quantile } from '../../shared/measure/latency-sketch.ts';
import { until } from '../fleet/fleet.ts';
import { assemblePackage } from '../fleet/package-folder.ts';
import { startProgram } from '../fleet/program.ts';
import { prepareBenchLoop } from './device-rig.ts';
import { DEVICE, type DocumentServer, openDocumentServer } from './document-server.ts';
import { type Figure, percentile, type Row } from './figure.ts';
import { describeLoad, noteOf } from './machine.ts';
import { type Workspace, withWorkspace } from './workspace.ts';

const ANSWERS = 200;
/** Loading, and the first answers, which are slower. */
const SETTLING_ANSWERS = 20;
const DEADLINE_MS = 90_000;
/** One runs, one waits behind it. */
const QUEUE_DEPTH = 2;
/** Two clocks are read: what is further below zero tells of a wrong number of a frame. */
const AGE_MS_MIN = -5;

const answerSchema = z.looseObject({ request_id: z.string(), answered_at_ms: z.number() });

type Answered = { readonly seq: number; readonly atMs: number };

type Course = { readonly id: 'calm' | 'busy'; readonly fps: number; readonly release: string; readonly what: string };

const COURSES: readonly Course[] = [
  { id: 'calm', fps: 10, release: 'cv-detector/1.8.2', what: 'the model is faster' },
  { id: 'busy', fps: 60, release: 'cv-detector/2.3.0', what: 'the model is slower, the newest frame wins' },
];

export const frameAge: Figure = {
  id: 'frame.age',
  rows: ['calm', 'busy'],
  measure: async (progress) => {
    const rows: Row[] = [];
    for (const course of COURSES) {
      progress(`a camera at ${course.fps} fps and an agent`);
      rows.push(rowOf(course, await measureAges(course)));
    }
    return rows;
  },
};

type Ages = { readonly agesMs: readonly number[]; readonly runMs: number; readonly sentFrames: number };

/** p95 from the camera's sending to the start of inference, against one interval and the runner's queue. */
function rowOf({ id, fps, what }: Course, { agesMs, runMs, sentFrames }: Ages): Row {
  const ours = percentile(agesMs, 0.95);
  const limit = 1000 / fps + QUEUE_DEPTH * runMs;
  const answered = Math.round((100 * (agesMs.length + SETTLING_ANSWERS)) / sentFrames);
  const how = `limit: one interval at ${fps} fps and ${QUEUE_DEPTH} runs of ${runMs.toFixed(1)} ms; ours: p95, sent to start of inference`;
  const spread = `p50 ${percentile(agesMs, 0.5).toFixed(1)} ms, worst ${percentile(agesMs, 1).toFixed(1)} ms`;
  const note = noteOf(how, spread, `${what}: ${answered} % of frames answered`, describeLoad());
  return { id: `frame.age.${id}`, ours, limit, ratio: ours / limit, unit: 'ms', goal: '≤ one interval + queue', note };
}

async function measureAges({ fps, release }: Course): Promise<Ages> {
  return withWorkspace(async (workspace) => {
    const camera = await openCamera(workspace, 1000 / fps);
    const server = await openDocumentServer(workspace);
    const answered: Answered[] = [];
    await startAgent({ workspace, server, url: camera.url, answered, release });
    const wanted = SETTLING_ANSWERS + ANSWERS;
    if (!(await until(() => answered.length >= wanted || camera.visits() > 1, DEADLINE_MS, 50)))
      throw new Error(`${answered.length} of ${wanted} answers within ${DEADLINE_MS / 1000} s`);
    if (camera.visits() > 1) throw new Error('the agent has lost the camera of the benchmark');
    const sentFrames = camera.sentAtMs.length;
    const runMs = medianRunMs(server);
    const agesMs = answered.slice(SETTLING_ANSWERS).map(({ seq, atMs }) => {
      const ageMs = atMs - runMs - (camera.sentAtMs[seq] ?? Number.POSITIVE_INFINITY);
      if (ageMs < AGE_MS_MIN) throw new Error(`frame ${seq} is answered ${-ageMs} ms before it was sent`);
      return ageMs;
    });
    return { agesMs, runMs, sentFrames };
  });
}

/** Sends pictures of the bench loop; the n-th part of its first answer is the n-th frame of the agent. */
async function openCamera(workspace: Workspace, intervalMs: number) {
  const loop = openLoop(await prepareBenchLoop(workspace));
  const sentAtMs: number[] = [];
  let visits = 0;
  const play = (response: ServerResponse): void => {
    visits += 1;
    response.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace; boundary=frame' });
    const timer = setInterval(() => {
      const jpeg = loop.read(sentAtMs.length % loop.frameCount);
      sentAtMs.push(Date.now());
      response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.byteLength}\r\n\r\n`);
      response.write(jpeg);
      response.write('\r\n');
    }, intervalMs);
    response.on('close', () => clearInterval(timer));
  };
  const server = createServer((_request, response) => play(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  workspace.defer(async () => {
    server.closeAllConnections();
    server.close();
    loop.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, sentAtMs, visits: () => visits };
}

type AgentParts = {
  readonly workspace: Workspace;
  readonly server: DocumentServer;
  readonly url: string;
  readonly answered: Answered[];
  readonly release: string;
};

async function startAgent({ workspace, server, url, answered, release }: AgentParts): Promise<void> {
  const { folder, ringFolder } = workspace;
  const trustFile = path.join(folder, 'trust.json');
  await writeFile(trustFile, JSON.stringify(server.keySet));
  const config = {
    ...DEVICE,
    hardwareClass: `${process.platform}-${process.arch}`,
    dataDir: path.join(folder, 'agent'),
    factory: await assemblePackage(release, path.join(folder, 'factory')),
    controlPlane: { mqttUrl: server.mqttUrl, apiUrl: server.apiUrl, password: 'bench', trustFile },
    cameras: [{ id: 'camera-1', source: { kind: 'mjpeg', url } }],
    windowMs: 1000,
    threads: 1,
    ringDir: ringFolder,
    killFile: path.join(folder, 'kill'),
    logLevel: 'warn',
  };
  const configFile = path.join(folder, 'agent.json');
  await writeFile(configFile, JSON.stringify(config), { mode: 0o600 });
  const agent = startProgram({
    name: 'agent',
    entry: 'agent/main.ts',
    args: ['--config', configFile, '--tether'],
    logFolder: folder,
    onLine: (line) => {
      const { request_id: id, answered_at_ms: atMs } = answerSchema.parse(JSON.parse(line));
      answered.push({ seq: Number(id.split('-').at(-1)), atMs });
    },
  });
  workspace.defer(() => agent.stop());
}

function medianRunMs({ windows }: DocumentServer): number {
  const sketches = windows.flatMap((window) => window.arms.flatMap((arm) => decodeSketch(arm.runMs) ?? []));
  return quantile(mergeSketches(sketches), 0.5) ?? Number.NaN;
}
