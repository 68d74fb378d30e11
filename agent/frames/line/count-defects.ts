// How many defects a loop holds, from the generator alone: what a demo line can and cannot show is known before it runs.
import { type Box, boxesOf } from './boxes.ts';
import { DEFECT_CLASSES, type Defect, type DefectClass } from './defects.ts';
import { PART_PITCH } from './parts.ts';
import { FRAME_UNITS, paintAcrossSeam, partsBetween, scaleOf, type World } from './world.ts';

export type LoopDefects = {
  readonly parts: number;
  /** Defects that can be seen at all, by class. */
  readonly perClass: Readonly<Record<DefectClass, number>>;
  /** Micro-cracks whose box stays under 34 px. */
  readonly smallCracks: number;
  /** Micro-cracks dark enough that a good model reports them with confidence. */
  readonly strongCracks: number;
};

/** Contrast from which the trained detectors are seldom unsure. */
const STRONG_CRACK_AMP = 0.24;
/** A crack shows fully only where its trunk is at least this wide. Units. */
const STRONG_CRACK_WIDTH = 0.9;

/** One turn of a looping world. */
export function countDefects(world: World & { readonly loopParts: number }): LoopDefects {
  const seen = Array.from({ length: world.loopParts }, (_, position) => defectsAt(world, position)).flat();
  const countOf = (wanted: DefectClass): number => seen.filter(({ defect }) => defect.kind === wanted).length;
  const counts = DEFECT_CLASSES.map((kind) => [kind, countOf(kind)] as const);
  return {
    parts: world.loopParts,
    perClass: Object.fromEntries(counts) as Record<DefectClass, number>,
    smallCracks: seen.filter(({ box }) => box.small).length,
    strongCracks: seen.filter(({ defect }) => isStrongCrack(defect)).length,
  };
}

type SeenDefect = { readonly box: Box; readonly defect: Defect };

/** The defects of one part, seen with the part in the middle of the picture. */
function defectsAt(world: World, position: number): readonly SeenDefect[] {
  const middle = position * PART_PITCH;
  const column = Math.round((middle - FRAME_UNITS / 2) * scaleOf(world));
  const canvas = paintAcrossSeam(world, { column, width: world.size, phase: 0 });
  const parts = partsBetween(world, middle, middle).filter((part) => part.partId === position);
  const defects = parts.flatMap((part) => part.defects);
  return boxesOf(canvas, parts).flatMap((box) => {
    const defect = defects.find(({ defectId }) => defectId === box.defectId);
    return defect === undefined ? [] : [{ box, defect }];
  });
}

function isStrongCrack(defect: Defect): boolean {
  if (defect.kind !== 'micro-crack') return false;
  const trunk = defect.strokes[0];
  return trunk !== undefined && -trunk.amp >= STRONG_CRACK_AMP && trunk.width >= STRONG_CRACK_WIDTH;
}
