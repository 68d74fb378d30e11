// The scale on which devices are compared (logarithms for what multiplies) and the one on which people read changes, and the
// limit of an expression on the former.

import type { Expression } from '../../shared/rollout/expression.ts';
import { signed, trim, unitText } from '../../shared/rollout/expression-text.ts';

/** How far a change lies beyond the limit, on the scale of the metric; 0 or less: within it. */
export function excessOf(value: number, { metric, comparison }: Expression): number {
  const { kind, relation, value: limit } = comparison;
  if (kind === 'within') return Math.abs(value) - Math.log(1 + limit / 100);
  const onScale = kind === 'ratio' ? Math.log(limit) : kind === 'offset' ? limit : absoluteOnScale(limit, metric);
  return relation === '<=' ? value - onScale : onScale - value;
}

/** A value of the metric's scale as people read it: percent, the unit of the limit, or the plain value. */
export function displayOf(value: number, { metric, comparison }: Expression): number {
  if (comparison.kind === 'ratio' || comparison.kind === 'within') return (Math.exp(value) - 1) * 100;
  if (comparison.kind === 'offset' || !isLogarithmic(metric)) return value;
  return isShare(metric) ? Math.exp(value) * 100 : Math.exp(value);
}

export function textOf(value: number, expression: Expression): string {
  const { kind, unit } = expression.comparison;
  const shown = displayOf(value, expression);
  if (kind === 'absolute') return `${trim(shown)} ${unitText(unit)}`;
  return `${signed(shown)} ${kind === 'offset' ? unitText(unit) : '%'}`;
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

/** Of the mean of these; null with fewer than two. */
export function standardError(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const mean = meanOf(values);
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

function absoluteOnScale(limit: number, metric: Expression['metric']): number {
  if (!isLogarithmic(metric)) return limit;
  return Math.log(isShare(metric) ? limit / 100 : limit);
}

function isShare(metric: Expression['metric']): boolean {
  return metric === 'errors' || metric === 'dropped';
}

function isLogarithmic(metric: Expression['metric']): boolean {
  return metric !== 'soc_temp_c';
}
