// The door of the rollouts room: plan, start, act, look, and one tick of everything that runs. Rollouts live in the database;
// only the windows already read are kept here, and they can be read again.
import type { DryRun } from '../../shared/protocol/api-dry-run.ts';
import type { RevisionActBody, RevisionVerb, RolloutEditBody } from '../../shared/protocol/api-revisions.ts';
import type { RolloutArms } from '../../shared/protocol/api-rollout-arms.ts';
import type { RolloutCourse, RolloutEvidence } from '../../shared/protocol/api-rollout-charts.ts';
import type {
  RolloutActBody,
  RolloutPlanAnswer,
  RolloutSummary,
  RolloutVerb,
  RolloutView,
  RolloutWhy,
} from '../../shared/protocol/api-rollouts.ts';
import type { Decision, PersonRequest } from '../core/decision.ts';
import { type Expected, isExpected } from '../core/expected.ts';
import { type Acted, actedOf, whyNotNow } from './acted.ts';
import { tendAftermath } from './aftermath.ts';
import { type Archived, readArchive } from './archive.ts';
import { ArmShelf } from './arms.ts';
import { listDecisions } from './decisions.ts';
import { isDue } from './due.ts';
import { foreseeAct } from './foresee-act.ts';
import { HeadReader, type RolloutPageQuery } from './head-reader.ts';
import { readLedger } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import { courseOf, evidenceOf, type Seen } from './pictures.ts';
import { type Planned, planRollout } from './planner.ts';
import { killOf, readActiveKills } from './readings.ts';
import { type Edited, editRollout, settleProposal } from './revise.ts';
import { listRevisions } from './revisions.ts';
import { findRollout, listActive, type Rollout } from './rollout-rows.ts';
import type { StepInput } from './situation.ts';
import { SpecShelf } from './spec-shelf.ts';
import { findStale, staleRollout } from './stale.ts';
import { type Foreseen, foreseeStart, type Started, type StartInput, type StartRights, startRollout } from './start.ts';
import { type StepResult, stepRollout } from './step.ts';
import { headOf, killOfHead, type RolloutHead, summarise } from './summary.ts';
import { readVerification } from './verifications.ts';
import { type ViewFacts, viewRollout, whyRollout } from './view.ts';
import { WindowReader } from './window-reader.ts';
import { scopeOf, type WindowScope } from './window-rows.ts';

/** Decisions shown with a rollout; all of them stay in the database. */
const DECISIONS_SHOWN = 50;

