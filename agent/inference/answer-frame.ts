// One frame through a loaded model: read from its slot of the ring, run, decoded; as the message that answers it.
import { describeError } from '../../shared/basics/errors.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import { type Ring, RingError } from '../frames/ring.ts';
import { decodeFinite } from './decode/decode.ts';
import { DecodeError } from './decode/tensor.ts';
import { failureCode, ModelError } from './model-error.ts';
import type { FromRunner } from './runner-protocol.ts';
import { FAULT_DETAIL_MAX, type FrameOrder } from './runner-wire.ts';
import type { ThreadedModel } from './threaded-model.ts';

export type Loaded = {
  readonly model: ThreadedModel;
  readonly ring: Ring;
  readonly manifest: Manifest;
  readonly withMask: boolean;
};

/** Runs the model as often as the manifest asks, on a grey frame; proves on the way that its output can be decoded. */
export async function warmUp(model: ThreadedModel, manifest: Manifest): Promise<number> {
  const startedAt = performance.now();
  for (let run = 0; run < manifest.warmup.runs; run++) {
    model.nextFrame().fill(manifest.input.pad);
    const ran = await model.run();
    if (ran.kind === 'failed') throw new ModelError(failureCode(ran.reason, 'run-failed'), `warming up: ${ran.reason}`);
    try {
      decodeFinite(manifest, ran.output);
    } catch (error) {
      const code = error instanceof DecodeError ? 'contract-mismatch' : 'run-failed';
      throw new ModelError(code, `warming up: ${describeError(error)}`, error);
    }
  }
  return performance.now() - startedAt;
}

/** Never rejects. The frame has been read, and the model been told of it, when this returns its promise. */
export async function answerFrame(loaded: Loaded, { slot, seq }: FrameOrder): Promise<FromRunner> {
  const { model, ring, manifest, withMask } = loaded;
  try {
    const startedAt = performance.now();
    ring.read(slot, model.nextFrame());
    const readMs = performance.now() - startedAt;
    const ran = await model.run();
    if (ran.kind === 'failed') return faultOf(seq, ran.reason, 'run-failed');
    const ranAt = performance.now();
    const decoded = decodeFinite(manifest, ran.output, withMask);
    const times = { readMs, runMs: ran.runMs, postMs: performance.now() - ranAt };
    const said = decoded ?? { answer: null, borderline: 0 };
    return { type: 'result', seq, ...times, finite: decoded !== null, ...said };
  } catch (error) {
    return faultOf(seq, describeError(error), isReadError(error) ? 'read-failed' : 'run-failed');
  }
}

/** Without memory the next frame would fail as this one did: the process ends, and its frames go elsewhere. */
function faultOf(seq: number, reason: string, otherwise: 'read-failed' | 'run-failed'): FromRunner {
  const detail = reason.slice(0, FAULT_DETAIL_MAX);
  const code = failureCode(detail, otherwise);
  return code === 'out-of-memory' ? { type: 'fault', code, detail } : { type: 'fault', seq, code, detail };
}

function isReadError(error: unknown): boolean {
  return error instanceof RangeError || error instanceof RingError;
}
