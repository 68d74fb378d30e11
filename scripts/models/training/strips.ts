// Lot-code strips for the reader: pictures, and the character wanted at every time step.
import { createHash } from 'node:crypto';
import {
  LOT_CODE_CHARACTERS,
  LOT_CODE_HEIGHT,
  LOT_CODE_WIDTH,
  renderLotCode,
} from '../../../agent/frames/line/lot-code.ts';
import { canonicalJson } from '../../../shared/basics/canonical-json.ts';
import { READER_STEPS } from '../nets/lot-reader.ts';
import { SCENE_VERSION } from './scenes.ts';

/** Height and width of a strip. */
export const STRIP_SIZE = [LOT_CODE_HEIGHT, LOT_CODE_WIDTH] as const;

/** Character number 0 is blank; number n is CHARACTERS[n - 1]. */
export const CHARACTERS: readonly string[] = [...LOT_CODE_CHARACTERS];

export type StripSet = 'train' | 'held-out' | 'golden';

const STRIP_SEEDS: Readonly<Record<StripSet, number>> = { train: 4_000_000, 'held-out': 6_000_000, golden: 6_500_000 };

export type LabelledStrip = {
  readonly grey: Uint8Array;
  readonly text: string;
  /** Character number per time step; 0 is blank. */
  readonly steps: Uint8Array;
};

/** The first `count` strips of a set; under a millisecond each, so nothing is cached. */
export function readStrips(set: StripSet, count: number): readonly LabelledStrip[] {
  return Array.from({ length: count }, (_, i) => labelledStrip(STRIP_SEEDS[set] + i));
}

/** Names the data without rendering it. */
export function stripSetDigest(set: StripSet, count: number): string {
  const said = { generator: SCENE_VERSION, strips: set, seed: STRIP_SEEDS[set], count };
  return createHash('sha256').update(canonicalJson(said)).digest('hex');
}

function labelledStrip(seed: number): LabelledStrip {
  const strip = renderLotCode({ seed });
  const steps = new Uint8Array(READER_STEPS);
  [...strip.text].forEach((character, i) => {
    /** A time step spans two pixels; a character claims the three steps around its centre. */
    const middle = Math.round(strip.centers[i]! / 2 - 0.25);
    for (let step = Math.max(0, middle - 1); step < Math.min(READER_STEPS, middle + 2); step++) {
      steps[step] = CHARACTERS.indexOf(character) + 1;
    }
  });
  return { grey: strip.grey, text: strip.text, steps };
}
