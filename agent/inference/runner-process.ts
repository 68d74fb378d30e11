// The runner: one process, one release, one session. Takes frame tokens on fd 3, reads frames from the ring, answers.
// Everything a model can crash, hang or bloat happens here. Run by runner.ts; not for import.
import { flushCompileCache } from 'node:module';
import { Worker } from 'node:worker_threads';
import { describeError } from '../../shared/basics/errors.ts';
import { encodeJson } from '../frames/framing.ts';
import { frameBytesOf } from '../frames/input-contract.ts';
import { openParentLink } from '../frames/parent-link.ts';
import { openRing, type Ring, RingError } from '../frames/ring.ts';
import { failureCode, ModelError, type ModelSession, openModelSession, runtimeName, warmUp } from './model-session.ts';
import type { FromRunner } from './runner-protocol.ts';
import {
  decodeToRunner,
  describeRefusal,
  FRAMES_OUTSTANDING_MAX,
  type FrameOrder,
  PROTOCOL,
  type RunnerHello,
  type ToRunner,
} from './runner-wire.ts';

type Loaded = { readonly session: ModelSession; readonly ring: Ring };

function runRunner(): void {
  const queue: FrameOrder[] = [];
  let loaded: Loaded | null = null;
  let isBusy = false;
  let isDraining = false;
  const send = (message: FromRunner): void => link.send(encodeJson(message));

  const answerAll = async (): Promise<void> => {
    if (isBusy || loaded === null) return;
    isBusy = true;
    // The session's run lets the event loop turn once before it blocks it: that is where tokens and the drain come in; what came later is asked for.
    for (let order = queue[0]; order; order = queue[0]) {
      const said = await answer(loaded, order);
      send(said);
      if (said.type === 'fault' && said.seq === undefined) return link.finish();
      queue.shift();
      if (queue.length === 0) link.poll();
    }
    isBusy = false;
    if (isDraining) link.finish();
  };

  const start = async (hello: RunnerHello): Promise<void> => {
    try {
      loaded = await load(hello, send);
      await answerAll();
    } catch (error) {
      const code = error instanceof ModelError ? error.code : 'load-failed';
      send({ type: 'fault', code, detail: describeError(error).slice(0, 2000) });
      link.finish();
    }
  };

  const accept = (message: ToRunner): void => {
    if (message.type === 'hello') void start(message);
    else if (message.type === 'drain') {
      isDraining = true;
      void answerAll();
    } else if (queue.length >= FRAMES_OUTSTANDING_MAX) {
      const detail = `more than ${FRAMES_OUTSTANDING_MAX} frames are not answered`;
      send({ type: 'fault', seq: message.seq, code: 'too-many-frames', detail });
    } else {
      queue.push(message);
      void answerAll();
    }
  };

  const link = openParentLink((message) => {
    const parsed = decodeToRunner(message);
    if (parsed.ok) return accept(parsed.value);
    send({ type: 'fault', code: 'bad-hello', detail: describeRefusal(parsed) });
    link.finish();
  });
}

async function load(hello: RunnerHello, send: (message: FromRunner) => void): Promise<Loaded> {
  const { manifest } = hello;
  const frameBytes = frameBytesOf(manifest.input);
  if (hello.ring.frameBytes !== frameBytes) {
    const detail = `the manifest's input takes ${frameBytes} bytes a frame, the ring holds ${hello.ring.frameBytes}`;
    throw new ModelError('contract-mismatch', detail);
  }
  const ring = openRing(hello.ring, 'r');
  const session = await openModelSession(hello);
  const warmMs = await warmUp(session, manifest);
  // Node writes it at its exit, and a runner seldom lives to that: the next one would compile everything anew.
  flushCompileCache();
  const { provider, modelSha256, loadMs } = session;
  const rssBytes = process.memoryUsage.rss();
  send({ type: 'ready', protocol: PROTOCOL, runtime: runtimeName(), provider, modelSha256, loadMs, warmMs, rssBytes });
  return { session, ring };
}

async function answer({ session, ring }: Loaded, order: FrameOrder): Promise<FromRunner> {
  const { seq } = order;
  try {
    const startedAt = performance.now();
    ring.read(order.slot, session.frame);
    const readAt = performance.now();
    const output = await session.run();
    const ranAt = performance.now();
    const decoded = session.decode(output);
    const times = { readMs: readAt - startedAt, runMs: ranAt - readAt, postMs: performance.now() - ranAt };
    const said = decoded ?? { answer: null, borderline: 0 };
    return { type: 'result', seq, ...times, finite: decoded !== null, ...said };
  } catch (error) {
    const detail = describeError(error).slice(0, 2000);
    const code = failureCode(error, isReadError(error) ? 'read-failed' : 'run-failed');
    // Without memory the next frame would fail as this one did: the process ends, and its frames go elsewhere.
    return code === 'out-of-memory' ? { type: 'fault', code, detail } : { type: 'fault', seq, code, detail };
  }
}

function isReadError(error: unknown): boolean {
  return error instanceof RangeError || error instanceof RingError;
}

/**
 * The main thread hears of the supervisor's end on fd 3, but not while a model blocks it: a thread of its own ends this
 * process then. Plain JavaScript in a string, because stripping types alone would need more memory than the rest of it.
 */
const ORPHAN_WATCH = `
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 1000);
`;

function watchForOrphanhood(): void {
  const watch = new Worker(ORPHAN_WATCH, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 16 } });
  // Without the watch a runner still serves; only its end after a hang and a dead supervisor is left to the init system.
  watch.on('error', () => undefined);
  watch.unref();
}

watchForOrphanhood();
runRunner();
