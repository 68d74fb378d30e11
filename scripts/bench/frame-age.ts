// How old a frame is when its inference begins: from the moment in which the camera sends it, over HTTP, through the
// source process, the ring and the agent, to the runner. A real agent, real runners and a camera of this process.
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
import { type Figure, percentile } from './figure.ts';
import { describeLoad, noteOf } from './machine.ts';
import { type Workspace, withWorkspace } from './workspace.ts';

const FPS = 10;
const INTERVAL_MS = 1000 / FPS;
const ANSWERS = 200;
/** Loading, and the first answers, which are slower. */
const SETTLING_ANSWERS = 20;
const DEADLINE_MS = 90_000;
const BASELINE = 'cv-detector/1.8.2';

const answerSchema = z.looseObject({ request_id: z.string(), answered_at_ms: z.number() });

type Answered = { readonly seq: number; readonly atMs: number };

export const frameAge: Figure = {
  id: 'frame.age',
  measure: async (progress) => {
    const { agesMs, runMs } = await measureAges(progress);
    const ours = percentile(agesMs, 0.95);
    const spread = `p50 ${percentile(agesMs, 0.5).toFixed(1)} ms, worst ${percentile(agesMs, 1).toFixed(1)} ms`;
    const how = `limit: one interval of an MJPEG camera at ${FPS} fps; ours: p95 from its sending to the start of inference`;
    return [
      {
        id: 'frame.age',
        ours,
        limit: INTERVAL_MS,
        ratio: ours / INTERVAL_MS,
        unit: 'ms',
        goal: '≤ one interval + queue',
        note: noteOf(how, spread, `${agesMs.length} frames, run ${runMs.toFixed(1)} ms`, describeLoad()),
      },
    ];
  },
};

async function measureAges(progress: (text: string) => void) {
  return withWorkspace(async (workspace) => {
    progress('starting a camera and an agent');
    const camera = await openCamera(workspace);
    const server = await openDocumentServer(workspace);
    const answered: Answered[] = [];
    await startAgent({ workspace, server, url: camera.url, answered });
    const wanted = SETTLING_ANSWERS + ANSWERS;
    if (!(await until(() => answered.length >= wanted, DEADLINE_MS, 50)))
      throw new Error(`${answered.length} of ${wanted} answers within ${DEADLINE_MS / 1000} s`);
    const runMs = medianRunMs(server);
    const agesMs = answered.slice(SETTLING_ANSWERS).flatMap(({ seq, atMs }) => {
      const sentAtMs = camera.sentAtMs[seq];
      return sentAtMs === undefined ? [] : [atMs - runMs - sentAtMs];
    });
    return { agesMs, runMs };
  });
}

/** Sends pictures of the bench loop; the n-th part of its first answer is the n-th frame of the agent. */
async function openCamera(workspace: Workspace) {
  const loop = openLoop(await prepareBenchLoop(workspace));
  const sentAtMs: number[] = [];
  const play = (response: ServerResponse): void => {
    if (sentAtMs.length > 0) throw new Error('the agent has lost the camera of the benchmark');
    response.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace; boundary=frame' });
    const timer = setInterval(() => {
      const jpeg = loop.read(sentAtMs.length % loop.frameCount);
      sentAtMs.push(Date.now());
      response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.byteLength}\r\n\r\n`);
      response.write(jpeg);
      response.write('\r\n');
    }, INTERVAL_MS);
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
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, sentAtMs };
}

type AgentParts = {
  readonly workspace: Workspace;
  readonly server: DocumentServer;
  readonly url: string;
  readonly answered: Answered[];
};

async function startAgent({ workspace, server, url, answered }: AgentParts): Promise<void> {
  const { folder, ringFolder } = workspace;
  const trustFile = path.join(folder, 'trust.json');
  await writeFile(trustFile, JSON.stringify(server.keySet));
  const config = {
    ...DEVICE,
    hardwareClass: `${process.platform}-${process.arch}`,
    dataDir: path.join(folder, 'agent'),
    factory: await assemblePackage(BASELINE, path.join(folder, 'factory')),
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
