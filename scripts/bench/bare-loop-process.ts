// The bare loop in a process of its own: the same model, the same threads, frames already decoded, nothing but
// `session.run`. Told how long to run by its parent, answers with frames per second. Run by bare-loop.ts; not for import.
import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
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

async function load(hello: BareHello): Promise<{ readonly loop: Loop; readonly ready: BareReady }> {
  const bytes = readFileSync(hello.frames);
  const size = hello.shape.reduce((product, side) => product * side, 1);
  const feeds = Array.from({ length: bytes.length / size }, (_, i) => ({
    [hello.input]: new Tensor('uint8', bytes.subarray(i * size, (i + 1) * size), hello.shape),
  }));
  const beforeMb = anonymousMb(process.pid);
  const model = readFileSync(hello.model);
  const session = await InferenceSession.create(model, { ...SESSION_OPTIONS, intraOpNumThreads: hello.threads });
  const runOnce = (turn: number) => session.run(feeds[turn % feeds.length] ?? {});
  for (let turn = 0; turn < WARM_RUNS; turn += 1) await runOnce(turn);
  const modelMb = anonymousMb(process.pid) - beforeMb;
  return { ready: { modelMb }, loop: (runMs) => loopFor(runMs, runOnce) };
}

async function loopFor(runMs: number, runOnce: (turn: number) => Promise<unknown>): Promise<BareResult> {
  const startedAtMs = performance.now();
  let runs = 0;
  let elapsedMs = 0;
  while (elapsedMs < runMs) {
    await runOnce(runs);
    runs += 1;
    elapsedMs = performance.now() - startedAtMs;
  }
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
