// What an event of the control plane is called to the outside. Pure: a decision in, the type of its event out.
import type { WebhookEvent } from '../../shared/protocol/api-webhooks.ts';

export type DecidedStep = { readonly kind: string; readonly fromState: string; readonly toState: string };

/** What a rollout has become; where it stays as it is, what was decided. */
export function rolloutEvent({ kind, fromState, toState }: DecidedStep): WebhookEvent {
  if (fromState === toState) return STAYING[kind] ?? 'dev.belay.rollout.decided.v1';
  if (toState === 'running') return kind === 'start' ? 'dev.belay.rollout.started.v1' : resumedBy(kind);
  return BECOMING[toState] ?? 'dev.belay.rollout.decided.v1';
}

function resumedBy(kind: string): WebhookEvent {
  return kind === 'promote' ? 'dev.belay.rollout.promoted.v1' : 'dev.belay.rollout.resumed.v1';
}

const STAYING: Readonly<Record<string, WebhookEvent>> = {
  promote: 'dev.belay.rollout.promoted.v1',
  extend: 'dev.belay.rollout.extended.v1',
  approve: 'dev.belay.rollout.approved.v1',
};

const BECOMING: Readonly<Record<string, WebhookEvent>> = {
  holding: 'dev.belay.rollout.held.v1',
  awaiting_approval: 'dev.belay.rollout.signoff-needed.v1',
  rolling_back: 'dev.belay.rollout.rolling-back.v1',
  rolled_back: 'dev.belay.rollout.rolled-back.v1',
  completed: 'dev.belay.rollout.completed.v1',
  aborted: 'dev.belay.rollout.aborted.v1',
};
