// A model loaded for judging: one picture in, the first output and the time it took out. One thread, no spinning,
// so that times compare and a second loaded model does not disturb the first.
import * as ort from 'onnxruntime-node';
import type { OutputTensor } from '../../../agent/inference/decode/tensor.ts';

export type ModelRun = { readonly output: OutputTensor; readonly runMs: number };

export type ModelSession = {
  readonly run: (picture: Uint8Array) => Promise<ModelRun>;
  readonly close: () => Promise<void>;
};

/** `shape` is the static shape of the model's one uint8 input. */
export async function openModelSession(
  bytes: Uint8Array,
  input: { name: string; shape: readonly number[] },
): Promise<ModelSession> {
  const session = await ort.InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const outputName = session.outputNames[0] ?? '';
  return {
    run: async (picture) => {
      const feeds = { [input.name]: new ort.Tensor('uint8', picture, input.shape) };
      const startedAt = performance.now();
      const results = await session.run(feeds);
      const runMs = performance.now() - startedAt;
      const tensor = results[outputName];
      if (!(tensor?.data instanceof Float32Array)) throw new TypeError(`output ${outputName} is not float32`);
      return { output: { data: tensor.data, dims: tensor.dims }, runMs };
    },
    close: () => session.release(),
  };
}
