// Runs the training graph on ONNX Runtime and keeps what training changes: weights, AdamW moments, the moving average
// of the weights (which is what gets exported) and of the batch statistics.
import * as ort from 'onnxruntime-node';
import { writeModel } from '../onnx/writer.ts';
import type { Parameter, Tape, Value } from './tape.ts';

export type Feed = { readonly value: Value; readonly data: Float32Array };

/** Everything a run needs to go on after an interruption, or another run to start from. */
export type TrainingState = {
  step: number;
  readonly weights: Map<string, Float32Array>;
  readonly averaged: Map<string, Float32Array>;
  readonly statistics: Map<string, Float32Array>;
  readonly firstMoments: Map<string, Float32Array>;
  readonly secondMoments: Map<string, Float32Array>;
};

const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
const AVERAGE_DECAY = 0.99;
const STATISTIC_DECAY = 0.97;

export type Trainer = {
  readonly state: TrainingState;
  /** One optimiser step; answers the first element of each `report` value. */
  readonly step: (feeds: readonly Feed[], rates: { learningRate: number; weightDecay: number }) => Promise<number[]>;
  readonly close: () => Promise<void>;
};

/** Compiles the tape's graph for one thread. One thread per trainer: results then repeat, and chains share the cores. */
export async function openTrainer(tape: Tape, report: readonly Value[], from?: TrainingState): Promise<Trainer> {
  const session = await ort.InferenceSession.create(writeModel(tape.trainingGraph(report)), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
  const parameters = [...tape.parameters.values()];
  const state = from ?? newTrainingState(parameters);
  for (const parameter of parameters) parameter.data.set(known(state.weights, parameter.name));
  return {
    state,
    step: async (feeds, rates) => {
      const inputs: Record<string, ort.Tensor> = {};
      for (const { value, data } of feeds) inputs[value.name] = new ort.Tensor('float32', data, value.dims);
      for (const { name, data, dims } of parameters) inputs[name] = new ort.Tensor('float32', data, dims);
      const results = await session.run(inputs);
      const read = (name: string) => results[name]?.data as Float32Array;
      state.step += 1;
      for (const parameter of parameters) {
        descend(state, parameter, read(tape.gradientOf(parameter).name), rates);
        average(state.averaged, parameter.name, parameter.data, Math.min(AVERAGE_DECAY, warmDecay(state.step)));
        known(state.weights, parameter.name).set(parameter.data);
      }
      for (const { key, value } of tape.statistics) average(state.statistics, key, read(value.name), STATISTIC_DECAY);
      return report.map((value) => read(value.name)[0] ?? Number.NaN);
    },
    close: () => session.release(),
  };
}

function newTrainingState(parameters: readonly Parameter[]): TrainingState {
  const zeros = () => new Map(parameters.map(({ name, data }) => [name, new Float32Array(data.length)]));
  return {
    step: 0,
    weights: new Map(parameters.map(({ name, data }) => [name, data.slice()])),
    averaged: new Map(),
    statistics: new Map(),
    firstMoments: zeros(),
    secondMoments: zeros(),
  };
}

/** The start of a fine-tune: the parent's averaged weights and statistics, no memory of its gradients. */
export function fineTuneFrom(parent: TrainingState): TrainingState {
  const copy = (map: Map<string, Float32Array>) => new Map([...map].map(([name, data]) => [name, data.slice()]));
  const zeros = () => new Map([...parent.weights].map(([name, data]) => [name, new Float32Array(data.length)]));
  return {
    step: 0,
    weights: copy(parent.averaged),
    averaged: copy(parent.averaged),
    statistics: copy(parent.statistics),
    firstMoments: zeros(),
    secondMoments: zeros(),
  };
}

/** AdamW: weight decay applies to convolution weights only, not to biases and norms. */
function descend(
  state: TrainingState,
  parameter: Parameter,
  gradient: Float32Array,
  rates: { learningRate: number; weightDecay: number },
): void {
  const { beta1, beta2, epsilon } = ADAM;
  const first = known(state.firstMoments, parameter.name);
  const second = known(state.secondMoments, parameter.name);
  const correction1 = 1 - beta1 ** state.step;
  const correction2 = 1 - beta2 ** state.step;
  const keep = parameter.name.endsWith('.w') ? 1 - rates.learningRate * rates.weightDecay : 1;
  const weights = parameter.data;
  for (let i = 0; i < weights.length; i++) {
    const g = gradient[i]!;
    const m = beta1 * first[i]! + (1 - beta1) * g;
    const v = beta2 * second[i]! + (1 - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    const move = (rates.learningRate * (m / correction1)) / (Math.sqrt(v / correction2) + epsilon);
    weights[i] = weights[i]! * keep - move;
  }
}

/** Early averages would remember the random start for too long, so the decay grows with the step. */
function warmDecay(step: number): number {
  return (1 + step) / (10 + step);
}

function average(into: Map<string, Float32Array>, key: string, value: Float32Array, decay: number): void {
  const before = into.get(key);
  if (before === undefined) {
    into.set(key, value.slice());
    return;
  }
  for (let i = 0; i < before.length; i++) before[i] = before[i]! * decay + value[i]! * (1 - decay);
}

/** One cycle: a warm-up from 1/25 of the peak, then a cosine down to almost nothing. */
export function oneCycleRate(step: number, cycle: { steps: number; peak: number; warmShare: number }): number {
  const { steps, peak, warmShare } = cycle;
  const warm = steps * warmShare;
  const between = (from: number, to: number, share: number) => to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share));
  if (step < warm) return between(peak / 25, peak, step / warm);
  return between(peak, peak / 2.5e5, (step - warm) / (steps - warm));
}

export function known<T>(map: ReadonlyMap<string, T>, key: string): T {
  const value = map.get(key);
  if (value === undefined) throw new Error(`nothing is stored for ${key}`);
  return value;
}
