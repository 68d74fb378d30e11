// The bare loop in a process of its own: the same model, the same threads, nothing but `session.run` and, with pictures, the
// decoding of the next one. Told how long to run by its parent, answers with frames per second. Run by bare-loop.ts; not for
// import.
import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { frameBytesOf } from '../../agent/frames/input-contract.ts';
import { openLoop } from '../../agent/frames/line/loop-file.ts';
import { decodeAsSized } from '../../agent/frames/preprocess.ts';
import type { BareHello, BareOrder, BareReady, BareResult } from './bare-loop.ts';
import { anonymousMb } from './machine.ts';

/** As the agent's runners are set up: see agent/inference/model-session.ts. */
const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  interOpNumThreads: 1,
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
};

const WARM_RUNS = 20;

type Loop = (runMs: number) => Promise<BareResult>;
type Feeds = Readonly<Record<string, Tensor>>;
/** What the nth run is fed with; asked one run ahead, so that a picture is decoded beside the model. */
type Source = (turn: number) => Promise<Feeds> | Feeds;

async function load(hello: BareHello): Promise<{ readonly loop: Loop; readonly ready: BareReady }> {
  const source = hello.frames.kind === 'decoded' ? openFrames(hello) : openPictures(hello);
  const beforeMb = anonymousMb(process.pid);
  const model = readFileSync(hello.model);
  const session = await InferenceSession.create(model, { ...SESSION_OPTIONS, intraOpNumThreads: hello.threads });
  for (let turn = 0; turn < WARM_RUNS; turn += 1) await session.run(await source(turn));
  const modelMb = anonymousMb(process.pid) - beforeMb;
  return { ready: { modelMb }, loop: (runMs) => loopFor(runMs, session, source) };
}

function openFrames({ frames, input }: BareHello): Source {
  const bytes = readFileSync(frames.file);
  const size = frameBytesOf(input);
  const feeds = Array.from({ length: bytes.length / size }, (_, i) =>
    feedOf(input, bytes.subarray(i * size, (i + 1) * size)),
  );
  return (turn) => feeds[turn % feeds.length] ?? {};
}

function openPictures({ frames, input }: BareHello): Source {
  const loop = openLoop(frames.file);
  return async (turn) => {
    const frame = await decodeAsSized({ bytes: loop.read(turn % loop.frameCount) }, input);
    if (frame === null) throw new Error(`the pictures of ${frames.file} have not the input's size`);
    return feedOf(input, frame);
  };
}

function feedOf({ name, shape }: BareHello['input'], frame: Uint8Array): Feeds {
  return { [name]: new Tensor('uint8', frame, shape) };
}

async function loopFor(runMs: number, session: InferenceSession, source: Source): Promise<BareResult> {
  const startedAtMs = performance.now();
  let runs = 0;
  let elapsedMs = 0;
  let next = source(0);
  while (elapsedMs < runMs) {
    const feeds = await next;
    next = source(runs + 1);
    await session.run(feeds);
    runs += 1;
    elapsedMs = performance.now() - startedAtMs;
  }
  await next;
  return { fps: (runs * 1000) / elapsedMs };
}

let loop: Loop | null = null;
process.on('disconnect', () => process.exit(0));
process.on('message', async (message: BareHello | BareOrder) => {
  if (message.kind === 'run') return process.send?.(await loop?.(message.runMs));
  const loaded = await load(message);
  loop = loaded.loop;
  return process.send?.(loaded.ready);
});
