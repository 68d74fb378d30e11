// One turn of the reducer: the new state and what is to be done. Folds are chained, their effects kept in order.
import type { Effect, EventFields } from './effects.ts';
import type { CoreState } from './state.ts';

export type Turn = { readonly state: CoreState; readonly effects: readonly Effect[] };

export function turn(state: CoreState, ...effects: Effect[]): Turn {
  return { state, effects };
}

/** Runs `fold` on the state reached so far. */
export function andThen(before: Turn, fold: (state: CoreState) => Turn): Turn {
  const after = fold(before.state);
  return after.effects.length === 0
    ? { state: after.state, effects: before.effects }
    : { state: after.state, effects: [...before.effects, ...after.effects] };
}

export function emitting(event: EventFields): Effect {
  return { kind: 'emit', event };
}
