// Where the dots of a per-device plot lie: a lane for each site and hardware class, a dot for each device, controls beside their
// candidates. Positions from 0 to 1.
import type { DevicePoint, GuardrailEvidence } from '../../../shared/protocol/api-rollout-charts.ts';

/** Drawn as well as coloured; the seventh stratum looks like the first and stands in a lane of its own. */
export const SHAPES = ['circle', 'square', 'triangle', 'diamond', 'flip', 'cross'] as const;
export type Shape = (typeof SHAPES)[number];

/** More lanes than this are one lane, "other places". */
const LANES_MAX = 10;

export type Dot = {
  readonly point: DevicePoint;
  readonly x: number;
  /** Within its lane. */
  readonly y: number;
  readonly isCutOff: boolean;
};
export type Lane = {
  readonly name: string;
  readonly shape: Shape;
  /** 1 to 6: its colour. */
  readonly colour: number;
  readonly dots: readonly Dot[];
};
export type PairsPlot = {
  readonly lanes: readonly Lane[];
  /** At even steps, with their values. */
  readonly ticks: readonly { readonly x: number; readonly value: number }[];
  /** Where a device lies whose difference to the mean of the controls is the limit. */
  readonly limits: readonly { readonly x: number; readonly value: number }[];
  readonly controlMean: number | null;
  readonly zero: number | null;
};

type Facts = Pick<GuardrailEvidence, 'limitLow' | 'limitHigh' | 'unit' | 'shows' | 'control'> & {
  readonly points: readonly DevicePoint[];
};

export function pairsOf(facts: Facts): PairsPlot {
  const limits = [facts.limitLow, facts.limitHigh]
    .filter((limit) => limit !== null)
    .map((limit) => besideControls(facts, limit));
  const { low, high, at } = axisOf(
    facts.points.map(({ value }) => value),
    [...limits, ...(facts.shows === 'change' ? [0] : [])],
  );
  const inside = (value: number | null) => (value === null || value < low || value > high ? null : at(value));
  const grouped = [...Map.groupBy(facts.points, placeOf)].sort(([a], [b]) => (a < b ? -1 : 1));
  const own = grouped.length <= LANES_MAX ? grouped : grouped.slice(0, LANES_MAX - 1);
  const rest = grouped.slice(own.length).flatMap(([, points]) => points);
  const groups: readonly (readonly [string, readonly DevicePoint[]])[] =
    rest.length === 0 ? own : [...own, ['other places', rest]];
  return {
    lanes: groups.map(([name, points], lane) => ({
      name,
      shape: SHAPES[lane % SHAPES.length] ?? 'circle',
      colour: (lane % SHAPES.length) + 1,
      dots: spread(points).map(({ point, y }) => {
        return { point, y, x: at(point.value), isCutOff: point.value < low || point.value > high };
      }),
    })),
    ticks: ticksOf(low, high).map((value) => ({ value, x: at(value) })),
    limits: limits.map((value) => ({ value, x: at(value) })),
    controlMean: inside(facts.control?.mean ?? null),
    zero: facts.shows === 'change' ? inside(0) : null,
  };
}

/** Percent multiply; everything else adds up. A plain value is compared with the limit itself. */
function besideControls({ shows, unit, control }: Facts, limit: number): number {
  if (shows === 'value' || control === null) return limit;
  return unit === '%' ? ((1 + control.mean / 100) * (1 + limit / 100) - 1) * 100 : control.mean + limit;
}

function placeOf({ site, hardwareClass }: DevicePoint): string {
  return hardwareClass === '' ? site : `${site} · ${hardwareClass}`;
}

/** Candidates in the upper half of a lane, controls in the lower; neighbours in value are set apart. */
function spread(points: readonly DevicePoint[]): readonly { readonly point: DevicePoint; readonly y: number }[] {
  const rows = 3;
  return (['control', 'candidate'] as const).flatMap((arm) => {
    const sorted = points.filter((point) => point.arm === arm).toSorted((a, b) => a.value - b.value);
    const top = arm === 'candidate' ? 0.14 : 0.58;
    return sorted.map((point, at) => ({ point, y: top + ((at % rows) / (rows - 1)) * 0.26 }));
  });
}

type Axis = { readonly low: number; readonly high: number; readonly at: (value: number) => number };

/** Of the values, without the outermost if they would squeeze the rest; what must be seen is. */
export function axisOf(values: readonly number[], seen: readonly number[]): Axis {
  const sorted = values.toSorted((a, b) => a - b);
  const quantile = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const reach = (quantile(0.9) - quantile(0.1)) * 4 || Math.max(1, Math.abs(quantile(0.5)) * 0.2);
  const least = Math.min(Math.max(sorted[0] ?? 0, quantile(0.1) - reach), ...seen);
  const most = Math.max(Math.min(sorted.at(-1) ?? 1, quantile(0.9) + reach), ...seen);
  const margin = (most - least || 1) * 0.05;
  const [low, high] = [least - margin, most + margin];
  return { low, high, at: (value) => Math.min(1, Math.max(0, (value - low) / (high - low))) };
}

/** Three to seven round numbers. */
export function ticksOf(low: number, high: number): readonly number[] {
  const rough = (high - low) / 5;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((times) => times * size >= rough) ?? 10) * size;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, at) =>
    Number(((first + at) * step).toPrecision(10)),
  );
}
