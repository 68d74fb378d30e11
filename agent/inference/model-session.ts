// One ONNX Runtime session in this process: made from the checked bytes, held against the contract, warmed up.
// With runner-process.ts the only code that touches onnxruntime-node. `run` blocks the thread it is called on.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { BelayError, describeError } from '../../shared/basics/errors.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import { modelFile } from '../../shared/release/model-file.ts';
import { frameBytesOf } from '../frames/input-contract.ts';
import { speaksOfMemory } from './cause-of-death.ts';
import { type Decoded, decodeAnswer } from './decode/decode.ts';
import { DecodeError, firstNonFinite, type OutputTensor } from './decode/tensor.ts';
import { contractMismatch } from './model-contract.ts';
import { allowedProviders } from './ready-check.ts';
import type { FAULT_CODES } from './runner-wire.ts';

/** Why a model cannot be used here; the code goes out as the runner's fault. */
export class ModelError extends BelayError {
  declare readonly code: (typeof FAULT_CODES)[number];

  constructor(code: (typeof FAULT_CODES)[number], message: string, cause?: unknown) {
    super(code, message, { cause });
    this.name = 'ModelError';
  }
}

export type ModelSession = {
  readonly provider: { readonly asked: string; readonly used: string };
  readonly modelSha256: string;
  readonly loadMs: number;
  /** Where the next frame goes, in the layout of the contract: one byte per value. */
  readonly frame: Uint8Array;
  run(): Promise<OutputTensor>;
  /** Null when the output is not finite. */
  decode(output: OutputTensor): Decoded | null;
};

/** Throws ModelError. */
export async function openModelSession(options: {
  readonly manifest: Manifest;
  readonly packageDir: string;
  readonly threads: number;
}): Promise<ModelSession> {
  const { manifest, packageDir, threads } = options;
  const startedAt = performance.now();
  speakHalfFloatsAsBits();
  const bytes = readModel(manifest, packageDir);
  const { session, provider } = await createSession(manifest, bytes, threads);
  const mismatch = contractMismatch(manifest, session.inputMetadata, session.outputMetadata);
  if (mismatch !== null) throw new ModelError('contract-mismatch', mismatch);
  const loadMs = performance.now() - startedAt;
  const frame = new Uint8Array(frameBytesOf(manifest.input));
  const { tensor, fill } = inputTensor(manifest, frame);
  const outputName = manifest.outputs[0]!.name;
  return {
    provider,
    modelSha256: modelFile(manifest).sha256,
    loadMs,
    frame,
    async run() {
      fill();
      const outputs = await session.run({ [manifest.input.name]: tensor });
      return readOutput(outputs[outputName] as Tensor);
    },
    decode: (output) => (firstNonFinite(output) === null ? decodeAnswer(manifest, output) : null),
  };
}

/** Runs the model as often as the manifest asks, on a grey frame; proves on the way that its output can be decoded. */
export async function warmUp(session: ModelSession, manifest: Manifest): Promise<number> {
  const startedAt = performance.now();
  session.frame.fill(manifest.input.pad);
  try {
    for (let run = 0; run < manifest.warmup.runs; run++) session.decode(await session.run());
  } catch (error) {
    const code = error instanceof DecodeError ? 'contract-mismatch' : failureCode(error, 'run-failed');
    throw new ModelError(code, `warming up: ${describeError(error)}`, error);
  }
  return performance.now() - startedAt;
}

/** A failed allocation is told from other failures: it may be the box, and not the model. */
export function failureCode<C extends (typeof FAULT_CODES)[number]>(error: unknown, otherwise: C): C | 'out-of-memory' {
  return speaksOfMemory(describeError(error)) ? 'out-of-memory' : otherwise;
}

/**
 * onnxruntime-node 1.30 wraps half floats in Float16Array where the engine has it, but its native side cannot read that:
 * a float16 input fails with "not enough space". Without the global it speaks Uint16Array, which works both ways.
 */
function speakHalfFloatsAsBits(): void {
  Reflect.deleteProperty(globalThis, 'Float16Array');
}

export function runtimeName(): string {
  return `onnxruntime-node ${env.versions.node}`;
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
      const code = failureCode(error, 'load-failed');
      if (used === 'cpu' || code !== 'load-failed')
        throw new ModelError(code, `making the session: ${describeError(error)}`, error);
      failures.push(`${used}: ${describeError(error)}`);
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

/** The tensor that is fed, made once, and how the frame's bytes get into it (nothing to do for uint8: it is the frame). */
function inputTensor(manifest: Manifest, frame: Uint8Array): { tensor: Tensor; fill: () => void } {
  const { dtype, shape } = manifest.input;
  if (dtype === 'uint8') return { tensor: new Tensor('uint8', frame, shape), fill: () => undefined };
  if (dtype === 'float32') {
    const data = new Float32Array(frame.length);
    return { tensor: new Tensor('float32', data, shape), fill: () => data.set(frame) };
  }
  const data = new Uint16Array(frame.length);
  const halves = Uint16Array.from({ length: 256 }, (_, value) => toHalf(value));
  const fill = (): void => {
    for (let i = 0; i < frame.length; i++) data[i] = halves[frame[i]!]!;
  };
  return { tensor: new Tensor('float16', data, shape), fill };
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
