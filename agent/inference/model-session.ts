// One ONNX Runtime session: made from the checked bytes, held against the contract, fed with frames that lie in given memory.
// The only code of the agent that touches onnxruntime-node. `run` blocks the thread it is called on.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { describeError } from '../../shared/basics/errors.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import { modelFile } from '../../shared/release/model-file.ts';
import { DecodeError, type OutputTensor } from './decode/tensor.ts';
import { contractMismatch } from './model-contract.ts';
import { failureCode, ModelError } from './model-error.ts';
import { allowedProviders } from './ready-check.ts';

export type LoadedModel = {
  readonly runtime: string;
  readonly provider: { readonly asked: string; readonly used: string };
  readonly modelSha256: string;
  readonly loadMs: number;
};

export type ModelSession = LoadedModel & {
  /** On the frame in this place. */
  run(place: number): Promise<OutputTensor>;
};

export type ModelOptions = {
  readonly manifest: Manifest;
  readonly packageDir: string;
  readonly threads: number;
  /** Where frames are put, one byte per value in the layout of the contract. */
  readonly frames: readonly Uint8Array[];
};

/** Throws ModelError. */
export async function openModelSession(options: ModelOptions): Promise<ModelSession> {
  const { manifest, packageDir, threads, frames } = options;
  const startedAt = performance.now();
  speakHalfFloatsAsBits();
  const bytes = readModel(manifest, packageDir);
  const { session, provider } = await createSession(manifest, bytes, threads);
  const mismatch = contractMismatch(manifest, session.inputMetadata, session.outputMetadata);
  if (mismatch !== null) throw new ModelError('contract-mismatch', mismatch);
  const loadMs = performance.now() - startedAt;
  const feed = openFeed(manifest, frames);
  const outputName = manifest.outputs[0]!.name;
  return {
    runtime: `onnxruntime-node ${env.versions.node}`,
    provider,
    modelSha256: modelFile(manifest).sha256,
    loadMs,
    async run(place) {
      const outputs = await session.run({ [manifest.input.name]: feed(place) });
      return readOutput(outputs[outputName] as Tensor);
    },
  };
}

/**
 * onnxruntime-node 1.30 wraps half floats in Float16Array where the engine has it, but its native side cannot read that:
 * a float16 input fails with "not enough space". Without the global it speaks Uint16Array, which works both ways.
 */
function speakHalfFloatsAsBits(): void {
  Reflect.deleteProperty(globalThis, 'Float16Array');
}

/** Reads once; the digest is of the very buffer that is loaded, because damaged weights load and answer nonsense. */
function readModel(manifest: Manifest, packageDir: string): Uint8Array {
  const file = modelFile(manifest);
  const path = join(packageDir, file.path);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new ModelError('load-failed', `reading ${path}: ${describeError(error)}`, error);
  }
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== file.sha256)
    throw new ModelError('wrong-digest', `${path} has SHA-256 ${actual}, the manifest says ${file.sha256}`);
  return bytes;
}

async function createSession(manifest: Manifest, bytes: Uint8Array, threads: number) {
  const asked = manifest.runtime.providers[0]!;
  const allowed = allowedProviders(manifest.runtime);
  const failures: string[] = [];
  for (const used of allowed) {
    try {
      return { session: await create(bytes, used, threads), provider: { asked, used } };
    } catch (error) {
      const detail = describeError(error);
      const code = failureCode(detail, 'load-failed');
      if (used === 'cpu' || code !== 'load-failed') throw new ModelError(code, `making the session: ${detail}`, error);
      failures.push(`${used}: ${detail}`);
    }
  }
  throw new ModelError('provider-unavailable', `no provider of ${allowed} is there: ${failures.join('; ')}`);
}

function create(bytes: Uint8Array, provider: string, threads: number): Promise<InferenceSession> {
  return InferenceSession.create(bytes, {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    // Spinning threads make every other process on the box slower, the baseline first.
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  });
}

/** The tensor of a frame, by its place. Numbers of one byte are fed as they lie there; others are made of them. */
function openFeed({ input }: Manifest, frames: readonly Uint8Array[]): (place: number) => Tensor {
  const { dtype, shape } = input;
  if (dtype === 'uint8') {
    const tensors = frames.map((frame) => new Tensor('uint8', frame, shape));
    return (place) => tensors[place]!;
  }
  const size = frames[0]!.length;
  if (dtype === 'float32') {
    const data = new Float32Array(size);
    const tensor = new Tensor('float32', data, shape);
    return (place) => {
      data.set(frames[place]!);
      return tensor;
    };
  }
  const data = new Uint16Array(size);
  const tensor = new Tensor('float16', data, shape);
  const halves = Uint16Array.from({ length: 256 }, (_, value) => toHalf(value));
  return (place) => {
    const frame = frames[place]!;
    for (let i = 0; i < size; i++) data[i] = halves[frame[i]!]!;
    return tensor;
  };
}

/** Bits of a whole number 0..255 as a half float: exact, its 11 bits of precision hold 8. */
function toHalf(value: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(value));
  return ((exponent + 15) << 10) | Math.round((value / 2 ** exponent - 1) * 1024);
}

/** The decoders know three kinds of numbers; the others become one of them. */
function readOutput({ data, dims, type }: Tensor): OutputTensor {
  if (data instanceof Float32Array || data instanceof Uint8Array || data instanceof Int32Array) return { data, dims };
  if (data instanceof BigInt64Array) {
    const narrow = new Int32Array(data.length);
    for (let i = 0; i < data.length; i++) narrow[i] = Number(data[i]);
    return { data: narrow, dims };
  }
  if (!(data instanceof Uint16Array)) throw new DecodeError(`an output of type ${type} cannot be decoded`);
  const wide = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) wide[i] = fromHalf(data[i]!);
  return { data: wide, dims };
}

function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
