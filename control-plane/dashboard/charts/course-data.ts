// One guardrail over time as a chart and as words: columns to draw, what of them is visible, where it was in breach, a summary.
import type { CourseLine, RolloutCourse } from '../../../shared/protocol/api-rollout-charts.ts';

type Column = (number | null)[];

/** In the order of the series: time, estimate, low, high. */
export type ChartColumns = [number[], Column, Column, Column];

export type Span = { readonly fromMs: number; readonly toMs: number };
/** A limit that held for a while. */
export type LimitRun = Span & { readonly value: number };

export type CourseChart = {
  readonly columns: ChartColumns;
  readonly limits: readonly LimitRun[];
  readonly breaches: readonly Span[];
  /** What the y-axis shows, so that one wild range at the beginning does not flatten the rest. */
  readonly range: readonly [number, number];
};

/** Null: it was never judged with evidence. */
export function chartOf({ atMs }: Pick<RolloutCourse, 'atMs'>, line: CourseLine): CourseChart | null {
  if (line.estimate.every((value) => value === null)) return null;
  const columns: ChartColumns = [atMs, line.estimate, line.low, line.high];
  const limits = [...limitRuns(atMs, line.limitLow), ...limitRuns(atMs, line.limitHigh)];
  return { columns, limits, breaches: breachesOf(atMs, line.verdict), range: rangeOf(line) };
}

/** From the moment that it was first so to the one at which it was last so: mostly one run, as limits seldom move. */
export function limitRuns(atMs: readonly number[], limit: readonly (number | null)[]): readonly LimitRun[] {
  const runs: { fromMs: number; toMs: number; value: number }[] = [];
  atMs.forEach((at, index) => {
    const value = limit[index] ?? null;
    const last = runs.at(-1);
    if (last !== undefined && (limit[index - 1] ?? null) === last.value) last.toMs = at;
    if (value !== null && (last === undefined || last.value !== value || (limit[index - 1] ?? null) === null))
      runs.push({ fromMs: at, toMs: at, value });
  });
  return runs;
}

export type BandStep = { readonly x: number; low: number; high: number };

/** The range of doubt, one step for each column of pixels, in runs without a gap. */
export function bandOf([atMs, , low, high]: ChartColumns, columnOf: (atMs: number) => number): readonly BandStep[][] {
  const runs: BandStep[][] = [];
  let run: BandStep[] = [];
  atMs.forEach((at, index) => {
    const [from, to] = [low[index] ?? null, high[index] ?? null];
    if (from === null || to === null) {
      run = [];
      return;
    }
    if (run.length === 0) runs.push(run);
    const x = columnOf(at);
    const last = run.at(-1);
    if (last?.x === x) Object.assign(last, { low: Math.min(last.low, from), high: Math.max(last.high, to) });
    else run.push({ x, low: from, high: to });
  });
  return runs;
}

/** From the first moment of a breach to the first one without; the last may be still open. */
export function breachesOf(atMs: readonly number[], verdict: CourseLine['verdict']): readonly Span[] {
  const spans: Span[] = [];
  let fromMs: number | null = null;
  atMs.forEach((at, index) => {
    const isBreach = verdict[index] === 'breach';
    if (isBreach) fromMs ??= at;
    if (fromMs !== null && !isBreach) {
      spans.push({ fromMs, toMs: at });
      fromMs = null;
    }
  });
  const last = atMs.at(-1);
  return fromMs === null || last === undefined ? spans : [...spans, { fromMs, toMs: last }];
}

/** Estimates, limits and no change are always in it; of the range of doubt as much as three times that. */
export function rangeOf({ estimate, low, high, limitLow, limitHigh }: CourseLine): readonly [number, number] {
  const numbers = (values: readonly (number | null)[]) => values.filter((value) => value !== null);
  const firm = [0, ...numbers(estimate), ...numbers(limitLow), ...numbers(limitHigh)];
  const [least, most] = [Math.min(...firm), Math.max(...firm)];
  const reach = (most - least || 1) * 1.5;
  const bottom = Math.min(least, Math.max(least - reach, Math.min(...numbers(low), least)));
  const top = Math.max(most, Math.min(most + reach, Math.max(...numbers(high), most)));
  const margin = (top - bottom || 1) * 0.06;
  return [bottom - margin, top + margin];
}

export type CourseRow = {
  readonly atMs: number;
  readonly verdict: string;
  readonly estimate: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number | null;
};

/** The newest moments with evidence, newest first, for a table. */
export function rowsOf({ atMs }: Pick<RolloutCourse, 'atMs'>, line: CourseLine, limit = 12): readonly CourseRow[] {
  const rows = atMs.flatMap((at, index): CourseRow[] => {
    const verdict = line.verdict[index];
    if (verdict == null) return [];
    const value = (column: Column) => column[index] ?? null;
    return [
      {
        atMs: at,
        verdict,
        estimate: value(line.estimate),
        low: value(line.low),
        high: value(line.high),
        n: value(line.n),
      },
    ];
  });
  return rows.slice(-limit).reverse();
}

type Show = (value: number) => string;

/** For those who cannot see the line: where it began, where it is, how often it was in breach. */
export function summaryOf(title: string, { columns, breaches }: CourseChart, show: Show): string {
  const [atMs, estimates] = columns;
  const known = atMs.flatMap((at, index) => {
    const value = estimates[index];
    return value == null ? [] : [{ at, value }];
  });
  const [first, last] = [known[0], known.at(-1)];
  if (!first || !last) return `${title}: no evidence yet.`;
  const minutes = Math.round((last.at - first.at) / 60_000);
  const values = known.map(({ value }) => value);
  const broken =
    breaches.length === 0
      ? 'never in breach'
      : `in breach ${breaches.length === 1 ? 'once' : `${breaches.length} times`}`;
  return `${title} over ${minutes} min: from ${show(first.value)} to ${show(last.value)}, between ${show(Math.min(...values))} and ${show(Math.max(...values))}; ${broken}.`;
}
