// What one device did before the rollout: its windows are kept until no more can belong to it, then only what they add up to.
import type { Window } from '../../shared/measure/window.ts';
import type { Expression } from '../../shared/rollout/expression.ts';
import { carries, type Keep, type Question, sampleOf, whyExcluded } from './history.ts';
import { beginningOf, type Counted, countedOf, type PastTimes, pastOf, samplesOf, timesOf } from './past-choice.ts';
import { isDistance, isSelf, LateSpan, type Span, SpanSum } from './span-sum.ts';

type Added = {
  readonly span: SpanSum;
  /** Null: there was no past when the rollout went live. */
  readonly chosen: { readonly times: PastTimes; readonly counted: Counted } | null;
};

type Told = Added & {
  readonly liveSinceMs: number;
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

  /** False: it was closed for another time, or with other hours of the day. */
  canTell({ liveSinceMs, past }: Question): boolean {
    const told = this.#told;
    if (told === null) return true;
    const isChosen = told.chosen === null || countedOf(told.chosen.times, past) === told.chosen.counted;
    return isChosen && told.liveSinceMs === liveSinceMs;
  }

  tell(question: Question): Span {
    const told = this.#told;
    if (told === null) return new LateSpan(() => this.#add(question).span);
    return told.isNewcomer && !this.#hasCarried ? new SpanSum() : told.span;
  }

  /** False: windows that belong to it are gone. */
  prepare(expressions: readonly Expression[]): boolean {
    return this.#told === null || this.#told.span.prepare(expressions);
  }

  /** False: what windows were as far from as they are is known only now. */
  prepareDistances(): boolean {
    const told = this.#told;
    if (told === null || (told.isNewcomer && !this.#hasCarried)) return true;
    return !told.isNewcomer && told.span.prepareDistances(told.span.totals);
  }

  /** Lets its windows go when time has passed it by. */
  close(question: Question, { guardrails }: Keep): void {
    const { liveSinceMs, mode } = question;
    const latestMs = this.#since.at(-1)?.startAtMs ?? Number.NEGATIVE_INFINITY;
    // A self-test leaves the live frames to the baseline: its time still belongs to the past.
    if (this.#told !== null || mode === 'golden' || latestMs < liveSinceMs) return;
    const { span, chosen } = this.#add(question);
    const isNewcomer = chosen === null && !this.#hasCarried;
    span.prepare(guardrails.map(({ expression }) => expression).filter(isSelf));
    if (guardrails.some(({ expression }) => isDistance(expression))) span.prepareDistances(span.totals);
    if (isNewcomer) for (const window of this.#since) this.#join(span, window);
    span.forget(Number.POSITIVE_INFINITY);
    this.#told = { liveSinceMs, span, chosen, isNewcomer };
    this.#before = [];
    this.#since = [];
  }

  #add(question: Question): Added {
    const span = new SpanSum();
    const device = { before: this.#before, since: this.#since, baselineDigest: this.#baselineDigest };
    const past = pastOf(device, question);
    const chosen = past.length === 0 ? null : chosenOf(timesOf(past), question);
    const samples = chosen ? samplesOf(past, chosen.counted, question.past) : beginningOf(device, question);
    for (const sample of samples) span.take(sample);
    return { span, chosen };
  }

  #join(span: SpanSum, window: Window): void {
    const sample = whyExcluded(window) === null ? sampleOf(window, this.#baselineDigest, 'baseline') : null;
    if (sample === null) return;
    span.take(sample);
    span.forget(Number.POSITIVE_INFINITY);
  }
}

function chosenOf(times: PastTimes, { past }: Question): Added['chosen'] {
  return { times, counted: countedOf(times, past) };
}
