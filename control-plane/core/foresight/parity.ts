// How alike the candidates of a stage and its controls are, trait by trait: the standardised difference, which does not grow with the
// number of devices as a test would.

import { trim } from '../../../shared/rollout/expression-text.ts';
import type { ParityRow, ParityStage } from '../../../shared/rollout/outlook.ts';

/** Beyond this the arms differ enough to say so. */
export const PARITY_LIMIT = 0.25;

/** Words or numbers; null: not known. */
export type Traits = Readonly<Record<string, string | number | null>>;

export type ParityArms = {
  readonly stage: string;
  readonly candidates: readonly Traits[];
  readonly controls: readonly Traits[];
};

export function parityOf({ stage, candidates, controls }: ParityArms): ParityStage {
  const names = [...new Set([...candidates, ...controls].flatMap((traits) => Object.keys(traits)))];
  const rows = names.flatMap((trait) => rowOf(trait, valuesOf(candidates, trait), valuesOf(controls, trait)));
  return { stage, candidates: candidates.length, controls: controls.length, rows };
}

/** The largest difference of a stage; 0 where nothing is known. */
export function worstDifference({ rows }: ParityStage): number {
  return rows.reduce((worst, { difference }) => Math.max(worst, Math.abs(difference ?? 0)), 0);
}

type Value = string | number;

function valuesOf(arm: readonly Traits[], trait: string): readonly Value[] {
  return arm.map((traits) => traits[trait] ?? null).filter((value) => value !== null);
}

/** A trait that all devices share, or that nobody knows, is no row. */
function rowOf(trait: string, candidates: readonly Value[], controls: readonly Value[]): readonly ParityRow[] {
  const all = [...candidates, ...controls];
  if (new Set(all).size < 2) return [];
  const numbers = (values: readonly Value[]) => values.filter((value) => typeof value === 'number');
  const isNumeric = all.every((value) => typeof value === 'number');
  return [isNumeric ? numericRow(trait, numbers(candidates), numbers(controls)) : wordRow(trait, candidates, controls)];
}

function numericRow(trait: string, candidates: readonly number[], controls: readonly number[]): ParityRow {
  const [a, b] = [momentsOf(candidates), momentsOf(controls)];
  const show = (arm: Moments | null) => (arm === null ? '–' : trim(arm.mean));
  // A single device has no spread: that of the other side stands for both.
  const variances = [a?.variance ?? null, b?.variance ?? null].filter((variance) => variance !== null);
  const spread = Math.sqrt(variances.reduce((sum, variance) => sum + variance, 0) / Math.max(1, variances.length));
  const gap = a === null || b === null ? null : a.mean - b.mean;
  const difference = gap === null ? null : gap === 0 ? 0 : spread === 0 ? null : gap / spread;
  return { trait, candidates: show(a), controls: show(b), ...judged(difference) };
}

/** Of words the one whose share differs most. */
function wordRow(trait: string, candidates: readonly Value[], controls: readonly Value[]): ParityRow {
  const words = [...new Set([...candidates, ...controls])].sort();
  const rows = words.map((word) => {
    const [a, b] = [shareOf(word, candidates), shareOf(word, controls)];
    const show = (share: number | null) => (share === null ? '–' : `${word} ${Math.round(share * 100)} %`);
    const spread = a === null || b === null ? 0 : Math.sqrt((a * (1 - a) + b * (1 - b)) / 2);
    const difference =
      a === null || b === null ? null : a === b ? 0 : spread === 0 ? Math.sign(a - b) : (a - b) / spread;
    return { trait, candidates: show(a), controls: show(b), ...judged(difference) };
  });
  return rows.reduce((worst, row) => (Math.abs(row.difference ?? 0) > Math.abs(worst.difference ?? 0) ? row : worst));
}

function judged(difference: number | null): Pick<ParityRow, 'difference' | 'isFar'> {
  return {
    difference: difference === null ? null : Number(difference.toFixed(3)),
    isFar: difference !== null && Math.abs(difference) > PARITY_LIMIT,
  };
}

type Moments = { readonly mean: number; readonly variance: number | null };

function momentsOf(values: readonly number[]): Moments | null {
  const n = values.length;
  if (n === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: n < 2 ? null : squares / (n - 1) };
}

function shareOf(word: Value, values: readonly Value[]): number | null {
  return values.length === 0 ? null : values.filter((value) => value === word).length / values.length;
}
