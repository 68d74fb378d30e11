// The promises of the control plane, asked whenever a rollout row has been written: it ends once, stages only grow,
// nobody is flipped, no more devices than the stage says, each goes back to what it ran before.
import { keyOf } from '../../../control-plane/core/stages.ts';
import type { Draft } from '../plane/rollout-step.ts';
import type { RolloutRow, Store } from '../plane/store.ts';

type Fail = (invariant: string, message: string) => never;
type Written = {
  readonly before: RolloutRow;
  readonly after: RolloutRow;
  readonly draft: Draft;
  readonly store: Store;
};

export class RolloutChecks {
  readonly #fail: Fail;
  /** What each device ran when its rollout began, by rollout. */
  readonly #ranBefore = new Map<string, ReadonlyMap<string, string>>();
  readonly #serving = new Map<string, Set<string>>();

  constructor(fail: Fail) {
    this.#fail = fail;
  }

  onStarted(row: RolloutRow, store: Store): void {
    const ledger = store.ledgers.get(row.id) ?? [];
    this.#ranBefore.set(row.id, new Map(ledger.map((place) => [keyOf(place), place.baseline.digest])));
    this.#serving.set(row.id, new Set());
    this.#checkCohort(row, store);
  }

  onWrite(written: Written): void {
    const { before, after, draft } = written;
    if (before.endedAtMs !== null)
      this.#fail('a-rollout-ends-once', `${after.id} moved to ${after.state} after its end`);
    if (before.state === 'rolling_back' && !['rolling_back', after.progress.endAs].includes(after.state))
      this.#fail('a-rollback-stands', `${after.id} went from rolling_back to ${after.state}`);
    const grownBy = after.progress.stageIndex - before.progress.stageIndex;
    if (grownBy !== 0 && grownBy !== 1)
      this.#fail('stages-follow-each-other', `${after.id} went on by ${grownBy} stages`);
    const isForward = draft.kind === 'promote' || draft.kind === 'complete';
    if (isForward && draft.kill !== null) this.#fail('a-kill-outranks-a-promotion', `${after.id}: ${draft.kill}`);
    if (isForward && before.state === 'holding' && draft.read.state !== 'holding')
      this.#fail('a-hold-stands', `${after.id} was promoted although it was held`);
    if (draft.effect === 'assign') this.#checkCohort(after, written.store);
    if (draft.effect === 'restore') this.#checkRestored(written);
  }

  #checkCohort(row: RolloutRow, store: Store): void {
    const ledger = store.ledgers.get(row.id) ?? [];
    const stage = row.spec.stages[row.progress.stageIndex];
    const served = this.#serving.get(row.id) ?? new Set();
    for (const place of ledger) {
      const key = keyOf(place);
      const desired = store.desired.get(key)?.document.candidate;
      const isServing = desired?.rolloutId === row.id && desired.role === 'serve';
      if (served.has(key) && !isServing)
        this.#fail('a-device-is-never-flipped', `${key} lost the candidate in ${row.id}`);
      if (isServing) served.add(key);
    }
    if (stage?.mode !== 'serve') return;
    for (const site of new Set(ledger.map((place) => place.site))) {
      const here = ledger.filter((place) => place.site === site);
      const minimum = Math.min(row.spec.cohort.minPerFactory, here.length);
      const share = Math.round(((stage.percent ?? 0) / 100) * here.length);
      const quota = Math.max(minimum, share);
      const serving = here.filter((place) => served.has(keyOf(place))).length;
      if (serving !== quota)
        this.#fail(
          'the-stage-is-exact',
          `${row.id} ${stage.name}: ${serving} of ${here.length} serve at ${site}, not ${quota}`,
        );
    }
  }

  #checkRestored({ after, store }: Written): void {
    const ranBefore = this.#ranBefore.get(after.id) ?? new Map();
    for (const [key, digest] of ranBefore) {
      const document = store.desired.get(key)?.document;
      if (document?.candidate?.rolloutId === after.id)
        this.#fail('a-rollback-takes-everyone-back', `${key} still has the candidate of ${after.id}`);
      const touched = this.#serving.get(after.id)?.has(key);
      if (touched && document?.baseline.digest !== digest)
        this.#fail('back-to-what-it-ran-before', `${key} goes back to ${document?.baseline.digest}, ran ${digest}`);
    }
  }
}
