// Accepting what the control plane wants: the newest generation wins, older or equal ones are refused and shown,
// the very same document again changes nothing.
import type { Desired } from '../../shared/protocol/documents.ts';
import type { RefusalKind } from './events.ts';
import { liftQuarantines } from './quarantine.ts';
import { type CoreState, type Holding, wallAt } from './state.ts';
import { andThen, emitting, type Turn, turn } from './turn.ts';

const REFUSALS_SHOWN_MAX = 5;

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

/** Counts a refused document or message; logged and sent once per distinct cause. */
export function recordRefusal(state: CoreState, kind: RefusalKind, reason: string, nowMs: number): Turn {
  const refused = { ...state.refused, [kind]: (state.refused[kind] ?? 0) + 1 };
  const isKnown = state.lastRefusals.some((last) => last.kind === kind && last.reason === reason);
  if (isKnown) return turn({ ...state, refused });
  const entry = { kind, reason: reason.slice(0, 500), sinceMs: wallAt(state, nowMs) };
  const lastRefusals = [...state.lastRefusals.filter((last) => last.kind !== kind), entry].slice(-REFUSALS_SHOWN_MAX);
  const event = { kind: 'document-refused' as const, reason: `${kind}: ${reason}`.slice(0, 2000) };
  return turn({ ...state, refused, lastRefusals }, emitting(event));
}

/** A newer order is a new chance for what stood still, and for a baseline that was given up. */
function forgive(holdings: ReadonlyMap<string, Holding>): ReadonlyMap<string, Holding> {
  const forgiven = [...holdings].map(
    ([digest, holding]) => [digest, { ...holding, hindrance: null, failedAtMs: null, deathsAtMs: [] }] as const,
  );
  return new Map(forgiven);
}
