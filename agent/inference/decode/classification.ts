// Classification outputs to ranked classes. Pure.
import type { ClassificationPostprocess } from '../../../shared/release/postprocess.ts';
import { DecodeError, type OutputTensor, roundScore, type TensorData } from './tensor.ts';

export type DecodedClasses = {
  readonly classes: { classId: number; label: string; score: number }[];
  /** 1 when even the best class stayed below the threshold. */
  readonly borderline: number;
};

/** The `topK` best classes at or above the threshold, best first. Throws DecodeError on a wrong shape. */
export function decodeClassification(input: {
  readonly output: OutputTensor;
  readonly postprocess: ClassificationPostprocess;
  readonly labels: readonly { readonly name: string }[];
}): DecodedClasses {
  const { postprocess, labels } = input;
  const { data, dims } = input.output;
  if (data.length !== labels.length)
    throw new DecodeError(`classification with ${labels.length} labels needs [1, ${labels.length}], got [${dims}]`);
  const scores = activate(data, postprocess.activation);
  const ranked = Array.from(scores, (score, classId) => ({ classId, label: labels[classId]!.name, score }))
    .sort((a, b) => b.score - a.score || a.classId - b.classId)
    .slice(0, postprocess.topK);
  const classes = ranked.filter((entry) => entry.score >= (postprocess.threshold ?? Number.NEGATIVE_INFINITY));
  return {
    classes: classes.map((entry) => ({ ...entry, score: roundScore(entry.score) })),
    borderline: classes.length === 0 ? 1 : 0,
  };
}

function activate(data: TensorData, activation: ClassificationPostprocess['activation']): Float64Array {
  const values = Float64Array.from(data);
  if (activation === 'sigmoid') return values.map((value) => 1 / (1 + Math.exp(-value)));
  return activation === 'softmax' ? softmax(values) : values;
}

/** Shares that sum to 1; the largest value is taken off first, so that nothing overflows. */
function softmax(values: Float64Array): Float64Array {
  const top = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const raised = values.map((value) => Math.exp(value - top));
  const sum = raised.reduce((a, b) => a + b, 0);
  return raised.map((value) => value / sum);
}
