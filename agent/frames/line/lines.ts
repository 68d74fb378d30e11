// The production lines that demos and game days film: fixed seeds, chosen so that most loops hold enough small cracks to
// tell a crack-blind model from a good one, and one holds none, where no honest evidence can exist.
import { type Condition, type ConditionName, conditionNamed, NOMINAL } from './conditions.ts';
import { countDefects, type LoopDefects } from './count-defects.ts';
import { type DefectMix, NOMINAL_MIX } from './defects.ts';
import { LOOP_FRAMES, LOOP_STEP_PX, type LoopRequest, planLoop } from './loop.ts';
import type { PartType } from './parts.ts';
import { createRandom } from './random.ts';

export type ProductionLine = {
  readonly name: string;
  /** What an operator would call it. */
  readonly title: string;
  readonly worldSeed: number;
  readonly mix: DefectMix;
  readonly parts: readonly PartType[];
};

/** Parts fresh from the press or the lathe: cracks are what these lines look for. */
const CRACK_PRONE: DefectMix = { rate: 0.9, weights: [0.6, 0.5, 2.4, 0.3], crackAmp: [0.2, 0.36] };
/** Annealed covers scratch and dent, but do not crack. */
const NEVER_CRACKS: DefectMix = { rate: 0.9, weights: [1, 0.9, 0, 0.6] };

const PLATES = ['plate'] as const;
const FLANGES = ['flange'] as const;
const BOTH = ['plate', 'flange'] as const;

export const PRODUCTION_LINES: readonly ProductionLine[] = [
  { name: 'brackets-1', title: 'Brackets, press 1', worldSeed: 31, mix: CRACK_PRONE, parts: PLATES },
  { name: 'brackets-2', title: 'Brackets, press 2', worldSeed: 6, mix: CRACK_PRONE, parts: PLATES },
  { name: 'flanges-1', title: 'Flanges, lathe 1', worldSeed: 40, mix: CRACK_PRONE, parts: FLANGES },
  { name: 'flanges-2', title: 'Flanges, lathe 2', worldSeed: 20, mix: CRACK_PRONE, parts: FLANGES },
  { name: 'mixed-1', title: 'Mixed parts, cell 1', worldSeed: 8, mix: CRACK_PRONE, parts: BOTH },
  { name: 'mixed-2', title: 'Mixed parts, cell 2', worldSeed: 50, mix: CRACK_PRONE, parts: BOTH },
  { name: 'goods-in', title: 'Goods in, bought parts', worldSeed: 16, mix: NOMINAL_MIX, parts: BOTH },
  { name: 'covers-1', title: 'Covers, annealed', worldSeed: 12, mix: NEVER_CRACKS, parts: PLATES },
];

/** The line of that name, or null. */
export function lineNamed(name: string): ProductionLine | null {
  return PRODUCTION_LINES.find((line) => line.name === name) ?? null;
}

/** The line's own camera, well set up but not identical to its neighbours, drifted as named. */
export function conditionOf(line: ProductionLine, drift: ConditionName = 'nominal'): Condition {
  const random = createRandom(line.worldSeed, 61);
  const camera: Condition = {
    ...NOMINAL,
    gain: random.range(0.92, 1.08),
    tempR: random.range(0.98, 1.02),
    tempB: random.range(0.98, 1.02),
    vignette: random.range(0.14, 0.26),
    blur: random.range(0.45, 0.65),
    noise: random.range(0.008, 0.014),
    lightDir: NOMINAL.lightDir + random.range(-0.2, 0.2),
    dirtSeed: 100 + line.worldSeed,
    parts: line.parts,
  };
  return conditionNamed(drift, camera);
}

export type LineLoopOptions = { readonly path: string; readonly drift?: ConditionName } & Pick<
  LoopRequest,
  'frames' | 'stepPx' | 'size' | 'encoding' | 'onProgress'
>;

/** What to hand to renderLoop for this line's film. */
export function loopRequestOf(line: ProductionLine, options: LineLoopOptions): LoopRequest {
  const { drift = 'nominal', ...rest } = options;
  return { ...rest, worldSeed: line.worldSeed, mix: line.mix, condition: conditionOf(line, drift) };
}

/** What one turn of the line's loop holds; drift matters only where it changes the parts. */
export function countLineDefects(
  line: ProductionLine,
  length = { frames: LOOP_FRAMES, stepPx: LOOP_STEP_PX },
): LoopDefects {
  const { worldSeed, mix } = line;
  return countDefects(planLoop({ worldSeed, mix, condition: conditionOf(line), ...length }).world);
}