export class Rollouts {
  readonly #parts: RolloutParts;
  readonly #specs = new SpecShelf();
  readonly #heads: HeadReader;
  readonly #arms = new ArmShelf();
  readonly #readers = new Map<string, { readonly scope: WindowScope; readonly reader: WindowReader }>();
  /** What running rollouts were last judged by; after a restart, decisions have it. */
  readonly #seen = new Map<string, Seen>();
  /** Steps run one after the other: a person's verb never interleaves with a tick. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(parts: RolloutParts) {
    this.#parts = parts;
    this.#heads = new HeadReader(parts.database);
  }

  async plan(fileText: string): Promise<RolloutPlanAnswer> {
    const planned = await this.planned(fileText);
    const outlook = { outlook: null, outlookMissing: null };
    if (planned.kind === 'refused') return { plan: null, problems: [...planned.problems], ...outlook };
    return { plan: planned.plan, problems: [], ...outlook };
  }

  /** The plan with what it was made from. */
  planned(fileText: string): Promise<Planned> {
    return planRollout(this.#parts, fileText);
  }

  /** Those that have not ended. */
  running(): Promise<readonly Rollout[]> {
    return listActive(this.#parts.database);
  }

  start(input: StartInput, rights?: StartRights): Promise<Started> {
    return this.#alone(() => startRollout(this.#parts, input, rights));
  }

  async list(): Promise<readonly RolloutSummary[]> {
    return this.#summarise(await this.#heads.list());
  }

  /** Newest first. */
  async page(query: RolloutPageQuery): Promise<readonly RolloutSummary[]> {
    return this.#summarise(await this.#heads.page(query));
  }

  async #summarise(heads: readonly RolloutHead[]): Promise<readonly RolloutSummary[]> {
    const kills = await readActiveKills(this.#parts.database);
    const nowMs = this.#parts.wallNow();
    return heads.map((head) => summarise({ head, spec: this.#specs.of(head), kill: killOfHead(kills, head), nowMs }));
  }

  /** One line of `list`; null when there is none. */
  async summary(id: string): Promise<RolloutSummary | null> {
    const rollout = await findRollout(this.#parts.database, id);
    return rollout && ((await this.#summarise([headOf(rollout)]))[0] ?? null);
  }

  /** By id, or the newest of that name; null when there is none. */
  async get(idOrName: string): Promise<RolloutView | null> {
    const facts = await this.#viewFacts(idOrName);
    return facts && viewRollout(facts);
  }

  async why(idOrName: string): Promise<RolloutWhy | null> {
    const facts = await this.#viewFacts(idOrName);
    return facts && whyRollout(facts);
  }

  /** How its verdicts went; null when there is no such rollout. */
  async course(idOrName: string): Promise<RolloutCourse | null> {
    const rollout = await findRollout(this.#parts.database, idOrName);
    return rollout && courseOf(this.#parts, rollout, this.#specs.of(rollout));
  }

  /** What its newest verdicts rest on; `guardrail`: the one whose devices are wanted one by one. */
  async evidence(idOrName: string, guardrail: string | null): Promise<RolloutEvidence | null> {
    const rollout = await findRollout(this.#parts.database, idOrName);
    return rollout && evidenceOf(this.#parts, { rollout, seen: this.#seen.get(rollout.id) ?? null, guardrail });
  }

  /** What both releases do by themselves; null when there is no such rollout. */
  arms(idOrName: string): Promise<RolloutArms | null> {
    return this.#arms.of(this.#parts, idOrName, this.#seen);
  }

  /** What its file asked to keep; null when there is no such rollout. */
  async archive(idOrName: string): Promise<readonly Archived[] | null> {
    const rollout = await findRollout(this.#parts.database, idOrName);
    return rollout && readArchive(this.#parts.database, rollout.id);
  }

  /** A person's verb enters at the same table as everything else, and may be outranked there. */
  act(idOrName: string, verb: RolloutVerb, body: RolloutActBody, expected: Expected = null): Promise<Acted> {
    const request = {
      verb,
      actor: body.actor,
      reason: body.reason,
      override: body.override ?? false,
      keep: body.keep ?? false,
      ...(body.planHash === undefined ? {} : { planHash: body.planHash }),
    };
    return this.#alone(async () => {
      const rollout = await findRollout(this.#parts.database, idOrName);
      if (rollout === null) return { kind: 'not-found' };
      if (!isExpected(expected, rollout.version)) return staleRollout(this.#parts.database, rollout);
      const reason = whyNotNow(rollout, verb);
      if (reason !== null) return { kind: 'refused', reason };
      if (await this.#keepsFailing(rollout, request))
        return { kind: 'refused', reason: 'its candidate fails on purpose (a drill): it is rolled back, never kept' };
      const result = await this.#step(rollout, request, this.#parts.wallNow());
      return actedOf(result, request);
    });
  }

  /** What a person's verb would do as things stand; null: there is no such rollout. */
  async foresee(
    idOrName: string,
    verb: RolloutVerb,
    { keep = false }: Pick<RolloutActBody, 'keep'>,
  ): Promise<DryRun | null> {
    const facts = await this.#viewFacts(idOrName);
    if (facts === null || facts.spec === null) return null;
    const reason = whyNotNow(facts.rollout, verb);
    return foreseeAct({ ...facts, spec: facts.spec, verb, keep, refusals: reason === null ? [] : [reason] });
  }

  /** What a start would do: the plan, and what stands in its way. */
  foreseeStart(input: StartInput): Promise<Foreseen> {
    return foreseeStart(this.#parts, input);
  }

  /** A release that a drill has made may not go one device further, nor stay where it is. */
  async #keepsFailing({ candidate }: Rollout, { verb, keep }: PersonRequest): Promise<boolean> {
    if (verb !== 'promote' && !(verb === 'abort' && keep)) return false;
    const release = await this.#parts.registry.get(candidate.digest);
    return (release?.manifest as { readonly drill?: unknown } | undefined)?.drill !== undefined;
  }

  /** Other words for a rollout that goes on; what loosens waits for approval. */
  edit(idOrName: string, body: RolloutEditBody, expected: Expected = null): Promise<Edited> {
    return this.#alone(async () => {
      const stale = await findStale(this.#parts.database, idOrName, expected);
      return stale ?? editRollout(this.#parts, idOrName, body);
    });
  }

  settle(
    idOrName: string,
    act: RevisionActBody & { verb: RevisionVerb; number: number },
    expected: Expected = null,
  ): Promise<Edited> {
    return this.#alone(async () => {
      const stale = await findStale(this.#parts.database, idOrName, expected);
      return stale ?? settleProposal(this.#parts, idOrName, act);
    });
  }

  /** One decision on every rollout that has not ended. One that fails does not stop the others. */
  async tick(nowMs: number): Promise<void> {
    const failures: unknown[] = [];
    await this.#alone(async () => {
      const active = await listActive(this.#parts.database);
      for (const id of this.#readers.keys()) if (!active.some((rollout) => rollout.id === id)) this.#readers.delete(id);
      for (const id of this.#seen.keys()) if (!active.some((rollout) => rollout.id === id)) this.#seen.delete(id);
      for (const rollout of active) {
        if (!isDue(rollout, this.#specs.of(rollout), nowMs)) continue;
        await this.#step(rollout, null, nowMs).catch((error: unknown) => failures.push(error));
      }
      await tendAftermath(this.#parts, nowMs).catch((error: unknown) => failures.push(error));
    });
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} rollouts could not be decided on`);
  }

  async #step(rollout: Rollout, request: PersonRequest | null, nowMs: number): Promise<StepResult> {
    const windows = this.#readerOf(rollout);
    const devices = await this.#parts.devices.list();
    const result = await stepRollout(this.#parts, { rollout, devices, windows, request, nowMs });
    this.#remember(rollout.id, result);
    if (result.kind === 'done' && LOOKED_AT_AGAIN.includes(result.decision?.kind ?? 'wait'))
      await this.#lookAgain(rollout.id, { devices, windows, nowMs });
    return result;
  }

  /** Right after a promotion what is shown must be about the new stage; right after the last approval it is promoted. */
  async #lookAgain(id: string, seen: Pick<StepInput, 'devices' | 'windows' | 'nowMs'>): Promise<void> {
    const rollout = await findRollout(this.#parts.database, id);
    if (rollout === null) return;
    const windows = this.#readerOf(rollout);
    this.#remember(id, await stepRollout(this.#parts, { ...seen, windows, rollout, request: null }));
  }

  /** Evidence of a stage that has just begun is none: what was seen before stays until there is some. */
  #remember(id: string, result: StepResult): void {
    if (result.kind === 'done' && result.seen !== undefined && result.seen.evidence.length > 0)
      this.#seen.set(id, result.seen);
  }

  #readerOf(rollout: Rollout): WindowReader {
    const scope = scopeOf(rollout, this.#specs.of(rollout)?.analysis.baselineWindow.from);
    const known = this.#readers.get(rollout.id);
    if (known?.scope.beganAtMs === scope.beganAtMs && known.scope.pastMs === scope.pastMs) return known.reader;
    const reader = new WindowReader(scope);
    this.#readers.set(rollout.id, { scope, reader });
    return reader;
  }

  async #viewFacts(idOrName: string): Promise<ViewFacts | null> {
    const { database, devices, wallNow } = this.#parts;
    const rollout = await findRollout(database, idOrName);
    if (rollout === null) return null;
    return {
      rollout,
      spec: this.#specs.of(rollout),
      ledger: await readLedger(database, rollout.id, rollout.plan),
      devices: await devices.list(),
      decisions: await listDecisions(database, rollout.id, DECISIONS_SHOWN),
      kill: killOf(await readActiveKills(database), rollout),
      verification: await readVerification(database, rollout.id),
      revisions: await listRevisions(database, rollout),
      nowMs: wallNow(),
    };
  }

  /** Between two steps: what is read and written there meets no tick. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#alone(work);
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#queue.then(work, work);
    this.#queue = next.catch(() => undefined);
    return next;
  }
}

export function openRollouts(parts: RolloutParts): Rollouts {
  return new Rollouts(parts);
}

const LOOKED_AT_AGAIN: readonly Decision['kind'][] = ['start', 'approve', 'promote'];
