// How old a frame is when its inference begins: from the moment in which the camera sends it, over HTTP, through the
// source process, the ring and the agent, to the runner. A real agent, real runners and a camera of this process; once with a
// camera that leaves the model time, and once with one that is far too fast for it.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { openLoop } from '../../agent/frames/line/loop-file.ts';
import { assemblePackage } from '../fleet/package-folder.ts';
import { openDeviceRig, prepareBenchLoop } from './device-rig.ts';
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
    const factory = await assemblePackage(release, path.join(workspace.folder, 'factory'));
    const rig = await openDeviceRig(workspace, { factory, threads: 1, source: { kind: 'mjpeg', url: camera.url } });
    const wanted = SETTLING_ANSWERS + ANSWERS;
    await rig.await(`${wanted} answers`, () => rig.answers.length >= wanted || camera.visits() > 1, DEADLINE_MS);
    if (camera.visits() > 1) throw new Error('the agent has lost the camera of the benchmark');
    const sentFrames = camera.sentAtMs.length;
    const runMs = rig.runMs('baseline');
    const agesMs = rig.answers.slice(SETTLING_ANSWERS).map(({ seq, answeredAtMs }) => {
      const ageMs = answeredAtMs - runMs - (camera.sentAtMs[seq] ?? Number.POSITIVE_INFINITY);
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
