// Measures the value ranges that quantisation needs, by running the model with its inner tensors as outputs.
// Ranges move in the last bits between kinds of CPU, so releases pin the ranges they were made with.
import * as ort from 'onnxruntime-node';
import { type Model, portAt } from './onnx/model.ts';
import { writeModel } from './onnx/writer.ts';
import { calibrationTensors, type Range } from './quantise.ts';

export async function calibrate(model: Model, pictures: readonly Uint8Array[]): Promise<ReadonlyMap<string, Range>> {
  const names = calibrationTensors(model);
  const outputs = names.map((name) => ({ name, dtype: 'float32' as const, dims: null }));
  const input = portAt(model.inputs, 0);
  const session = await ort.InferenceSession.create(writeModel({ ...model, outputs }), {
    intraOpNumThreads: 1,
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 3,
  });
  const ranges = new Map<string, Range>();
  const dims = (input.dims ?? []).filter((dim) => typeof dim === 'number');
  for (const picture of pictures) {
    const results = await session.run({ [input.name]: new ort.Tensor('uint8', picture, dims) });
    for (const name of names) ranges.set(name, widened(ranges.get(name), results[name]?.data as Float32Array));
  }
  await session.release();
  return ranges;
}

function widened(range: Range | undefined, values: Float32Array): Range {
  let low = range?.low ?? 0;
  let high = range?.high ?? 0;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}
