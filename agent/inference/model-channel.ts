// The memory that a runner's two threads share: frames go in and outputs come out in two places, taken in turn, so that the
// next frame is read and the last output decoded while the model runs. Counters say how far each side is; nothing is locked.
import type { Manifest } from '../../shared/release/manifest.ts';
import { frameBytesOf } from '../frames/input-contract.ts';
import type { OutputTensor, TensorData } from './decode/tensor.ts';
import { FRAMES_OUTSTANDING_MAX } from './runner-wire.ts';

/** As many as a runner may hold frames: then nobody ever writes where somebody still reads. */
const PLACES = FRAMES_OUTSTANDING_MAX;
const PROBLEM_BYTES_MAX = 2000;

/** Counters of frames since the start, in `counts`: handed over, and run. */
const GIVEN = 0;
const DONE = 1;

/** All of it lies in SharedArrayBuffers: whoever is sent it has the same memory. Lists hold one entry per place. */
export type Channel = {
  readonly counts: Int32Array;
  /** One byte per value, in the layout of the contract. */
  readonly frames: readonly Uint8Array[];
  readonly outputs: readonly TensorData[];
  readonly dims: readonly number[];
  readonly runMs: Float64Array;
  /** Why a frame has no output, in UTF-8; `problemBytes` is 0 for one that has. */
  readonly problems: readonly Uint8Array[];
  readonly problemBytes: Int32Array;
};

/** What became of one frame. An output is the channel's own memory: read it before the frame after next is given. */
export type Ran =
  | { readonly kind: 'output'; readonly output: OutputTensor; readonly runMs: number }
  | { readonly kind: 'failed'; readonly reason: string };

export function openChannel(manifest: Manifest): Channel {
  const { dtype, shape } = manifest.outputs[0]!;
  const values = shape.reduce((product, side) => product * side, 1);
  return {
    counts: new Int32Array(shared(2 * 4)),
    frames: places(() => new Uint8Array(shared(frameBytesOf(manifest.input)))),
    outputs: places(() => openOutput(dtype, values)),
    dims: shape,
    runMs: new Float64Array(shared(PLACES * 8)),
    problems: places(() => new Uint8Array(shared(PROBLEM_BYTES_MAX))),
    problemBytes: new Int32Array(shared(PLACES * 4)),
  };
}

/** The decoders know three kinds of numbers; model-session.ts makes the others into these. */
function openOutput(dtype: Manifest['outputs'][number]['dtype'], values: number): TensorData {
  if (dtype === 'uint8') return new Uint8Array(shared(values));
  return dtype === 'float32' || dtype === 'float16'
    ? new Float32Array(shared(values * 4))
    : new Int32Array(shared(values * 4));
}

function places<T>(make: () => T): readonly T[] {
  return Array.from({ length: PLACES }, make);
}

function shared(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(bytes);
}

/** Of the nth frame since the start, counted from 0. */
export function placeOf(frame: number): number {
  return frame % PLACES;
}

/** The thread that reads frames: frame number `frame` lies in its place. */
export function giveFrame({ counts }: Channel, frame: number): void {
  advance(counts, GIVEN, frame);
}

/** The thread that runs the model: resolves when frame number `frame` lies in its place. */
export async function untilGiven({ counts }: Channel, frame: number): Promise<void> {
  await untilPast(counts, GIVEN, frame);
}

/** The thread that reads frames: resolves when frame number `frame` has been run. */
export async function untilRun({ counts }: Channel, frame: number): Promise<void> {
  await untilPast(counts, DONE, frame);
}

/** Without blocking the thread, and without a turn of its event loop when the other one is ahead. */
async function untilPast(counts: Int32Array, which: number, frame: number): Promise<void> {
  for (;;) {
    const reached = Atomics.load(counts, which);
    // The counters wrap around: their distance does not.
    if (((reached - frame) | 0) > 0) return;
    await Atomics.waitAsync(counts, which, reached).value;
  }
}

/** All of `given` frames have been run. */
export function isDone({ counts }: Channel, given: number): boolean {
  return Atomics.load(counts, DONE) === (given | 0);
}

function advance(counts: Int32Array, which: number, frame: number): void {
  Atomics.store(counts, which, (frame + 1) | 0);
  Atomics.notify(counts, which);
}

export function tellOutput(channel: Channel, frame: number, output: OutputTensor, runMs: number): void {
  const place = placeOf(frame);
  const target = channel.outputs[place]!;
  const [has, wanted] = [output.data.length, target.length];
  if (has !== wanted) tellProblem(channel, frame, `its output has ${has} values, the manifest says ${wanted}`);
  else {
    target.set(output.data);
    channel.runMs[place] = runMs;
    channel.problemBytes[place] = 0;
    advance(channel.counts, DONE, frame);
  }
}

export function tellProblem(channel: Channel, frame: number, reason: string): void {
  const place = placeOf(frame);
  const bytes = Buffer.from(reason === '' ? 'no reason given' : reason).subarray(0, PROBLEM_BYTES_MAX);
  channel.problems[place]!.set(bytes);
  channel.problemBytes[place] = bytes.length;
  advance(channel.counts, DONE, frame);
}

/** Of a frame that has been run. */
export function readRan(channel: Channel, frame: number): Ran {
  const place = placeOf(frame);
  const { [place]: bytes = 0 } = channel.problemBytes;
  if (bytes > 0) return { kind: 'failed', reason: Buffer.from(channel.problems[place]!.subarray(0, bytes)).toString() };
  const output = { data: channel.outputs[place]!, dims: channel.dims };
  return { kind: 'output', output, runMs: channel.runMs[place]! };
}
