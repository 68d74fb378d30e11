// Ground-truth boxes, read back from the defect ids of a painted window: what the picture shows is what is true.
import { DEFECT_ID_STRIDE, MICRO_CRACK } from './defects.ts';
import type { Part } from './parts.ts';

/** Pixels, top left corner; ids stay with the defect while the belt moves. */
export type Box = {
  readonly classId: number;
  readonly partId: number;
  readonly defectId: number;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  /** How much of the defect a reader can be asked to find: 1 whole, 0.7 cut by the frame, 0.4 nearly hidden, 0.3 a stump at the edge. */
  readonly visible: number;
  /** Length of a crack's trunk; absent for other classes. */
  readonly lengthPx?: number;
  /** A micro-crack whose box stays under SMALL_CRACK_UNITS: the hardest and most telling class of finding. */
  readonly small: boolean;
};

/** Longer side of a small crack's box, in belt units (pixels of a 256-pixel frame). */
export const SMALL_CRACK_UNITS = 34;
/** No box is smaller than this: a detector cannot learn a one-pixel-high box. Units. */
const BOX_UNITS_MIN = 12;

export type Picture = {
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  readonly mask: Uint8Array;
  readonly defectIds: Int32Array;
};

type Extent = { classId: number; left: number; right: number; top: number; bottom: number; pixels: number };

/** Sorted by defect id. */
export function boxesOf(picture: Picture, parts: readonly Part[]): readonly Box[] {
  const lengths = crackLengths(parts);
  return [...extentsOf(picture)]
    .sort(([a], [b]) => a - b)
    .map(([defectId, extent]) => boxOf(picture, defectId, extent, lengths.get(defectId)));
}

function extentsOf({ width, height, mask, defectIds }: Picture): Map<number, Extent> {
  const extents = new Map<number, Extent>();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = mask[y * width + x]!;
      if (value === 0) continue;
      const id = defectIds[y * width + x]!;
      const extent = extents.get(id);
      if (extent === undefined) {
        extents.set(id, { classId: value - 1, left: x, right: x, top: y, bottom: y, pixels: 1 });
        continue;
      }
      if (x < extent.left) extent.left = x;
      if (x > extent.right) extent.right = x;
      extent.bottom = y;
      extent.pixels++;
    }
  }
  return extents;
}

function boxOf(picture: Picture, defectId: number, extent: Extent, length: number | undefined): Box {
  const { width, height, scale } = picture;
  const min = BOX_UNITS_MIN * scale;
  const fullW = Math.max(extent.right - extent.left + 3, min);
  const fullH = Math.max(extent.bottom - extent.top + 3, min);
  const x = Math.max(0, (extent.left + extent.right + 1 - fullW) / 2);
  const y = Math.max(0, (extent.top + extent.bottom + 1 - fullH) / 2);
  const w = Math.min(width, (extent.left + extent.right + 1 + fullW) / 2) - x;
  const h = Math.min(height, (extent.top + extent.bottom + 1 + fullH) / 2) - y;
  return {
    classId: extent.classId,
    partId: Math.floor(defectId / DEFECT_ID_STRIDE),
    defectId,
    x,
    y,
    w,
    h,
    visible: visibleShare(picture, extent),
    ...(length === undefined ? {} : { lengthPx: length * scale }),
    small: extent.classId === MICRO_CRACK && Math.max(w, h) < SMALL_CRACK_UNITS * scale,
  };
}

/** By contact with the frame's edge and by pixel count: the training recipe ignores what is below 0.5. */
function visibleShare({ width, height, scale }: Picture, extent: Extent): number {
  const area = extent.pixels / (scale * scale);
  const isCut = extent.left <= 0 || extent.right >= width - 1 || extent.top <= 0 || extent.bottom >= height - 1;
  if (isCut) return area < 40 ? 0.3 : 0.7;
  return area < 12 ? 0.4 : 1;
}

function crackLengths(parts: readonly Part[]): ReadonlyMap<number, number> {
  const lengths = new Map<number, number>();
  for (const { defects } of parts) {
    for (const defect of defects) if (defect.kind === 'micro-crack') lengths.set(defect.defectId, defect.length);
  }
  return lengths;
}
