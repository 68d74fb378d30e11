// The detector's loss on the tape: quality-focal cross entropy for classes (the wanted score is 0.5 + 0.5 * IoU) and
// -ln IoU for the four side distances. Both gradients are written by hand, so only first-order operators are needed.
import type { Tape, Value } from '../training/tape.ts';
import { DETECTOR_STRIDE, type DetectorHeads, sideDistances } from './detector.ts';

/** What a batch says about every cell: wanted class, wanted side distances, and how much each cell counts. */
export type DetectorTruth = {
  readonly classes: Value;
  readonly sides: Value;
  /** 1 / number of positive cells in positive cells, else 0. */
  readonly positive: Value;
  /** The same weight in every cell that may be judged; 0 in ignore regions. */
  readonly judged: Value;
};

const CLASS_LOSS_WEIGHT = 2;
const FOCAL_POWER = 1.5;

export function detectorTruth(tape: Tape, heads: DetectorHeads): DetectorTruth {
  const [batch = 0, , rows = 0, columns = 0] = heads.classes.dims;
  return {
    classes: tape.input('truth-classes', heads.classes.dims),
    sides: tape.input('truth-sides', heads.sides.dims),
    positive: tape.input('truth-positive', [batch, 1, rows, columns]),
    judged: tape.input('truth-judged', [batch, 1, rows, columns]),
  };
}

/** Appends loss and gradients; answers the box loss, the number worth watching. */
export function detectorLoss(tape: Tape, heads: DetectorHeads, truth: DetectorTruth): Value {
  const cell = truth.positive.dims;
  const op = (name: string, inputs: readonly (Value | string)[], dims = cell) => tape.op(name, inputs, dims);
  const sides = sideDistances(tape, heads.sides);
  const overlap = overlapOf(tape, sides, truth.sides);
  const whole = heads.sides.dims;
  const slope = op('Mul', [op('Sigmoid', [heads.sides], whole), tape.floats(DETECTOR_STRIDE)], whole);
  const sideGradient = op('Mul', [op('Mul', [overlap.gradient, truth.positive], whole), slope], whole);
  tape.backward([
    [heads.classes, classGradient(tape, heads.classes, truth, overlap.iou)],
    [heads.sides, sideGradient],
  ]);
  const perCell = op('Mul', [op('Neg', [op('Log', [overlap.iou])]), truth.positive]);
  return tape.op('ReduceSum', [perCell], [], { keepdims: 0 });
}

function classGradient(tape: Tape, classes: Value, truth: DetectorTruth, iou: Value): Value {
  const dims = classes.dims;
  const op = (name: string, inputs: readonly (Value | string)[], shape = dims) => tape.op(name, inputs, shape);
  const quality = op('Add', [op('Mul', [iou, tape.floats(0.5)], iou.dims), tape.floats(0.5)], iou.dims);
  const gap = op('Sub', [op('Sigmoid', [classes]), op('Mul', [truth.classes, quality])]);
  const focus = op('Pow', [op('Abs', [gap]), tape.floats(FOCAL_POWER)]);
  const weighted = op('Mul', [op('Mul', [gap, focus]), truth.judged]);
  return op('Mul', [weighted, tape.floats(CLASS_LOSS_WEIGHT)]);
}

/** IoU of two boxes that share the cell centre, and the gradient of -ln IoU with respect to the four distances. */
function overlapOf(tape: Tape, sides: Value, wanted: Value): { iou: Value; gradient: Value } {
  const [batch = 0, , rows = 0, columns = 0] = sides.dims;
  const cell = [batch, 1, rows, columns];
  const op = (name: string, inputs: readonly (Value | string)[]) => tape.op(name, inputs, cell);
  const side = (value: Value, index: number) =>
    op('Slice', [value, tape.indices(index), tape.indices(index + 1), tape.indices(1)]);
  const [left, top, right, bottom] = [side(sides, 0), side(sides, 1), side(sides, 2), side(sides, 3)];
  const [wantLeft, wantTop, wantRight, wantBottom] = [
    side(wanted, 0),
    side(wanted, 1),
    side(wanted, 2),
    side(wanted, 3),
  ];
  const width = op('Add', [left, right]);
  const height = op('Add', [top, bottom]);
  const wantedArea = op('Mul', [op('Add', [wantLeft, wantRight]), op('Add', [wantTop, wantBottom])]);
  const sharedWidth = op('Add', [op('Min', [left, wantLeft]), op('Min', [right, wantRight])]);
  const sharedHeight = op('Add', [op('Min', [top, wantTop]), op('Min', [bottom, wantBottom])]);
  const shared = op('Add', [op('Mul', [sharedWidth, sharedHeight]), tape.floats(1e-3)]);
  const union = op('Sub', [op('Add', [op('Mul', [width, height]), wantedArea]), shared]);
  /** d(-ln I/U)/d side = (dArea - dI) / U - dI / I, where dI is zero once the side is long enough. */
  const gradientOf = (mine: Value, want: Value, across: { shared: Value; whole: Value }) => {
    const isShort = op('Sign', [op('Relu', [op('Sub', [want, mine])])]);
    const dShared = op('Mul', [isShort, across.shared]);
    return op('Sub', [op('Div', [op('Sub', [across.whole, dShared]), union]), op('Div', [dShared, shared])]);
  };
  const horizontal = { shared: sharedHeight, whole: height };
  const vertical = { shared: sharedWidth, whole: width };
  const gradients = [
    gradientOf(left, wantLeft, horizontal),
    gradientOf(top, wantTop, vertical),
    gradientOf(right, wantRight, horizontal),
    gradientOf(bottom, wantBottom, vertical),
  ];
  return { iou: op('Div', [shared, union]), gradient: tape.op('Concat', gradients, sides.dims, { axis: 1 }) };
}
