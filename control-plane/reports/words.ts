// Figures and times as the written documents show them: the same in Markdown and HTML, in UTC, the same on every machine.
import { signed, trim, unitText } from '../../shared/rollout/expression-text.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';

/** `2026-11-21 18:45:47 UTC` */
export function time(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

export function number(value: number | null, digits = 1): string {
  return value === null ? '–' : value.toFixed(digits);
}

type Ranged = Pick<Verdict, 'limitText' | 'unit'>;

/** Changes carry a sign and plain values do not, exactly as their limit is written. */
export function figure({ limitText, unit }: Ranged, value: number | null): string {
  if (value === null) return '–';
  return `${/[+±-]/.test(limitText) ? signed(value) : trim(value)} ${unitText(unit)}`.trimEnd();
}

export function range(verdict: Ranged & { readonly low: number | null; readonly high: number | null }): string {
  if (verdict.low === null || verdict.high === null) return '–';
  return `${figure({ ...verdict, unit: '' }, verdict.low)} … ${figure(verdict, verdict.high)}`;
}

export function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`;
}
