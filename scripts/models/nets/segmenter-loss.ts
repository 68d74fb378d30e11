// The segmenter's loss on the tape: weighted cross entropy plus dice. Thin classes (scratch, micro-crack) are a
// thousandth of the pixels; without the class weights and a strong dice term they vanish (IoU 0).
import type { Tape, Value } from '../training/tape.ts';

export type SegmenterTruth = { readonly classes: Value; readonly weights: Value };

/** Per class: ok, scratch, dent, micro-crack, spill. */
export const PIXEL_WEIGHTS: readonly number[] = [1, 6, 2, 8, 2];
const CROSS_ENTROPY_WEIGHT = 1.5;
/** Pixels added to both sides of the dice quotient, so that classes absent from a batch stay quiet. */
const DICE_SMOOTHING = 50;

export function segmenterTruth(tape: Tape, logits: Value): SegmenterTruth {
  const [batch = 0, , height = 0, width = 0] = logits.dims;
  return {
    classes: tape.input('truth-classes', logits.dims),
    weights: tape.input('truth-weights', [batch, 1, height, width]),
  };
}

/** Appends loss and gradients; answers the mean dice of the defect classes, the number worth watching. */
export function segmenterLoss(tape: Tape, logits: Value, truth: SegmenterTruth): Value {
  const dims = logits.dims;
  const op = (name: string, inputs: readonly (Value | string)[], shape = dims) => tape.op(name, inputs, shape);
  const shares = tape.op('Softmax', [logits], dims, { axis: 1 });
  const crossEntropy = op('Mul', [op('Sub', [shares, truth.classes]), truth.weights]);
  const dice = diceOf(tape, shares, truth.classes);
  const weighted = op('Mul', [crossEntropy, tape.floats(CROSS_ENTROPY_WEIGHT)]);
  tape.backward([[logits, op('Add', [weighted, dice.gradient])]]);
  return dice.mean;
}

/** Mean dice over the defect classes and the gradient of its negative with respect to the logits. */
function diceOf(tape: Tape, shares: Value, classes: Value): { mean: Value; gradient: Value } {
  const [batch = 0, classCount = 0, height = 0, width = 0] = shares.dims;
  const perClass = [1, classCount, 1, 1];
  const op = (name: string, inputs: readonly (Value | string)[], dims: readonly number[] = perClass) =>
    tape.op(name, inputs, dims);
  const total = (value: Value) => tape.op('ReduceSum', [value, tape.indices(0, 2, 3)], perClass, { keepdims: 1 });
  const smoothing = tape.floats(DICE_SMOOTHING);
  const shared = total(op('Mul', [shares, classes], shares.dims));
  const both = total(op('Add', [shares, classes], shares.dims));
  const upper = op('Add', [op('Mul', [shared, tape.floats(2)]), smoothing]);
  const lower = op('Add', [both, smoothing]);
  const defectShare = Float32Array.from({ length: classCount }, (_, c) => (c === 0 ? 0 : 1 / (classCount - 1)));
  const defects = tape.constant({ name: 'defect-classes', dtype: 'float32', dims: perClass, data: defectShare });
  const grow = op('Mul', [defects, op('Div', [upper, op('Mul', [lower, lower])])]);
  const hit = op('Mul', [defects, op('Div', [tape.floats(2), lower])]);
  const toShares = op('Sub', [grow, op('Mul', [classes, hit], shares.dims)], shares.dims);
  const weighted = op('Mul', [toShares, shares], shares.dims);
  const mean = tape.op('ReduceSum', [weighted, tape.indices(1)], [batch, 1, height, width], { keepdims: 1 });
  const gradient = op('Mul', [shares, op('Sub', [toShares, mean], shares.dims)], shares.dims);
  const score = op('Mul', [defects, op('Div', [upper, lower])]);
  return { mean: tape.op('ReduceSum', [score], [], { keepdims: 0 }), gradient };
}
