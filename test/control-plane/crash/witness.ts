// Remembers everything that the control plane has ever said to anybody, and holds its record against that: nothing that was
// said is lost or changed, nothing is there twice, and what devices are told is what the record says.
import { isDeepStrictEqual } from 'node:util';
import type { Desired, KillDocument } from '../../../shared/protocol/documents.ts';
import type { StoredDecision, StoredRecord, StoredRollout } from './stored-record.ts';

/** What a person was told about a request; `unknown`: the connection ended before an answer. */
export type Answered = 'granted' | 'refused' | 'unknown';

const ENDED: readonly string[] = ['rolled_back', 'completed', 'aborted', 'superseded'];
/** Of these a stage may have one each; holds and what ends them may come again. */
const ONCE: readonly string[] = ['start', 'promote', 'complete', 'rollback'];
const ACTS = /^(?:rollout-|kill-|incident-annotated)/;

export class Witness {
  /** By the word in its reason that no other request has. */
  readonly #requests = new Map<string, { readonly answered: Answered; readonly isLate: boolean }>();
  readonly #desired = new Map<string, Map<number, Desired>>();
  readonly #kills = new Map<string, Map<number, KillDocument>>();
  readonly #decisions = new Map<string, StoredDecision>();
  readonly #audit = new Map<number, string>();
  readonly #versions = new Map<string, number>();
  readonly #faults: string[] = [];

  /** `token`: a word in the reason. `isLate`: it may come on record after its answer, as a kill does. */
  noteRequest(token: string, answered: Answered, isLate = false): void {
    this.#requests.set(token, { answered, isLate });
  }

