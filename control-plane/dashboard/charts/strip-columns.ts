// Points of a series as columns for a chart: with a gap where a device was silent, and the words that say the same without a picture.

export type StripPoint = {
  readonly atMs: number;
  readonly value: number | null;
  /** False: the limit does not speak of it. */
  readonly isJudged?: boolean;
};

/** Limit line: `above` = what lies above it is bad. */
export type StripLimit = { readonly value: number; readonly bad: 'above' | 'below'; readonly label: string };

export type StripMark = { readonly atMs: number; readonly label: string };

export type StripColumns = [times: number[], values: (number | null)[]];

/** Silent for longer than so many usual steps: the line is broken there. */
const GAP_STEPS = 3;

/** Times in seconds, as uPlot wants them. */
export function columnsOf(points: readonly StripPoint[]): StripColumns {
  const usualMs = usualStepMs(points);
  const times: number[] = [];
  const values: (number | null)[] = [];
  let before: number | null = null;
  for (const { atMs, value } of points) {
    if (before !== null && usualMs !== null && atMs - before > GAP_STEPS * usualMs) {
      times.push((before + usualMs) / 1000);
      values.push(null);
    }
    times.push(atMs / 1000);
    values.push(value);
    before = atMs;
  }
  return [times, values];
}

/** Median of the steps; null with fewer than two points. */
function usualStepMs(points: readonly StripPoint[]): number | null {
  const steps = points.slice(1).map(({ atMs }, index) => atMs - (points[index]?.atMs ?? atMs));
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? null;
}

export type StripFigures = {
  readonly last: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Points beyond the limit. */
  readonly beyond: number;
  readonly known: number;
};

export function figuresOf(points: readonly StripPoint[], limit: StripLimit | null): StripFigures {
  const known = points.flatMap(({ value }) => (value === null ? [] : [value]));
  return {
    last: known.at(-1) ?? null,
    low: known.length === 0 ? null : known.reduce((a, b) => Math.min(a, b)),
    high: known.length === 0 ? null : known.reduce((a, b) => Math.max(a, b)),
    beyond: limit === null ? 0 : points.filter((point) => isBeyond(point, limit)).length,
    known: known.length,
  };
}

function isBeyond({ value, isJudged = true }: StripPoint, { value: limit, bad }: StripLimit): boolean {
  if (value === null || !isJudged) return false;
  return bad === 'above' ? value > limit : value < limit;
}

/** `Temperature: now 71 °C, between 65 °C and 88 °C; limit 92 °C, passed at 3 of 400 points.` */
export function describeStrip(
  { title, unit, limit }: { readonly title: string; readonly unit: string; readonly limit: StripLimit | null },
  { last, low, high, beyond, known }: StripFigures,
): string {
  if (last === null || low === null || high === null) return `${title}: nothing was reported in this time.`;
  const told = (value: number): string => `${figureText(value)} ${unit}`;
  const range = `${title}: now ${told(last)}, between ${told(low)} and ${told(high)}`;
  if (limit === null) return `${range}.`;
  const passed = beyond === 0 ? 'never passed' : `passed at ${beyond} of ${known} points`;
  return `${range}; limit ${limit.label}, ${passed}.`;
}

/** Three figures that matter. */
export function figureText(value: number): string {
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** With room above and below, and the limit in the picture where that is not far away. */
export function scaleOf({ low, high }: StripFigures, limit: StripLimit | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  const spread = Math.max(high - low, Math.abs(high) * 0.05, 0.5);
  const isNear = limit !== null && limit.value > low - 2 * spread && limit.value < high + 2 * spread;
  const bottom = isNear ? Math.min(low, limit.value) : low;
  const top = isNear ? Math.max(high, limit.value) : high;
  const room = (top - bottom) * 0.12 || spread;
  return [Math.max(0, bottom - room), top + room];
}

/** A picture of less than this says nothing. */
const SHOWN_MS_MIN = 5 * 60_000;

/** What of the time asked for is drawn: from the first point on, where nothing was reported for most of it before. */
export function shownRange(
  [fromMs, toMs]: readonly [fromMs: number, toMs: number],
  firstMs: number | null,
): readonly [fromMs: number, toMs: number] {
  if (firstMs === null || firstMs - fromMs < (toMs - fromMs) / 2) return [fromMs, toMs];
  return [Math.max(fromMs, Math.min(firstMs, toMs - SHOWN_MS_MIN)), toMs];
}
