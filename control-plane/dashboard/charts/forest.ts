// Where everything of a forest plot lies: one row per guardrail, each on its own scale, so that no change is at 0 and the limit at 1.
import type { Verdict } from '../../../shared/rollout/verdict.ts';

/** What is shown of the scale: twice the allowed to the right, as much as allowed to the left. */
export const FROM = -1;
export const TO = 2;

export type ForestRow = {
  readonly guardrail: string;
  /** Positions from 0 (left) to 1 (right), cut off at the edges; null without evidence. */
  readonly dot: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** The bar goes on beyond the edge. */
  readonly isCutLow: boolean;
  readonly isCutHigh: boolean;
  /** Where the limit lies; a limit on both sides has two. */
  readonly limits: readonly number[];
  /** `past`: the whole bar is beyond a limit. `across`: a part of it. `inside`: none of it. */
  readonly stands: 'past' | 'across' | 'inside' | 'unknown';
};

type Numbers = Pick<Verdict, 'guardrail' | 'estimate' | 'low' | 'high' | 'limitLow' | 'limitHigh'>;

export function forestOf(verdicts: readonly Numbers[]): readonly ForestRow[] {
  return verdicts.map(rowOf);
}

export function positionOf(allowed: number): number {
  return Math.min(1, Math.max(0, (allowed - FROM) / (TO - FROM)));
}

function rowOf(verdict: Numbers): ForestRow {
  const { guardrail, estimate, low, high, limitLow, limitHigh } = verdict;
  const scale = scaleOf(verdict);
  const limits = (
    limitLow === null && limitHigh === null ? [] : limitLow !== null && limitHigh !== null ? [-1, 1] : [1]
  ).map(positionOf);
  if (estimate === null || low === null || high === null || scale === null)
    return {
      guardrail,
      dot: null,
      low: null,
      high: null,
      isCutLow: false,
      isCutHigh: false,
      limits,
      stands: 'unknown',
    };
  // A limit from below turns the row around: further right is always worse.
  const [left = 0, right = 0] = [scale(low), scale(high)].sort((a, b) => a - b);
  return {
    guardrail,
    dot: positionOf(scale(estimate)),
    low: positionOf(left),
    high: positionOf(right),
    isCutLow: left < FROM,
    isCutHigh: right > TO,
    limits,
    stands: standsOf({ low, high, limitLow, limitHigh }),
  };
}

/** From a value to the share of what the limit allows; null: there is no limit to measure by. */
function scaleOf({ limitLow, limitHigh, low, high }: Numbers): ((value: number) => number) | null {
  if (limitLow !== null && limitHigh !== null) {
    const [middle, half] = [(limitLow + limitHigh) / 2, (limitHigh - limitLow) / 2 || 1];
    return (value) => (value - middle) / half;
  }
  const limit = limitHigh ?? limitLow;
  if (limit === null) return null;
  const isFloor = limitHigh === null;
  // Above nought a floor is a plain value, "at least 8 fps": twice the floor has half of the allowed to lose.
  if (isFloor && limit > 0) return (value) => (value <= 0 ? Number.POSITIVE_INFINITY : limit / value);
  if (limit !== 0 && (isFloor ? limit < 0 : limit > 0)) return (value) => value / limit;
  // No change is at the limit itself, or beyond it: the row is as wide as what was seen.
  const reach = Math.max(Math.abs(limit - (low ?? limit)), Math.abs((high ?? limit) - limit));
  if (reach === 0) return () => 0;
  return (value) => 1 + (isFloor ? limit - value : value - limit) / reach;
}

type Bar = {
  readonly low: number;
  readonly high: number;
  readonly limitLow: number | null;
  readonly limitHigh: number | null;
};

function standsOf({ low, high, limitLow, limitHigh }: Bar): ForestRow['stands'] {
  if (limitLow === null && limitHigh === null) return 'unknown';
  if ((limitHigh !== null && low > limitHigh) || (limitLow !== null && high < limitLow)) return 'past';
  return (limitHigh !== null && high > limitHigh) || (limitLow !== null && low < limitLow) ? 'across' : 'inside';
}
