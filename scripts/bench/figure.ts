// A benchmark figure: what Belay takes, beside the limit it is held against, both measured in alternation in one run.

/** One row of the result. `ratio` = ours / limit; `goal` says in words what it should be. */
export type Row = {
  readonly id: string;
  readonly ours: number;
  readonly limit: number | null;
  readonly ratio: number | null;
  readonly unit: string;
  readonly goal: string;
  readonly note: string;
};

export type Figure = {
  /** The id of its row, or the common beginning of its rows' ids with a dot. */
  readonly id: string;
  /** What follows the dot in the ids of its rows; left out: one row, with the id of the figure. */
  readonly rows?: readonly string[];
  readonly measure: (progress: (text: string) => void, options: FigureOptions) => Promise<readonly Row[]>;
  /** It takes so long that it is measured only when it is asked for by its id. */
  readonly onlyWhenAsked?: true;
};

export type FigureOptions = {
  /** How long a figure may measure that can take any time; null: what it takes by itself. */
  readonly minutes: number | null;
};

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Linear interpolation between the closest ranks; NaN without values. */
export function percentile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const rank = q * (sorted.length - 1);
  const low = sorted[Math.floor(rank)] ?? Number.NaN;
  const high = sorted[Math.ceil(rank)] ?? low;
  return low + (high - low) * (rank - Math.floor(rank));
}

/** Runs the two sides by turns, `rounds` times, and gives the median of each. */
export async function alternate(
  rounds: number,
  sides: { ours: () => Promise<number>; limit: () => Promise<number> },
): Promise<{ ours: number; limit: number }> {
  const ours: number[] = [];
  const limit: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const oursFirst = round % 2 === 0;
    if (oursFirst) ours.push(await sides.ours());
    limit.push(await sides.limit());
    if (!oursFirst) ours.push(await sides.ours());
  }
  return { ours: median(ours), limit: median(limit) };
}
