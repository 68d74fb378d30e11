// The runner's other thread: takes frame tokens on fd 3, reads frames from the ring, has them run and answers. It is awake
// while the model runs, so that nothing of this costs a frame its time, and a runner without a supervisor ends at once.
// Started by runner-process.ts; not for import.
import { once } from 'node:events';
import { flushCompileCache } from 'node:module';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { describeError } from '../../shared/basics/errors.ts';
import { encodeJson, type Message } from '../frames/framing.ts';
import { frameBytesOf } from '../frames/input-contract.ts';
import { openParentLink, type ParentLink } from '../frames/parent-link.ts';
import { openRing, type Ring } from '../frames/ring.ts';
import { answerFrame, type Loaded, warmUp } from './answer-frame.ts';
import type { Channel } from './model-channel.ts';
import { ModelError } from './model-error.ts';
import type { LoadedModel } from './model-session.ts';
import type { FromRunner } from './runner-protocol.ts';
import {
  decodeToRunner,
  describeRefusal,
  FAULT_DETAIL_MAX,
  type FaultCode,
  FRAMES_OUTSTANDING_MAX,
  type FrameOrder,
  PROTOCOL,
  type RunnerHello,
  type ToRunner,
} from './runner-wire.ts';
import { type ThreadedModel, threadedModel } from './threaded-model.ts';

/** The model's thread says it first: what has been read of the link already, and where frames go; null when no hello was among it. */
export type LinkOrder = { readonly bytes: Uint8Array; readonly channel: Channel | null };

/** And then this, once. */
export type ModelSaid =
  | ({ readonly kind: 'loaded' } & LoadedModel)
  | { readonly kind: 'failed'; readonly code: FaultCode; readonly detail: string };

/** From the hello to the end of the process. */
class RunnerLink {
  readonly #said: Promise<readonly unknown[]>;
  readonly #model: ThreadedModel | null;
  readonly #link: ParentLink;
  /** Frames that came before the model was ready. */
  readonly #early: FrameOrder[] = [];
  #loaded: Loaded | null = null;
  /** It is loaded meanwhile. */
  #isModelBusy: boolean;
  #unanswered = 0;
  #isDraining = false;
  #isEnding = false;
  #answersBefore: Promise<void> = Promise.resolve();

  constructor(port: MessagePort, { bytes, channel }: LinkOrder) {
    this.#said = once(port, 'message');
    this.#isModelBusy = channel !== null;
    this.#model = channel === null ? null : threadedModel(channel);
    this.#link = openParentLink((message) => this.#hear(message), { leave: () => this.#leave(), bytes });
  }

  #hear(message: Message): void {
    const parsed = decodeToRunner(message);
    if (parsed.ok) this.#obey(parsed.value);
    else this.#end({ type: 'fault', code: 'bad-hello', detail: describeRefusal(parsed) });
  }

  #obey(order: ToRunner): void {
    if (order.type === 'hello') void this.#load(order);
    else if (order.type === 'frame') this.#take(order);
    else {
      this.#isDraining = true;
      this.#endWhenDrained();
    }
  }

  async #load(hello: RunnerHello): Promise<void> {
    try {
      const ring = openRingOf(hello);
      const ready = await this.#untilLoaded();
      const model = this.#model!;
      const warmMs = hello.urgent === true ? 0 : await warmUp(model, hello.manifest);
      // Node writes it at its exit, and a runner seldom lives to that: the next one would compile everything anew.
      flushCompileCache();
      this.#send({ type: 'ready', protocol: PROTOCOL, ...ready, warmMs, rssBytes: process.memoryUsage.rss() });
      const loaded = { model, ring, manifest: hello.manifest, withMask: hello.mask === true };
      this.#loaded = loaded;
      for (const order of this.#early) this.#answer(loaded, order);
      this.#endWhenDrained();
    } catch (error) {
      const code = error instanceof ModelError ? error.code : 'load-failed';
      this.#end({ type: 'fault', code, detail: describeError(error).slice(0, FAULT_DETAIL_MAX) });
    }
  }

  async #untilLoaded(): Promise<LoadedModel> {
    const [said] = (await this.#said) as [ModelSaid];
    this.#isModelBusy = false;
    if (said.kind === 'failed') throw new ModelError(said.code, said.detail);
    const { runtime, provider, modelSha256, loadMs } = said;
    return { runtime, provider, modelSha256, loadMs };
  }

  #take(order: FrameOrder): void {
    if (this.#unanswered >= FRAMES_OUTSTANDING_MAX) {
      const detail = `more than ${FRAMES_OUTSTANDING_MAX} frames are not answered`;
      this.#send({ type: 'fault', seq: order.seq, code: 'too-many-frames', detail });
      return;
    }
    this.#unanswered += 1;
    if (this.#loaded === null) this.#early.push(order);
    else this.#answer(this.#loaded, order);
  }

  /** The frame is read at once; its answer waits for those before it. */
  #answer(loaded: Loaded, order: FrameOrder): void {
    const said = answerFrame(loaded, order);
    this.#answersBefore = this.#answersBefore.then(async () => this.#deliver(await said));
  }

  #deliver(said: FromRunner): void {
    if (this.#isEnding) return;
    if (said.type === 'fault' && said.seq === undefined) this.#end(said);
    else {
      this.#send(said);
      this.#unanswered -= 1;
      this.#endWhenDrained();
    }
  }

  #send(message: FromRunner): void {
    this.#link.send(encodeJson(message));
  }

  #endWhenDrained(): void {
    if (this.#isDraining && this.#loaded !== null && this.#unanswered === 0) this.#end(null);
  }

  /** With or without a last word. */
  #end(said: FromRunner | null): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (said !== null) this.#send(said);
    this.#link.finish();
  }

  /** While the model is loaded or run there is no orderly end: the runtime aborts when its thread is taken from it. */
  #leave(): void {
    if (this.#isModelBusy || this.#model?.isIdle() === false) process.kill(process.pid, 'SIGKILL');
    else process.exit(0);
  }
}

function openRingOf({ manifest, ring }: RunnerHello): Ring {
  const frameBytes = frameBytesOf(manifest.input);
  if (ring.frameBytes === frameBytes) return openRing(ring, 'r');
  const detail = `the manifest's input takes ${frameBytes} bytes a frame, the ring holds ${ring.frameBytes}`;
  throw new ModelError('contract-mismatch', detail);
}

const port = parentPort;
port?.once('message', (order: LinkOrder) => new RunnerLink(port, order));
