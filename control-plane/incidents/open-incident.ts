// When a decision opens an incident, makes it worse, or ends it; in the transaction of that decision, so that no rollback is
// without its note. The telemetry is taken by the next tick: going back never waits for it.
import type { IncidentKind } from '../../shared/protocol/api-incidents.ts';
import type { RolloutState } from '../../shared/protocol/api-rollouts.ts';
import type { Audit } from '../audit/audit.ts';
import type { Effect, Progress } from '../core/advance.ts';
import type { Queryable } from '../database/database.ts';
import { type IncidentRow, insertIncident, openIncidentOf, updateIncident } from './incident-rows.ts';

export type DecidedTransition = {
  readonly rollout: { readonly id: string; readonly state: RolloutState };
  readonly state: RolloutState;
  readonly progress: Progress;
  readonly effect: Effect;
  readonly decision: { readonly actor: string; readonly reason: string };
  readonly seq: number;
  readonly nowMs: number;
};

export async function noteIncident(
  audit: Pick<Audit, 'append'>,
  database: Queryable,
  transition: DecidedTransition,
): Promise<void> {
  const kind = incidentKind(transition);
  const open = await openIncidentOf(database, transition.rollout.id);
  if (kind !== null)
    return open ? worsen(database, open, kind, transition) : openIncident(audit, database, kind, transition);
  const isOver = ['rolled_back', 'aborted', 'superseded', 'completed', 'running'].includes(transition.state);
  if (open && isOver) await closeIncident(audit, database, open, transition);
}

/** Holds for a breach: seen by a guardrail, told by devices that went back, or frozen by the file instead of rolled back. */
const BREACHES: ReadonlySet<string> = new Set(['guardrail', 'reverts', 'frozen']);

/** Null: this transition is no incident. */
export function incidentKind({ rollout, state, progress, effect }: DecidedTransition): IncidentKind | null {
  if (effect === 'restore-factory') return 'rolled-back';
  // Nothing went wrong: a person put another candidate in its place.
  if (progress.endAs === 'superseded') return null;
  if (effect === 'restore') return progress.endAs === 'aborted' ? 'aborted' : 'rolled-back';
  // Ended with devices left as they are; the end of a rollback ends its incident instead.
  if (state === 'aborted' && rollout.state !== 'rolling_back') return 'aborted';
  if (state !== 'holding') return null;
  if (progress.holdKind === 'killed') return 'killed';
  return BREACHES.has(progress.holdKind ?? '') ? 'held' : null;
}

/** Opens it, with its audit row; what opened it is already on record. */
export async function openIncident(
  audit: Pick<Audit, 'append'>,
  database: Queryable,
  kind: IncidentKind,
  { rollout, decision, seq, nowMs, state }: Omit<DecidedTransition, 'progress' | 'effect'>,
): Promise<void> {
  const id = `i-${rollout.id}-${seq}`;
  const isOver = state === 'aborted';
  await insertIncident(database, {
    id,
    rollout_id: rollout.id,
    kind,
    title: decision.reason,
    opened_at_ms: nowMs,
    opened_seq: seq,
    latest_seq: seq,
    closed_at_ms: isOver ? nowMs : null,
    closed_because: isOver ? 'ended; devices were left as they were' : null,
    telemetry: null,
    roll_forward: null,
  });
  await audit.append(database, {
    actor: 'belay',
    action: 'incident-opened',
    subject: `incident/${id}`,
    reason: decision.reason,
    details: { rolloutId: rollout.id, kind, seq },
  });
}

/** A hold that becomes a rollback is the same incident: its name and its figures follow the newest decision. */
function worsen(
  database: Queryable,
  open: IncidentRow,
  kind: IncidentKind,
  { decision, seq, state, nowMs }: DecidedTransition,
): Promise<void> {
  const isOver = state === 'aborted';
  return updateIncident(database, open.id, {
    kind,
    title: decision.reason,
    latest_seq: seq,
    telemetry: null,
    ...(isOver ? { closed_at_ms: nowMs, closed_because: 'ended; devices were left as they were' } : {}),
  });
}

export async function closeIncident(
  audit: Pick<Audit, 'append'>,
  database: Queryable,
  open: Pick<IncidentRow, 'id' | 'rollout_id'>,
  { decision, nowMs, state }: Pick<DecidedTransition, 'decision' | 'nowMs' | 'state'>,
): Promise<void> {
  await updateIncident(database, open.id, { closed_at_ms: nowMs, closed_because: decision.reason });
  await audit.append(database, {
    actor: decision.actor,
    action: 'incident-closed',
    subject: `incident/${open.id}`,
    reason: decision.reason,
    details: { rolloutId: open.rollout_id, state },
  });
}
