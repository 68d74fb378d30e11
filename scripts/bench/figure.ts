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

export type Sides = { readonly ours: () => Promise<number>; readonly limit: () => Promise<number> };

/** Medians of the rounds that count, and how many of them all did not. */
export type Alternated = { readonly ours: number; readonly limit: number; readonly disturbed: number };

type Round = { readonly ours: number; readonly limit: number; readonly isCalm: boolean };

/** Of the machine's time: a host that takes more from its guest in a round measures itself. */
const TAKEN_SHARE_MAX = 0.01;
/** So many times the rounds asked for are run in the hope for calm ones. */
const PATIENCE = 3;

/**
 * Runs the two sides by turns and gives the median of each. `takenShare` says what share of the machine's time others took
 * since it was last asked; rounds with too much of it are run again. When not half of the rounds were calm, all count.
 */
export async function alternate(rounds: number, sides: Sides, takenShare: () => number = () => 0): Promise<Alternated> {
  const all: Round[] = [];
  const calm = (): readonly Round[] => all.filter(({ isCalm }) => isCalm);
  while (calm().length < rounds && all.length < rounds * PATIENCE)
    all.push(await playRound(all.length, sides, takenShare));
  const counted = calm().length >= rounds / 2 ? calm() : all;
  return {
    ours: median(counted.map(({ ours }) => ours)),
    limit: median(counted.map(({ limit }) => limit)),
    disturbed: all.length - counted.length,
  };
}

async function playRound(index: number, sides: Sides, takenShare: () => number): Promise<Round> {
  takenShare();
  const first = index % 2 === 0 ? await sides.ours() : await sides.limit();
  const second = index % 2 === 0 ? await sides.limit() : await sides.ours();
  const [ours, limit] = index % 2 === 0 ? [first, second] : [second, first];
  return { ours, limit, isCalm: takenShare() <= TAKEN_SHARE_MAX };
}
