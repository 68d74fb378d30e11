// What one device did before the rollout: its windows are kept until no more can belong to it, then only what they add up to.
import type { Window } from '../../shared/measure/window.ts';
import type { Expression } from '../../shared/rollout/expression.ts';
import { baselineBefore, carries, type Keep, type Question, sampleOf, whyExcluded } from './history.ts';
import { isSelf, lazily, type Span, SpanSum } from './span-sum.ts';

type Told = {
  readonly liveSinceMs: number;
  readonly span: SpanSum;
  /** Of a device that was not there before: it counts when the device carries the candidate, and ends there. */
  readonly isNewcomer: boolean;
};

export class PastFold {
  readonly #baselineDigest: string;
  #before: Window[] = [];
  #since: Window[] = [];
  #hasCarried = false;
  /** Once no window can join any more. */
  #told: Told | null = null;

  constructor(baselineDigest: string) {
    this.#baselineDigest = baselineDigest;
  }

  /** False: it came too late to be added. */
  take(window: Window, part: 'before' | 'since', candidateDigest: string): boolean {
    const told = this.#told;
    if (part === 'since') this.#hasCarried ||= carries(window, candidateDigest);
    if (told === null) (part === 'before' ? this.#before : this.#since).push(window);
    else if (part === 'before') return false;
    else if (told.isNewcomer && !this.#hasCarried) this.#join(told.span, window);
    return true;
  }

  /** False: it was closed for another time. */
  canTell({ liveSinceMs }: Question): boolean {
    return this.#told === null || this.#told.liveSinceMs === liveSinceMs;
  }

  tell(question: Question): Span {
    const told = this.#told;
    if (told === null) return lazily(() => this.#add(question));
    return told.isNewcomer && !this.#hasCarried ? new SpanSum() : told.span;
  }

  /** False: windows that belong to it are gone. */
  prepare(expression: Expression): boolean {
    return this.#told === null || this.#told.span.prepare(expression);
  }

  /** Lets its windows go when time has passed it by. */
  close(question: Question, { guardrails }: Keep): void {
    const { liveSinceMs, mode } = question;
    const latestMs = this.#since.at(-1)?.startAtMs ?? Number.NEGATIVE_INFINITY;
    // A self-test leaves the live frames to the baseline: its time still belongs to the past.
    if (this.#told !== null || mode === 'golden' || latestMs < liveSinceMs) return;
    const span = this.#add(question);
    const isNewcomer = span.windows === 0 && !this.#hasCarried;
    for (const { expression } of guardrails) if (isSelf(expression)) span.prepare(expression);
    if (isNewcomer) for (const window of this.#since) this.#join(span, window);
    span.forget(Number.POSITIVE_INFINITY);
    this.#told = { liveSinceMs, span, isNewcomer };
    this.#before = [];
    this.#since = [];
  }

  #add(question: Question): SpanSum {
    const span = new SpanSum();
    const past = { before: this.#before, since: this.#since };
    for (const sample of baselineBefore(past, { ...question, baselineDigest: this.#baselineDigest })) span.take(sample);
    return span;
  }

  #join(span: SpanSum, window: Window): void {
    const sample = whyExcluded(window) === null ? sampleOf(window, this.#baselineDigest, 'baseline') : null;
    if (sample === null) return;
    span.take(sample);
    span.forget(Number.POSITIVE_INFINITY);
  }
}
