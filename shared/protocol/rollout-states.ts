// The states of a rollout, and which of them are its end. No schema here: pages carry this list and nothing more.

export const ROLLOUT_STATES = [
  'draft',
  'awaiting_approval',
  'scheduled',
  'running',
  'holding',
  'rolling_back',
  'rolled_back',
  'completed',
  'aborted',
  /** Another candidate was started in its place, and its devices are back on what they ran before. */
  'superseded',
] as const;

export type RolloutState = (typeof ROLLOUT_STATES)[number];

/** Nothing is decided about it any more. */
export const ENDED: readonly RolloutState[] = ['rolled_back', 'completed', 'aborted', 'superseded'];

export function hasEnded(state: RolloutState): boolean {
  return ENDED.includes(state);
}
