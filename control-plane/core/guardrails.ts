// The scale of a guardrail: where its limit lies among the numbers that are compared, and how such a number is shown.
import type { Comparison, Expression } from '../../shared/rollout/expression.ts';
import { signed, trim, unitText } from '../../shared/rollout/expression-text.ts';
import { metricRule } from '../../shared/rollout/metrics.ts';

export type Scale = {
  /** On the comparison scale; null: no limit on that side. */
  readonly low: number | null;
  readonly high: number | null;
  /** From the comparison scale to the unit that people read. */
  readonly show: (value: number) => number;
  readonly unit: string;
  /** Changes carry a sign, plain values do not. */
  readonly isChange: boolean;
  /** Size of change that matters, fixed by the file: the always-valid boundary is sharpest there. */
  readonly tau: number;
  /** What 1 % of a value is on this scale, for what is known in percent. */
  readonly perPercent: number;
};

/** On the logarithmic scale; a limit that is wider says itself what matters. */
const LOG_TAU = 0.1;

/** Metrics that are compared by logarithm, since what disturbs them multiplies. */
const LOGARITHMIC: ReadonlySet<string> = new Set([
  'latency_ms',
  'run_ms',
  'fps',
  'detections_per_frame',
  'errors',
  'dropped',
  'confidence',
  'flicker',
  'empty',
  'power_w',
  'rss_mb',
]);
/** Of a limit against the controls: the rate that they show meanwhile, and the frames of a device behind it. */
export type Reference = { readonly rate: number; readonly frames: number };

const SHARES: ReadonlySet<string> = new Set([
  'errors',
  'dropped',
  'lost',
  'gained',
  'wrong_class',
  'shadow_disagreement',
]);

export function scaleOf(
  expression: Pick<Expression, 'metric' | 'comparison'>,
  reference: Reference = NOTHING_SEEN,
): Scale {
  const sides = expression.comparison.kind === 'control' ? aboveControl(expression, reference) : sidesOf(expression);
  const size = Math.max(Math.abs(sides.low ?? 0), Math.abs(sides.high ?? 0));
  if (isLogarithmic(expression))
    return { ...sides, tau: sides.isChange ? Math.max(LOG_TAU, size) : LOG_TAU, perPercent: 0.01 };
  const tau = size > 0 ? size : 1;
  return { ...sides, tau, perPercent: tau / 10 };
}

function isLogarithmic({ metric, comparison: { kind } }: Pick<Expression, 'metric' | 'comparison'>): boolean {
  return (
    kind === 'ratio' ||
    kind === 'within' ||
    kind === 'control' ||
    (kind === 'absolute' && LOGARITHMIC.has(metric) && !SHARES.has(metric))
  );
}

const NOTHING_SEEN: Reference = { rate: 0, frames: 1 };

/**
 * Rates are compared as log ratios, half an event added on both sides; the limit is where a device lies that shows what the
 * controls show and so many points more. It is read in points of the rate.
 */
function aboveControl({ comparison }: Pick<Expression, 'comparison'>, reference: Reference): Sides {
  const base = eventsOf(reference);
  const limit = Math.log((base + (comparison.value / 100) * reference.frames) / base);
  return { ...sides(comparison, limit), show: asPointsAbove(reference), unit: 'pt', isChange: true };
}

/** A log ratio to the controls, in points of the rate. */
export function asPointsAbove(reference: Reference): (value: number) => number {
  return (value) => ((eventsOf(reference) * (Math.exp(value) - 1)) / reference.frames) * 100;
}

function eventsOf({ rate, frames }: Reference): number {
  return rate * frames + 0.5;
}

type Sides = Omit<Scale, 'tau' | 'perPercent'>;

function sidesOf({ metric, comparison }: Pick<Expression, 'metric' | 'comparison'>): Sides {
  const { kind, value } = comparison;
  switch (kind) {
    case 'ratio':
      return { ...sides(comparison, Math.log(value)), show: asPercentChange, unit: '%', isChange: true };
    case 'within': {
      const tolerance = value / 100;
      return {
        low: Math.log(1 - Math.min(tolerance, 0.99)),
        high: Math.log(1 + tolerance),
        show: asPercentChange,
        unit: '%',
        isChange: true,
      };
    }
    case 'offset':
      return metricRule(metric).source === 'golden'
        ? { ...sides(comparison, value / 100), show: asHundredths, unit: 'pt', isChange: true }
        : { ...sides(comparison, value), show: asIs, unit: comparison.unit, isChange: true };
    case 'absolute':
      return absoluteScale(metric, comparison);
    case 'control':
      return aboveControl({ comparison }, NOTHING_SEEN);
  }
}

function absoluteScale(metric: string, comparison: Comparison): Sides {
  const isShare = SHARES.has(metric) || metricRule(metric as Expression['metric']).source === 'golden';
  if (isShare) return { ...sides(comparison, comparison.value / 100), show: asHundredths, unit: '%', isChange: false };
  if (LOGARITHMIC.has(metric))
    return { ...sides(comparison, Math.log(comparison.value)), show: Math.exp, unit: comparison.unit, isChange: false };
  return { ...sides(comparison, comparison.value), show: asIs, unit: comparison.unit, isChange: false };
}

function sides({ relation }: Comparison, limit: number): { low: number | null; high: number | null } {
  return relation === '>=' ? { low: limit, high: null } : { low: null, high: limit };
}

/** `+4.1 %`, `-0.2 pt`, `0.21 %`. */
export function showValue(scale: Scale, value: number): string {
  const shown = scale.show(value);
  return `${scale.isChange ? signed(shown) : trim(shown)} ${unitText(scale.unit)}`;
}

/** `-1 … +11 %` */
export function showRange(scale: Scale, low: number, high: number): string {
  const text = (value: number) => (scale.isChange ? signed(scale.show(value)) : trim(scale.show(value)));
  return `${text(low)} … ${text(high)} ${unitText(scale.unit)}`;
}

function asPercentChange(value: number): number {
  return (Math.exp(value) - 1) * 100;
}

function asHundredths(value: number): number {
  return value * 100;
}

function asIs(value: number): number {
  return value;
}
