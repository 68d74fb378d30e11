// The windows of a device under one release in one span of time: what they add up to, and how they scatter.
import type { Expression } from '../../shared/rollout/expression.ts';
import { metricRule } from '../../shared/rollout/metrics.ts';
import { measure } from './device-metrics.ts';
import { openTotals, type Totals, totalsOf } from './device-totals.ts';
import type { Sample } from './history.ts';
import { type Entry, KeptSums } from './kept-sums.ts';
import { type Scatter, ScatterSum } from './scatter.ts';

export type Span = {
  readonly windows: number;
  readonly totals: Totals;
  /** Of the values that windows show, on the comparison scale. */
  readonly scatter: (expression: Expression) => Scatter;
  /** Those whose middle lies in these times. */
  readonly between: (fromMs: number, toMs: number) => Span;
};

/** A window on its own. */
type One = Entry & { readonly sample: Sample; readonly totals: Totals };

export class SpanSum implements Span {
  readonly #totals = openTotals();
  readonly #ones: KeptSums<One, SpanSum> = new KeptSums(() => new SpanSum());

  get windows(): number {
    return this.#ones.count;
  }

  get totals(): Totals {
    return this.#totals;
  }

  take(sample: Sample): void {
    const { startAtMs, endAtMs } = sample.window;
    this.add({ startAtMs, endAtMs, sample, totals: totalsOf([sample]) });
  }

  add(one: One): void {
    this.#totals.add(one.sample);
    this.#ones.add(one);
  }

  scatter(expression: Expression): Scatter {
    return this.#ones.sum(nameOf(expression), () => openScatter(expression)).read();
  }

  between(fromMs: number, toMs: number): Span {
    return lazily(() => this.#ones.between(fromMs, toMs));
  }

  /** Will be asked for when windows are forgotten; false when it is too late. */
  prepare(expression: Expression): boolean {
    return this.#ones.prepare(nameOf(expression), () => openScatter(expression));
  }

  forget(beforeMs: number): void {
    this.#ones.forget(beforeMs);
  }
}

function openScatter(expression: Expression) {
  const sum = new ScatterSum();
  const add = ({ totals }: One): void => {
    const value = measure(totals, expression);
    if (value !== null) sum.add(value);
  };
  return { add, read: () => sum.read() };
}

/** What two expressions must share to be measured alike: the limit plays no part. */
export function nameOf({ metric, aggregate, class: label }: Expression): string {
  return label === null ? `${aggregate} ${metric}` : `${aggregate} ${metric} ${label}`;
}

/** Whether each release is measured for itself on a device. */
export function isSelf({ metric }: Expression): boolean {
  return metricRule(metric).source === 'self';
}

/** Most spans are cut out and never looked at. */
export function lazily(open: () => Span): Span {
  let opened: Span | null = null;
  const span = (): Span => {
    opened ??= open();
    return opened;
  };
  return {
    get windows() {
      return span().windows;
    },
    get totals() {
      return span().totals;
    },
    scatter: (expression) => span().scatter(expression),
    between: (fromMs, toMs) => span().between(fromMs, toMs),
  };
}
