// The windows of a device under one release in one span of time: what they add up to, and how they scatter.
import type { Expression } from '../../shared/rollout/expression.ts';
import { metricRule } from '../../shared/rollout/metrics.ts';
import { measure } from './device-metrics.ts';
import { openTotals, type Totals, totalsOf } from './device-totals.ts';
import type { Sample } from './history.ts';
import { type Entry, KeptSums } from './kept-sums.ts';
import { confidenceDistance } from './proxy-metrics.ts';
import { type Scatter, ScatterSum } from './scatter.ts';

export type Span = {
  readonly windows: number;
  readonly totals: Totals;
  /** Of the values that windows show, on the comparison scale. */
  readonly scatter: (expression: Expression) => Scatter;
  /** Of how far each window is from this in how sure its answers are; `from` is a past that does not change any more. */
  readonly distances: (from: Totals) => Scatter;
  /** Those whose middle lies in these times. */
  readonly between: (fromMs: number, toMs: number) => Span;
  /** The sum behind it: the same one as long as windows are only added. */
  readonly opened: Span;
};

/** A window on its own. What it adds up to is at hand while sums take it, and not kept: windows are many. */
class One implements Entry {
  readonly startAtMs: number;
  readonly endAtMs: number;
  readonly sample: Sample;
  #totals: Totals | null = null;

  constructor(sample: Sample) {
    this.sample = sample;
    this.startAtMs = sample.window.startAtMs;
    this.endAtMs = sample.window.endAtMs;
  }

  get totals(): Totals {
    this.#totals ??= totalsOf([this.sample]);
    return this.#totals;
  }

  letGo(): void {
    this.#totals = null;
  }
}

export class SpanSum implements Span {
  readonly #totals = openTotals();
  readonly #ones: KeptSums<One, SpanSum> = new KeptSums(() => new SpanSum());

  get windows(): number {
    return this.#ones.count;
  }

  get totals(): Totals {
    return this.#totals;
  }

  get opened(): Span {
    return this;
  }

  take(sample: Sample): void {
    this.add(new One(sample));
  }

  add(one: One): void {
    this.#totals.add(one.sample);
    this.#ones.add(one);
  }

  scatter(expression: Expression): Scatter {
    return this.#ones.sum(nameOf(expression), () => openScatter(expression)).read();
  }

  distances(from: Totals): Scatter {
    return this.#ones.sum(distanceName(from), () => openDistances(from)).read();
  }

  between(fromMs: number, toMs: number): Span {
    return new LateSpan(() => this.#ones.between(fromMs, toMs));
  }

  /** Will be asked for when windows are forgotten; false when it is too late. */
  prepare(expressions: readonly Expression[]): boolean {
    return this.#ones.prepare(
      new Map(expressions.map((expression) => [nameOf(expression), () => openScatter(expression)])),
    );
  }

  prepareDistances(from: Totals): boolean {
    return this.#ones.prepare(new Map([[distanceName(from), () => openDistances(from)]]));
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

function openDistances({ scoreBins }: Totals) {
  const sum = new ScatterSum();
  // As it is now: the past of a newcomer may still grow, and is another one then.
  const from = { scoreBins: [...scoreBins] };
  const add = ({ totals }: One): void => {
    const value = confidenceDistance(totals, from);
    if (value !== null) sum.add(value);
  };
  return { add, read: () => sum.read() };
}

function distanceName({ scoreBins }: Totals): string {
  return `distance from ${scoreBins.join()}`;
}

/** What two expressions must share to be measured alike: the limit plays no part. */
export function nameOf({ metric, aggregate, class: label }: Expression): string {
  return label === null ? `${aggregate} ${metric}` : `${aggregate} ${metric} ${label}`;
}

/** Whether each release is measured for itself on a device. */
export function isSelf({ metric }: Expression): boolean {
  return metricRule(metric).source === 'self';
}

/** Whether it compares the windows of a device with its whole past. */
export function isDistance({ metric }: Expression): boolean {
  return metric === 'confidence_js';
}

/** Most spans are cut out and never looked at. */
export class LateSpan implements Span {
  readonly #open: () => Span;
  #opened: Span | null = null;

  constructor(open: () => Span) {
    this.#open = open;
  }

  get opened(): Span {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  get windows(): number {
    return this.opened.windows;
  }

  get totals(): Totals {
    return this.opened.totals;
  }

  scatter(expression: Expression): Scatter {
    return this.opened.scatter(expression);
  }

  distances(from: Totals): Scatter {
    return this.opened.distances(from);
  }

  between(fromMs: number, toMs: number): Span {
    return this.opened.between(fromMs, toMs);
  }
}
