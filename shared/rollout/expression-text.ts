// A guardrail expression in words for people: what it measures and its limit.
import type { Comparison, Expression } from './expression.ts';
import { metricRule } from './metrics.ts';

/** `p95 latency`, `golden recall of small micro-crack`, `confident detections lost of micro-crack`. */
export function describeMetric(expression: Expression): string {
  const rule = metricRule(expression.metric);
  const quantile = /^p\d+$/.test(expression.aggregate) ? `${expression.aggregate} ` : '';
  const object = [expression.size, expression.class].filter((part) => part !== null).join(' ');
  const slope = expression.aggregate === 'slope' ? ' per hour' : '';
  return `${quantile}${rule.title}${slope}${object === '' ? '' : ` of ${object}`}`;
}

/** `≤ +10 %`, `≥ -5 %`, `≤ +5 °C`, `≥ -3 pt`, `≤ 0.5 %`, `within ±15 %`. */
export function describeLimit(comparison: Comparison): string {
  if (comparison.kind === 'within') return `within ±${trim(comparison.value)} %`;
  const sign = comparison.relation === '<=' ? '≤' : '≥';
  if (comparison.kind === 'ratio') return `${sign} ${signed((comparison.value - 1) * 100)} %`;
  if (comparison.kind === 'control') return `${sign} the controls ${signed(comparison.value)} ${comparison.unit}`;
  if (comparison.kind === 'offset') return `${sign} ${signed(comparison.value)} ${unitText(comparison.unit)}`;
  return `${sign} ${trim(comparison.value)} ${unitText(comparison.unit)}`.trimEnd();
}

export function unitText(unit: string): string {
  return unit === 'C' ? '°C' : unit;
}

/** `+4.1`, `-0.2`, `+12`: three significant digits at most, always with its sign. */
export function signed(value: number): string {
  const text = trim(Math.abs(value));
  return value < 0 && text !== '0' ? `-${text}` : `+${text}`;
}

/** Up to three significant digits, without needless zeros. */
export function trim(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  const magnitude = Math.abs(value);
  const digits = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}
