// Accepting what the control plane wants: the newest generation wins, older or equal ones are refused and shown,
// the very same document again changes nothing.
import { oneLine } from '../../shared/basics/one-line.ts';
import type { Desired } from '../../shared/protocol/documents.ts';
import type { RefusalKind } from './events.ts';
import { liftQuarantines } from './quarantine.ts';
import { type CoreState, type Holding, wallAt } from './state.ts';
import { andThen, emitting, type Turn, turn } from './turn.ts';

const REFUSALS_SHOWN_MAX = 5;
const REASON_MAX = 500;
/** Whoever can reach the broker can send any number of different texts; events are kept for ever, so they are rationed. */
const REFUSALS_TOLD_MAX = 5;
const TOLD_WITHIN_MS = 60_000;

/** Takes a verified desired document, or says why not. */
export function acceptDesired(
  state: CoreState,
  event: { document: Desired; documentDigest: string },
): Turn | { readonly refusal: RefusalKind; readonly reason: string } {
  const { document, documentDigest } = event;
  if (document.site !== state.site || document.device !== state.device)
    return { refusal: 'wrong-address', reason: `desired document for ${document.site}/${document.device}` };
  const before = state.durable.desired;
  const isSame = before?.generation === document.generation && before.documentDigest === documentDigest;
  if (isSame && state.desired !== null) return turn(state);
  if (before !== null && document.generation <= before.generation && !isSame) {
    const reason = `desired generation ${document.generation} refused: generation ${before.generation} is in force`;
    return { refusal: 'older-generation', reason };
  }
  const durable = { ...state.durable, desired: { generation: document.generation, documentDigest } };
  const accepted: CoreState = { ...state, durable, desired: document, holdings: forgive(state.holdings) };
  return andThen(turn(accepted), (next) => liftQuarantines(next, document));
}

/** Counts a refused document or message; sent once per distinct cause, and of one kind five times a minute at most. */
export function recordRefusal(state: CoreState, kind: RefusalKind, said: string, nowMs: number): Turn {
  const reason = oneLine(said, REASON_MAX);
  const refused = { ...state.refused, [kind]: (state.refused[kind] ?? 0) + 1 };
  const last = state.lastRefusals.find((known) => known.kind === kind);
  if (last?.reason === reason) return turn({ ...state, refused });
  const told = (last?.toldAtMs ?? []).filter((atMs) => nowMs - atMs < TOLD_WITHIN_MS);
  const isTold = told.length < REFUSALS_TOLD_MAX;
  const toldAtMs = isTold ? [...told, nowMs] : told;
  const entry = { kind, reason, sinceMs: wallAt(state, nowMs), toldAtMs };
  const lastRefusals = [...state.lastRefusals.filter((known) => known.kind !== kind), entry].slice(-REFUSALS_SHOWN_MAX);
  const next = { ...state, refused, lastRefusals };
  if (!isTold) return turn(next);
  return turn(next, emitting({ kind: 'document-refused', reason: `${kind}: ${reason}` }));
}

/** A newer order is a new chance for what stood still, and for a baseline that was given up. */
function forgive(holdings: ReadonlyMap<string, Holding>): ReadonlyMap<string, Holding> {
  const forgiven = [...holdings].map(
    ([digest, holding]) => [digest, { ...holding, hindrance: null, failedAtMs: null, deathsAtMs: [] }] as const,
  );
  return new Map(forgiven);
}
