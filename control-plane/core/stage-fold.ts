// What one device has told in one stage, as a candidate and as a control: which of the two it is may change within it.
import type { Window } from '../../shared/measure/window.ts';
import type { Expression } from '../../shared/rollout/expression.ts';
import type { Totals } from './device-totals.ts';
import { carries, type Exclusion, type ExclusionCounts, type Question, type Sample, sampleOf } from './history.ts';
import { SpanSum } from './span-sum.ts';

type Told = { readonly since: SpanSum; readonly excluded: Record<Exclusion, number> };

export class StageFold {
  readonly #baselineDigest: string;
  readonly #question: Question;
  readonly #candidate = noneTold();
  readonly #control = noneTold();
  /** The candidate settles from its first window on. */
  #settledAtMs: number | null = null;

  constructor(baselineDigest: string, question: Question) {
    this.#baselineDigest = baselineDigest;
    this.#question = question;
  }

  isOf({ mode, stageStartedAtMs, settleMs }: Question): boolean {
    const own = this.#question;
    return own.mode === mode && own.stageStartedAtMs === stageStartedAtMs && own.settleMs === settleMs;
  }

  take(window: Window, why: Exclusion | null): void {
    const { candidateDigest, mode, stageStartedAtMs, settleMs } = this.#question;
    if (window.startAtMs < stageStartedAtMs) return;
    const candidate = sampleOf(window, candidateDigest, mode === 'shadow' ? 'shadow' : 'candidate');
    if (candidate !== null) {
      this.#settledAtMs ??= window.startAtMs + settleMs;
      count(this.#candidate, candidate, window.startAtMs < this.#settledAtMs ? 'settling' : why);
    }
    const control = carries(window, candidateDigest) ? null : sampleOf(window, this.#baselineDigest, 'baseline');
    if (control !== null)
      count(this.#control, control, window.startAtMs < stageStartedAtMs + settleMs ? 'settling' : why);
  }

  tell(as: 'candidate' | 'control'): { readonly since: SpanSum; readonly excluded: ExclusionCounts } {
    return as === 'candidate' ? this.#candidate : this.#control;
  }

  prepareDistances(from: Totals): boolean {
    return this.#candidate.since.prepareDistances(from) && this.#control.since.prepareDistances(from);
  }

  prepare(expressions: readonly Expression[]): boolean {
    return this.#candidate.since.prepare(expressions) && this.#control.since.prepare(expressions);
  }

  forget(beforeMs: number): void {
    this.#candidate.since.forget(beforeMs);
    this.#control.since.forget(beforeMs);
  }
}

function noneTold(): Told {
  return { since: new SpanSum(), excluded: { partial: 0, switch: 0, settling: 0, camera: 0 } };
}

function count({ since, excluded }: Told, sample: Sample, why: Exclusion | null): void {
  if (why === null) since.take(sample);
  else excluded[why] += 1;
}
