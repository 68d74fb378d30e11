// The bare loop in a process of its own: the same model, the same threads, frames already decoded, nothing but
// `session.run`. Told how long to run by its parent, answers with frames per second. Run by bare-loop.ts; not for import.
import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { BareHello, BareOrder, BareResult } from './bare-loop.ts';

/** As the agent's runners are set up: see agent/inference/model-session.ts. */
const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  interOpNumThreads: 1,
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
};

async function loop(hello: BareHello): Promise<(runMs: number) => Promise<BareResult>> {
  const session = await InferenceSession.create(readFileSync(hello.model), {
    ...SESSION_OPTIONS,
    intraOpNumThreads: hello.threads,
  });
  const bytes = readFileSync(hello.frames);
  const size = hello.shape.reduce((product, side) => product * side, 1);
  const feeds = Array.from({ length: bytes.length / size }, (_, i) => ({
    [hello.input]: new Tensor('uint8', bytes.subarray(i * size, (i + 1) * size), hello.shape),
  }));
  return async (runMs) => {
    const startedAtMs = performance.now();
    let runs = 0;
    let elapsedMs = 0;
    while (elapsedMs < runMs) {
      await session.run(feeds[runs % feeds.length] ?? {});
      runs += 1;
      elapsedMs = performance.now() - startedAtMs;
    }
    return { fps: (runs * 1000) / elapsedMs, runMs: elapsedMs / runs };
  };
}

let run: ((runMs: number) => Promise<BareResult>) | null = null;
process.on('disconnect', () => process.exit(0));
process.on('message', async (message: BareHello | BareOrder) => {
  if (message.kind === 'hello') run = await loop(message);
  const result = message.kind === 'run' ? await run?.(message.runMs) : await run?.(1);
  process.send?.(result);
});