  noteDesired(desired: Desired): void {
    const seen = mapOf(this.#desired, `${desired.site}/${desired.device}`);
    const before = seen.get(desired.generation);
    if (before && !isDeepStrictEqual(before, desired))
      this.#faults.push(`${desired.device}: two documents with generation ${desired.generation}`);
    seen.set(desired.generation, desired);
  }

  noteKill(topic: string, document: KillDocument): void {
    const seen = mapOf(this.#kills, topic);
    const before = seen.get(document.epoch);
    if (before && !isDeepStrictEqual(before, document))
      this.#faults.push(`${topic}: two kill documents with epoch ${document.epoch}`);
    seen.set(document.epoch, document);
  }

  /** What is wrong, in words; empty: the record is whole. What it says now must still hold at the next check. */
  check(record: StoredRecord): readonly string[] {
    const found = [
      ...this.#faults.splice(0),
      ...this.#requestFaults(record, false),
      ...record.rollouts.flatMap((rollout) => decisionFaults(rollout, record)),
      ...this.#memoryFaults(record),
      ...this.#desiredFaults(record),
      ...record.rollouts.flatMap((rollout) => incidentFaults(rollout, record)),
      ...orderFaults(record),
    ];
    for (const decision of record.decisions) this.#decisions.set(keyOfDecision(decision), decision);
    for (const { seq, hash } of record.audit) this.#audit.set(seq, hash);
    for (const { id, version } of record.rollouts) this.#versions.set(id, version);
    return found;
  }

  /** What is wrong with requests whose record may follow; to be asked until nothing is. */
  checkLate(record: StoredRecord): readonly string[] {
    return this.#requestFaults(record, true);
  }

  /** Granted is on record once, refused never, and what nobody knows once at most. */
  #requestFaults({ audit }: StoredRecord, isLate: boolean): readonly string[] {
    const asked = [...this.#requests].filter(([, request]) => request.isLate === isLate);
    return asked.flatMap(([token, { answered }]) => {
      const count = countOf(audit, token);
      const isRight = answered === 'unknown' ? count <= 1 : count === (answered === 'granted' ? 1 : 0);
      return isRight ? [] : [`request "${token}" was ${answered} and is on record ${count} times`];
    });
  }

  #memoryFaults(record: StoredRecord): readonly string[] {
    const decisions = new Map(record.decisions.map((decision) => [keyOfDecision(decision), decision]));
    const audit = new Map(record.audit.map(({ seq, hash }) => [seq, hash]));
    return [
      ...[...this.#decisions].flatMap(([key, before]) =>
        isDeepStrictEqual(decisions.get(key), before) ? [] : [`decision ${key} is lost or another one now`],
      ),
      ...[...this.#audit].flatMap(([seq, hash]) =>
        audit.get(seq) === hash ? [] : [`audit row ${seq} is lost or another one now`],
      ),
      ...record.rollouts.flatMap(({ id, version }) =>
        version >= (this.#versions.get(id) ?? 0) ? [] : [`rollout ${id} went back to version ${version}`],
      ),
    ];
  }

  /** Devices never know more than the record, and no decision was written out twice. */
  #desiredFaults({ desired }: StoredRecord): readonly string[] {
    return desired.flatMap((stored) => {
      const seen = this.#desired.get(`${stored.site}/${stored.device}`) ?? new Map<number, Desired>();
      const newest = Math.max(0, ...seen.keys());
      const same = seen.get(stored.generation);
      const repeated = [...seen.values()].find((document) => {
        const next = seen.get(document.generation + 1);
        return next && isDeepStrictEqual(contentOf(next), contentOf(document));
      });
      return [
        ...(newest > stored.generation
          ? [`${stored.device} was told ${newest}, the record is at ${stored.generation}`]
          : []),
        ...(same && !isDeepStrictEqual(same, stored) ? [`${stored.device} was told another ${stored.generation}`] : []),
        ...(repeated ? [`${stored.device}: ${repeated.generation} was written out twice`] : []),
      ];
    });
  }
}

/** Rows of a person's acts that carry this word; what follows from an act may repeat its reason. */
export function countOf(audit: StoredRecord['audit'], token: string): number {
  const acts = audit.filter(({ actor, action }) => actor !== 'belay' && ACTS.test(action));
  const told = acts.filter(({ reason }) => wordsOf(reason).includes(token));
  // Of each rollout by itself: a start in place of another is told of both.
  return Math.max(
    0,
    ...Map.groupBy(told, ({ subject }) => subject)
      .values()
      .map(({ length }) => length),
  );
}

function wordsOf(text: string): readonly string[] {
  return text.split(/[^\w-]+/);
}

function mapOf<V>(maps: Map<string, Map<number, V>>, key: string): Map<number, V> {
  const known = maps.get(key) ?? new Map<number, V>();
  maps.set(key, known);
  return known;
}

function keyOfDecision({ rollout_id, seq }: StoredDecision): string {
  return `${rollout_id}/${seq}`;
}

/** Everything but its number and its time. */
function contentOf({ generation: _, issuedAtMs: __, ...content }: Desired): unknown {
  return content;
}

function decisionFaults({ id, state }: StoredRollout, record: StoredRecord): readonly string[] {
  const own = record.decisions.filter(({ rollout_id }) => rollout_id === id);
  const audited = record.audit.filter(({ subject }) => subject === `rollout/${id}`);
  const gap = own.find(({ seq }, at) => seq !== at + 1);
  const torn = own.find(({ from_state }, at) => at > 0 && from_state !== own[at - 1]?.to_state);
  const names = own
    .filter(({ kind }) => ONCE.includes(kind))
    .map(({ kind, stage, rule }) => `${kind} in ${stage} by ${rule}`);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  return [
    ...(gap ? [`${id}: no decision before seq ${gap.seq}`] : []),
    ...(torn ? [`${id}: decision ${torn.seq} begins at ${torn.from_state}`] : []),
    ...(twice ? [`${id}: decided twice: ${twice}`] : []),
    ...(own.at(-1)?.to_state === state ? [] : [`${id} is ${state}, its last decision says ${own.at(-1)?.to_state}`]),
    ...(audited.length === own.length ? [] : [`${id}: ${own.length} decisions, ${audited.length} audit rows`]),
  ];
}

function incidentFaults({ id, state, progress }: StoredRollout, record: StoredRecord): readonly string[] {
  const own = record.incidents.filter(({ rollout_id }) => rollout_id === id);
  const open = own.filter(({ closed_at_ms }) => closed_at_ms === null);
  const rolledBack = record.decisions.some(
    ({ rollout_id, to_state }) => rollout_id === id && to_state === 'rolling_back',
  );
  const isBack = rolledBack && ENDED.includes(state);
  return [
    ...(open.length > 1 ? [`${id}: ${open.length} open incidents`] : []),
    // One that makes way for another has done nothing wrong.
    ...(rolledBack && own.length === 0 && progress.endAs !== 'superseded'
      ? [`${id} rolled back without an incident`]
      : []),
    ...(ENDED.includes(state) && open.length > 0 ? [`${id} is ${state} with an open incident`] : []),
    ...(isBack === record.verifications.some(({ rollout_id }) => rollout_id === id)
      ? []
      : [`${id} is ${state}, and its rollback ${isBack ? 'was never verified' : 'is verified already'}`]),
  ];
}

/** The newest rollout rules its devices: orders and ledger were written together. */
function orderFaults({ rollouts, assignments, desired }: StoredRecord): readonly string[] {
  const rollout = rollouts.at(-1);
  if (!rollout) return [];
  const { id, state, progress } = rollout;
  const hasOrders = state !== 'rolling_back' && progress.phase !== 'committing' && !ENDED.includes(state);
  const roles = new Map(
    assignments.filter(({ rollout_id }) => rollout_id === id).map(({ device, role }) => [device, role]),
  );
  if (state === 'aborted' || state === 'scheduled') return [];
  return desired.flatMap(({ device, candidate }) => {
    const expected = hasOrders ? (roles.get(device) ?? 'none') : 'none';
    const ordered = candidate?.role ?? 'none';
    return ordered === expected
      ? []
      : [`${device} is ordered ${ordered}, the ledger of ${id} (${state}) says ${expected}`];
  });
}
