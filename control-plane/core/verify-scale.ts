// Small numbers of the verification: how far a change lies beyond its limit, and how sure a mean of windows is.
import type { Expression } from '../../shared/rollout/expression.ts';
import { mean, measure, measureWindows } from './device-metrics.ts';
import { totalsOf } from './device-totals.ts';
import { scaleOf } from './guardrails.ts';
import type { Sample } from './history.ts';

/** `perWindow`: the same seen by each window, for the scatter. */
export type Measured = { readonly value: number; readonly perWindow: readonly number[] };

/** On the scale on which the expression is compared: a plain share for a plain limit on a rate, else as measured. */
export function measureToVerify(samples: readonly Sample[], expression: Expression): Measured | null {
  const value = measure(totalsOf(samples), expression);
  if (value === null) return null;
  const found = { value, perWindow: measureWindows(samples, expression) };
  const isShare = expression.metric === 'errors' || expression.metric === 'dropped';
  if (!isShare || expression.comparison.kind !== 'absolute') return found;
  return { value: Math.exp(found.value), perWindow: found.perWindow.map(Math.exp) };
}

/** How far a value lies beyond the limit; 0 or less: within it. */
export function excessOf(value: number, expression: Expression): number {
  const { low, high } = scaleOf(expression);
  return Math.max(
    high === null ? Number.NEGATIVE_INFINITY : value - high,
    low === null ? Number.NEGATIVE_INFINITY : low - value,
  );
}

/** Of the mean of these; null with fewer than two. */
export function standardError(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const middle = mean(values);
  const squares = values.reduce((total, value) => total + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}
