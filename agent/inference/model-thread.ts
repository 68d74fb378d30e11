// The runner's main thread: reads the runtime, waits for the hello, loads the model and is blocked while it runs;
// link-thread.ts does the rest. One that stands by has done the first of these long before.
import { flushCompileCache } from 'node:module';
import type { Worker } from 'node:worker_threads';
import { describeError } from '../../shared/basics/errors.ts';
import { readFirstMessage } from '../frames/parent-link.ts';
import { type Fault, openFault, whyNoDrill } from './declared-fault.ts';
import type { LinkOrder, ModelSaid } from './link-thread.ts';
import { type Channel, openChannel, placeOf, tellOutput, tellProblem, untilGiven } from './model-channel.ts';
import { ModelError } from './model-error.ts';
import type { ModelSession } from './model-session.ts';
import { decodeToRunner, type RunnerHello } from './runner-wire.ts';

/** Until the process ends. `link` is the other thread, just started. */
export async function runModel(link: Worker): Promise<void> {
  watch(link);
  // Before the hello: a runner that stands by has it when it is needed. One that fails is told of when there is a hello.
  const [runtime] = await Promise.allSettled([import('./model-session.ts')]);
  const { bytes, message } = readFirstMessage();
  const parsed = message === null ? null : decodeToRunner(message);
  const hello = parsed?.ok && parsed.value.type === 'hello' ? parsed.value : null;
  const channel = hello === null ? null : openChannel(hello.manifest);
  // Without a hello it is for the other thread to say what is wrong with these bytes.
  link.postMessage({ bytes, channel } satisfies LinkOrder);
  if (hello === null || channel === null) return;
  const openSession = async (): Promise<ModelSession> => {
    if (runtime.status === 'rejected') throw runtime.reason;
    const { manifest, packageDir, threads } = hello;
    return runtime.value.openModelSession({ manifest, packageDir, threads, frames: channel.frames });
  };
  const session = await load(hello, openSession, (said) => link.postMessage(said));
  if (session === null) return;
  const fault = openFault(hello.manifest, () => process.kill(process.pid, 'SIGSEGV'));
  await runFrames(session, channel, fault);
}

/** Nobody hears of an answer without it: the supervisor hands the frames of a dead runner to another one. */
function watch(link: Worker): void {
  link.on('error', (error) => {
    console.error(`the runner's link: ${describeError(error)}`);
    process.exit(1);
  });
  link.on('exit', (code) => process.exit(code));
}

async function load(
  hello: RunnerHello,
  openSession: () => Promise<ModelSession>,
  say: (said: ModelSaid) => void,
): Promise<ModelSession | null> {
  try {
    const refusal = whyNoDrill(hello.manifest, hello.role, Date.now());
    if (refusal !== null) throw new ModelError('load-failed', refusal);
    const session = await openSession();
    // Node writes it at its exit, and a runner seldom lives to that: the next one would compile everything anew.
    flushCompileCache();
    const { runtime, provider, modelSha256, loadMs } = session;
    say({ kind: 'loaded', runtime, provider, modelSha256, loadMs });
    return session;
  } catch (error) {
    const code = error instanceof ModelError ? error.code : 'load-failed';
    say({ kind: 'failed', code, detail: describeError(error) });
    return null;
  }
}

/** Until the process ends. */
async function runFrames(session: ModelSession, channel: Channel, fault: Fault): Promise<never> {
  for (let frame = 0; ; frame += 1) {
    await untilGiven(channel, frame);
    const startedAt = performance.now();
    try {
      fault.before(frame, channel.frames[placeOf(frame)]!);
      const output = await session.run(placeOf(frame));
      await fault.after(startedAt);
      tellOutput(channel, frame, output, performance.now() - startedAt);
    } catch (error) {
      tellProblem(channel, frame, describeError(error));
    }
  }
}
