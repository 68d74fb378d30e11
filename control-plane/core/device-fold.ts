// Everything that the windows of one device have told a rollout so far. Windows are taken once, in the order of their time, and only
// the latest are kept; who comes late, or asks what can no longer be told, makes its owner start again from the record.
import type { Window } from '../../shared/measure/window.ts';
import type { Expression } from '../../shared/rollout/expression.ts';
import { businessSpans } from './business-spans.ts';
import { cameraFinding, type DeviceHistory, type Keep, type Question, whyExcluded } from './history.ts';
import { isPairedShare } from './paired-hits.ts';
import { PairedSum } from './paired-sum.ts';
import { PastFold } from './past-fold.ts';
import type { Selected } from './selected.ts';
import { isDistance, isSelf } from './span-sum.ts';
import { StageFold } from './stage-fold.ts';

export class DeviceFold {
  readonly #baselineDigest: string;
  readonly #past: PastFold;
  readonly #paired = new PairedSum();
  #question: Question;
  #stage: StageFold;
  /** Since the rollout began, the latest. */
  #windows: Window[] = [];
  readonly #latestMs = { before: Number.NEGATIVE_INFINITY, since: Number.NEGATIVE_INFINITY };
  #forgottenMs = Number.NEGATIVE_INFINITY;
  #finding: string | null = null;
  /** Those whose sums are open. */
  #prepared: Keep['guardrails'] | null = null;
  #hasDistances = false;

  constructor(baselineDigest: string, question: Question) {
    this.#baselineDigest = baselineDigest;
    this.#question = question;
    this.#past = new PastFold(baselineDigest);
    this.#stage = new StageFold(baselineDigest, question);
  }

  /** False: it is older than one that was taken before, and was not taken. */
  take(window: Window, part: 'before' | 'since'): boolean {
    if (window.startAtMs < this.#latestMs[part]) return false;
    this.#latestMs[part] = window.startAtMs;
    const isInTime = this.#past.take(window, part, this.#question.candidateDigest);
    if (part === 'before') return isInTime;
    this.#windows.push(window);
    this.#finding = cameraFinding(window) ?? this.#finding;
    const why = whyExcluded(window);
    this.#stage.take(window, why);
    const { paired } = window;
    if (why === null && paired?.candidateDigest === this.#question.candidateDigest) this.#paired.take(window, paired);
    return true;
  }

  /** False: it cannot tell that any more, or never could. */
  ask(question: Question): boolean {
    if (question.candidateDigest !== this.#question.candidateDigest || !this.#past.canTell(question)) return false;
    if (!this.#stage.isOf(question)) {
      if (this.#forgottenMs >= question.stageStartedAtMs) return false;
      this.#stage = new StageFold(this.#baselineDigest, question);
      this.#prepared = null;
      for (const window of this.#windows) this.#stage.take(window, whyExcluded(window));
    }
    this.#question = question;
    if (!this.#prepare(question)) return false;
    if (question.keep) this.#forget(question.keep);
    return true;
  }

  /** An answer to what it was asked last. */
  select(as: 'candidate' | 'control', device: Omit<DeviceHistory, 'before' | 'since'>): Selected {
    const { since, excluded } = this.#stage.tell(as);
    const servesSinceMs = as === 'candidate' ? device.servesSinceMs : this.#question.servedSinceMs;
    const business = device.business && businessSpans(device.business, this.#question, servesSinceMs ?? null);
    return {
      ...(business ? { business } : {}),
      site: device.site,
      device: device.device,
      hardwareClass: device.hardwareClass,
      line: device.line,
      baselineDigest: device.baselineDigest,
      since,
      before: this.#past.tell(this.#question),
      paired: this.#paired,
      excluded,
      cameraFinding: excluded.camera === 0 ? null : this.#finding,
    };
  }

  /** Opens the sums that will be asked for; false when windows that belong to them are gone. */
  #prepare({ keep }: Question): boolean {
    if (!keep) return true;
    if (keep.guardrails !== this.#prepared) {
      if (!this.#open(keep.guardrails.map(({ expression }) => expression))) return false;
      this.#prepared = keep.guardrails;
      this.#hasDistances = keep.guardrails.some(({ expression }) => isDistance(expression));
    }
    return !this.#hasDistances || this.#openDistances();
  }

  #open(expressions: readonly Expression[]): boolean {
    for (const { metric, class: label } of expressions)
      if (isPairedShare(metric) && !this.#paired.prepare(label, metric)) return false;
    const own = expressions.filter(isSelf);
    return this.#stage.prepare(own) && this.#past.prepare(own);
  }

  /** Each time: the past may have become another one. */
  #openDistances(): boolean {
    return this.#past.prepareDistances() && this.#stage.prepareDistances(this.#past.tell(this.#question).totals);
  }

  #forget(keep: Keep): void {
    const { fromMs } = keep;
    const keepsFrom = this.#windows.findIndex(({ startAtMs, endAtMs }) => (startAtMs + endAtMs) / 2 >= fromMs);
    const gone = this.#windows.splice(0, keepsFrom === -1 ? this.#windows.length : keepsFrom);
    this.#forgottenMs = gone.at(-1)?.startAtMs ?? this.#forgottenMs;
    this.#stage.forget(fromMs);
    this.#paired.forget(fromMs);
    this.#past.close(this.#question, keep);
  }
}
