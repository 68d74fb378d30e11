// The windows of a device in which both releases saw the same frames: what they add up to, and how they scatter.
import type { Paired, Window } from '../../shared/measure/window.ts';
import type { Hits } from './device-metrics.ts';
import { type Entry, KeptSums } from './kept-sums.ts';
import { type PairedShare, pairedHits } from './paired-hits.ts';
import { addHitScatter, type HitScatter, NO_HITS, type Scatter, ScatterSum } from './scatter.ts';

export type PairedSpan = {
  readonly hits: (label: string | null, metric: PairedShare) => Hits & { readonly windows: HitScatter };
  /** Candidate's share of borderline boxes minus the baseline's, in points; null without boxes. */
  readonly border: () => { readonly change: number | null; readonly windows: Scatter };
  readonly baselineBoxes: number;
  /** Frames that the shadow was offered, and those of them that were compared. */
  readonly offered: number;
  readonly compared: number;
  readonly between: (fromMs: number, toMs: number) => PairedSpan;
};

type One = Entry & { readonly window: Window; readonly paired: Paired };

export class PairedSum implements PairedSpan {
  readonly #ones: KeptSums<One, PairedSum> = new KeptSums(() => new PairedSum());
  readonly #borders = new ScatterSum();
  #boxes: Boxes = { baselineBoxes: 0, baselineBorderline: 0, candidateBoxes: 0, candidateBorderline: 0 };
  #offered = 0;
  #compared = 0;

  get baselineBoxes(): number {
    return this.#boxes.baselineBoxes;
  }

  get offered(): number {
    return this.#offered;
  }

  get compared(): number {
    return this.#compared;
  }

  take(window: Window, paired: Paired): void {
    this.add({ startAtMs: window.startAtMs, endAtMs: window.endAtMs, window, paired });
  }

  add(one: One): void {
    const { paired } = one;
    const border = borderChange(paired);
    if (border !== null) this.#borders.add(border);
    this.#boxes = {
      baselineBoxes: this.#boxes.baselineBoxes + paired.baselineBoxes,
      baselineBorderline: this.#boxes.baselineBorderline + paired.baselineBorderline,
      candidateBoxes: this.#boxes.candidateBoxes + paired.candidateBoxes,
      candidateBorderline: this.#boxes.candidateBorderline + paired.candidateBorderline,
    };
    this.#offered += paired.offered;
    this.#compared += Math.min(paired.frames, paired.offered);
    this.#ones.add(one);
  }

  hits(label: string | null, metric: PairedShare): Hits & { readonly windows: HitScatter } {
    return this.#ones.sum(nameOf(label, metric), () => openHits(label, metric)).read();
  }

  border(): { readonly change: number | null; readonly windows: Scatter } {
    return { change: borderChange(this.#boxes), windows: this.#borders.read() };
  }

  between(fromMs: number, toMs: number): PairedSpan {
    return new LatePaired(() => this.#ones.between(fromMs, toMs));
  }

  /** Will be asked for when windows are forgotten; false when it is too late. */
  prepare(label: string | null, metric: PairedShare): boolean {
    return this.#ones.prepare(new Map([[nameOf(label, metric), () => openHits(label, metric)]]));
  }

  forget(beforeMs: number): void {
    this.#ones.forget(beforeMs);
  }
}

/** Most spans are cut out and never looked at. */
class LatePaired implements PairedSpan {
  readonly #open: () => PairedSpan;
  #opened: PairedSpan | null = null;

  constructor(open: () => PairedSpan) {
    this.#open = open;
  }

  get #span(): PairedSpan {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  get baselineBoxes(): number {
    return this.#span.baselineBoxes;
  }

  get offered(): number {
    return this.#span.offered;
  }

  get compared(): number {
    return this.#span.compared;
  }

  hits(label: string | null, metric: PairedShare): ReturnType<PairedSpan['hits']> {
    return this.#span.hits(label, metric);
  }

  border(): ReturnType<PairedSpan['border']> {
    return this.#span.border();
  }

  between(fromMs: number, toMs: number): PairedSpan {
    return this.#span.between(fromMs, toMs);
  }
}

function openHits(label: string | null, metric: PairedShare) {
  let sum: Hits & { readonly windows: HitScatter } = { hits: 0, total: 0, windows: NO_HITS };
  const add = ({ window }: One): void => {
    const one = pairedHits(window, label, metric);
    sum = {
      hits: sum.hits + one.hits,
      total: sum.total + one.total,
      windows: addHitScatter(sum.windows, one),
    };
  };
  return { add, read: () => sum };
}

function nameOf(label: string | null, metric: string): string {
  return label === null ? metric : `${metric} ${label}`;
}

type Boxes = Pick<Paired, 'baselineBoxes' | 'baselineBorderline' | 'candidateBoxes' | 'candidateBorderline'>;

function borderChange({
  baselineBoxes,
  baselineBorderline,
  candidateBoxes,
  candidateBorderline,
}: Boxes): number | null {
  if (baselineBoxes === 0 || candidateBoxes === 0) return null;
  return (candidateBorderline / candidateBoxes - baselineBorderline / baselineBoxes) * 100;
}
