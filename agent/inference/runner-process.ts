// The runner: one process, one release, one session. This thread loads the model and is blocked while it runs; link-thread.ts
// does the rest. Everything a model can crash, hang or bloat happens here. Run by runner.ts; not for import.
import { flushCompileCache } from 'node:module';
import { Worker } from 'node:worker_threads';
import { describeError } from '../../shared/basics/errors.ts';
import { readFirstMessage } from '../frames/parent-link.ts';
import { type Fault, openFault, whyNoDrill } from './declared-fault.ts';
import type { LinkOrder, ModelSaid } from './link-thread.ts';
import { type Channel, openChannel, placeOf, tellOutput, tellProblem, untilGiven } from './model-channel.ts';
import { ModelError } from './model-error.ts';
import type { ModelSession } from './model-session.ts';
import { decodeToRunner, type RunnerHello } from './runner-wire.ts';

async function runRunner(): Promise<void> {
  const { bytes, message } = readFirstMessage();
  const parsed = message === null ? null : decodeToRunner(message);
  // Anything else is refused by the other thread, which reads the same bytes.
  const hello = parsed?.ok && parsed.value.type === 'hello' ? parsed.value : null;
  const channel = hello === null ? null : openChannel(hello.manifest);
  const say = startLinkThread({ bytes, channel });
  const session = hello === null || channel === null ? null : await load(hello, channel, say);
  if (hello === null || session === null || channel === null) return;
  await runFrames(
    session,
    channel,
    openFault(hello.manifest, () => process.kill(process.pid, 'SIGSEGV')),
  );
}

/** Started before the model is loaded, so that it is there when the model is. */
function startLinkThread(order: LinkOrder): (said: ModelSaid) => void {
  const thread = new Worker(new URL('./link-thread.ts', import.meta.url), { workerData: order });
  // Nobody hears of an answer without it: the supervisor hands the frames of a dead runner to another one.
  thread.on('error', (error) => {
    console.error(`the runner's link: ${describeError(error)}`);
    process.exit(1);
  });
  thread.on('exit', (code) => process.exit(code));
  return (said) => thread.postMessage(said);
}

async function load(
  hello: RunnerHello,
  channel: Channel,
  say: (said: ModelSaid) => void,
): Promise<ModelSession | null> {
  try {
    const refusal = whyNoDrill(hello.manifest, hello.role, Date.now());
    if (refusal !== null) throw new ModelError('load-failed', refusal);
    const { openModelSession } = await import('./model-session.ts');
    const { manifest, packageDir, threads } = hello;
    const session = await openModelSession({ manifest, packageDir, threads, frames: channel.frames });
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

await runRunner();
