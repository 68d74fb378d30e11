// The lot reader's loss on the tape: cross entropy per time step. The generator knows where each character stands, so
// every column is told its character (plain CTC stayed on its plateau for hundreds of steps).
import type { Tape, Value } from '../training/tape.ts';

export type LotReaderTruth = { readonly characters: Value; readonly weights: Value };

export function lotReaderTruth(tape: Tape, logits: Value): LotReaderTruth {
  const [batch = 0, , , steps = 0] = logits.dims;
  return {
    characters: tape.input('truth-characters', logits.dims),
    weights: tape.input('truth-weights', [batch, 1, 1, steps]),
  };
}

/** Appends loss and gradients; answers the weighted mean cross entropy. */
export function lotReaderLoss(tape: Tape, logits: Value, truth: LotReaderTruth): Value {
  const op = (name: string, inputs: readonly (Value | string)[]) => tape.op(name, inputs, logits.dims);
  const shares = tape.op('Softmax', [logits], logits.dims, { axis: 1 });
  tape.backward([[logits, op('Mul', [op('Sub', [shares, truth.characters]), truth.weights])]]);
  const surprise = op('Neg', [op('Log', [op('Add', [shares, tape.floats(1e-8)])])]);
  const weighted = op('Mul', [op('Mul', [surprise, truth.characters]), truth.weights]);
  return tape.op('ReduceSum', [weighted], [], { keepdims: 0 });
}
