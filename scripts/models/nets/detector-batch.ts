// Fills one detector batch: pixels, and for every cell the wanted class, side distances and weights.
// A cell is positive when it lies near the centre of a well-visible defect; cut-off defects are ignore regions.
import type { Random } from '../../../agent/frames/line/random.ts';
import { type Crop, type CropPlan, drawCrop, writeCropPixels } from '../training/crops.ts';
import type { LabelledFrame, TruthBox } from '../training/scenes.ts';
import { DETECTOR_STRIDE } from './detector.ts';

export type DetectorBatch = {
  readonly pixels: Float32Array;
  readonly classes: Float32Array;
  readonly sides: Float32Array;
  readonly positive: Float32Array;
  readonly judged: Float32Array;
};

export type DetectorBatchPlan = CropPlan & {
  readonly batchSize: number;
  readonly classCount: number;
  /** How much more a positive cell weighs in the class loss; 1 is balanced, 4 teaches a model to cry wolf. */
  readonly positiveWeight: number;
};

/** Cells within this distance of a defect's centre are positive: one cell and its direct neighbours. */
const CENTRE_REACH_PX = 10.1;
/** Below this share inside the crop a defect is not asked for. */
const INSIDE_SHARE_MIN = 0.45;
const VISIBLE_MIN = 0.5;
const SIDE_MIN_PX = 0.5;

export function newDetectorBatch(plan: DetectorBatchPlan): DetectorBatch {
  const cells = plan.batchSize * (plan.sizePx / DETECTOR_STRIDE) ** 2;
  return {
    pixels: new Float32Array(plan.batchSize * 3 * plan.sizePx ** 2),
    classes: new Float32Array(cells * plan.classCount),
    sides: new Float32Array(cells * 4),
    positive: new Float32Array(cells),
    judged: new Float32Array(cells),
  };
}

export function fillDetectorBatch(
  batch: DetectorBatch,
  source: { random: Random; frames: readonly LabelledFrame[]; plan: DetectorBatchPlan },
): void {
  const { random, frames, plan } = source;
  batch.classes.fill(0);
  batch.sides.fill(1);
  batch.positive.fill(0);
  batch.judged.fill(1);
  for (let slot = 0; slot < plan.batchSize; slot++) {
    const crop = drawCrop(random, frames, plan);
    writeCropPixels(random, crop, { batch: batch.pixels, slot, sizePx: plan.sizePx });
    writeTruth(batch, crop, slot, plan);
  }
  balance(batch, plan);
}

/** Weights become shares of the number of positive cells, so that full and empty batches teach equally strongly. */
function balance(batch: DetectorBatch, plan: DetectorBatchPlan): void {
  const count = Math.max(
    1,
    batch.positive.reduce((sum, weight) => sum + weight, 0),
  );
  for (let cell = 0; cell < batch.positive.length; cell++) {
    const emphasis = batch.positive[cell] === 1 ? plan.positiveWeight : 1;
    batch.judged[cell] = (batch.judged[cell]! * emphasis) / count;
    batch.positive[cell] = batch.positive[cell]! / count;
  }
}

/** Edges of a defect inside a crop, in crop pixels. */
type Edges = { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number };

function writeTruth(batch: DetectorBatch, crop: Crop, slot: number, plan: DetectorBatchPlan): void {
  const columns = plan.sizePx / DETECTOR_STRIDE;
  /** Where two defects want the same cell, the smaller one gets it. */
  const areas = new Float32Array(columns * columns).fill(Number.POSITIVE_INFINITY);
  for (const box of crop.frame.boxes) {
    const edges = edgesInCrop(box, crop, plan.sizePx);
    const [width, height] = [edges.right - edges.left, edges.bottom - edges.top];
    if (width <= 2 || height <= 2) continue;
    const isCut = width * height < INSIDE_SHARE_MIN * box.w * box.h || box.visible < VISIBLE_MIN;
    if (isCut) ignoreCells(batch, edges, { slot, columns });
    else claimCells(batch, { edges, classId: box.classId, areas }, { slot, columns, classCount: plan.classCount });
  }
}

function edgesInCrop(box: TruthBox, crop: Crop, sizePx: number): Edges {
  return {
    left: Math.max(box.x - crop.left, 0),
    top: Math.max(box.y - crop.top, 0),
    right: Math.min(box.x + box.w - crop.left, sizePx),
    bottom: Math.min(box.y + box.h - crop.top, sizePx),
  };
}

function ignoreCells(batch: DetectorBatch, edges: Edges, at: { slot: number; columns: number }): void {
  const cells = at.columns ** 2;
  for (let cell = 0; cell < cells; cell++) {
    const { x, y } = centreOf(cell, at.columns);
    const index = at.slot * cells + cell;
    if (isInside(edges, x, y, DETECTOR_STRIDE) && batch.positive[index] === 0) batch.judged[index] = 0;
  }
}

function claimCells(
  batch: DetectorBatch,
  defect: { edges: Edges; classId: number; areas: Float32Array },
  at: { slot: number; columns: number; classCount: number },
): void {
  const { edges, areas } = defect;
  const cells = at.columns ** 2;
  const area = (edges.right - edges.left) * (edges.bottom - edges.top);
  for (let cell = 0; cell < cells; cell++) {
    if (!isPositive(cell, edges, at.columns) || area >= areas[cell]!) continue;
    areas[cell] = area;
    const index = at.slot * cells + cell;
    batch.judged[index] = 1;
    batch.positive[index] = 1;
    for (let classId = 0; classId < at.classCount; classId++) {
      batch.classes[(at.slot * at.classCount + classId) * cells + cell] = classId === defect.classId ? 1 : 0;
    }
    const { x, y } = centreOf(cell, at.columns);
    const distances = [x - edges.left, y - edges.top, edges.right - x, edges.bottom - y];
    distances.forEach((distance, side) => {
      batch.sides[(at.slot * 4 + side) * cells + cell] = Math.max(SIDE_MIN_PX, distance);
    });
  }
}

function isPositive(cell: number, edges: Edges, columns: number): boolean {
  const middleX = (edges.left + edges.right) / 2;
  const middleY = (edges.top + edges.bottom) / 2;
  const { x, y } = centreOf(cell, columns);
  const isNear = Math.abs(x - middleX) < CENTRE_REACH_PX && Math.abs(y - middleY) < CENTRE_REACH_PX;
  if (isNear && isInside(edges, x, y, 1)) return true;
  const column = Math.min(columns - 1, Math.floor(middleX / DETECTOR_STRIDE));
  const row = Math.min(columns - 1, Math.floor(middleY / DETECTOR_STRIDE));
  return cell === row * columns + column;
}

function isInside(edges: Edges, x: number, y: number, marginPx: number): boolean {
  const isBeside = x <= edges.left - marginPx || x >= edges.right + marginPx;
  return !isBeside && y > edges.top - marginPx && y < edges.bottom + marginPx;
}

function centreOf(cell: number, columns: number): { x: number; y: number } {
  return { x: ((cell % columns) + 0.5) * DETECTOR_STRIDE, y: (Math.floor(cell / columns) + 0.5) * DETECTOR_STRIDE };
}
