// The defect detector: a small encoder with one feature-pyramid step, answering 32x32 cells of 8 pixels.
// Per cell: class scores and distances to the four sides of the box (left, top, right, bottom).
import { add, block, conv, upsample2 } from '../training/layers.ts';
import type { Tape, Value } from '../training/tape.ts';

export const DETECTOR_STRIDE = 8;

export type DetectorHeads = { readonly classes: Value; readonly sides: Value };

/** Rare positives: a start bias of -4 (score 0.02) keeps the first steps from drowning in false alarms. */
const CLASS_BIAS_START = -4;

export function detectorNet(tape: Tape, pixels: Value, classCount: number): DetectorHeads {
  const down = [2, 2] as const;
  let h = block(tape, pixels, 'e1a', { channels: 12, stride: down, isFirst: true });
  h = block(tape, h, 'e1b', { channels: 12 });
  h = block(tape, h, 'e2a', { channels: 24, stride: down });
  h = block(tape, h, 'e2b', { channels: 24 });
  h = block(tape, h, 'e3a', { channels: 48, stride: down });
  const fine = block(tape, h, 'e3b', { channels: 48 });
  h = block(tape, fine, 'e4a', { channels: 64, stride: down });
  h = block(tape, h, 'e4b', { channels: 64 });
  h = block(tape, h, 'e4c', { channels: 64 });
  const lateral = block(tape, h, 'lateral', { channels: 48, kernel: 1 });
  const fused = block(tape, add(tape, upsample2(tape, lateral), fine), 'fused', { channels: 48 });
  const classHead = block(tape, fused, 'class-head', { channels: 48 });
  const sideHead = block(tape, fused, 'side-head', { channels: 32 });
  const kernel = [1, 1] as const;
  return {
    classes: conv(tape, classHead, 'classes', { channels: classCount, kernel, biasStart: CLASS_BIAS_START }),
    sides: conv(tape, sideHead, 'sides', { channels: 4, kernel }),
  };
}

/** Distances in pixels: softplus keeps them positive, the stride gives them their scale. */
export function sideDistances(tape: Tape, sides: Value): Value {
  const positive = tape.op('Softplus', [sides], sides.dims);
  return tape.op('Mul', [positive, tape.floats(DETECTOR_STRIDE)], sides.dims);
}

/** The heads as one tensor in YOLOv8 layout: [1, 4 + classes, cells] with cx, cy, w, h in input pixels and sigmoid scores. */
export function yoloOutput(tape: Tape, heads: DetectorHeads): Value {
  const [, classCount = 0, rows = 0, columns = 0] = heads.classes.dims;
  const cells = rows * columns;
  const flat = (value: Value, channels: number) =>
    tape.op('Reshape', [value, tape.indices(1, channels, cells)], [1, channels, cells]);
  const sides = flat(sideDistances(tape, heads.sides), 4);
  const scores = flat(tape.op('Sigmoid', [heads.classes], heads.classes.dims), classCount);
  const pair = (from: number) =>
    tape.op('Slice', [sides, tape.indices(from), tape.indices(from + 2), tape.indices(1)], [1, 2, cells]);
  const leftTop = pair(0);
  const rightBottom = pair(2);
  const dims = leftTop.dims;
  const centres = tape.constant({ name: 'cell-centres', dtype: 'float32', dims, data: cellCentres(rows, columns) });
  const shift = tape.op('Mul', [tape.op('Sub', [rightBottom, leftTop], dims), tape.floats(0.5)], dims);
  const centre = tape.op('Add', [centres, shift], dims);
  const extent = tape.op('Add', [leftTop, rightBottom], dims);
  return tape.op('Concat', [centre, extent, scores], [1, 4 + classCount, cells], { axis: 1 });
}

function cellCentres(rows: number, columns: number): Float32Array {
  const cells = rows * columns;
  const centres = new Float32Array(2 * cells);
  for (let cell = 0; cell < cells; cell++) {
    centres[cell] = ((cell % columns) + 0.5) * DETECTOR_STRIDE;
    centres[cells + cell] = (Math.floor(cell / columns) + 0.5) * DETECTOR_STRIDE;
  }
  return centres;
}
