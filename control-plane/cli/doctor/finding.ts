// What `belay doctor` says of one thing: how it is, the evidence, and the fix where it is not well.

export type FindingState = 'ok' | 'warn' | 'fail';
export type Finding = {
  readonly check: string;
  readonly state: FindingState;
  /** What was seen, with its figures. */
  readonly text: string;
  /** The next step; null when it is well. */
  readonly fix: string | null;
};

export function well(check: string, text: string): Finding {
  return { check, state: 'ok', text, fix: null };
}

export function notWell(check: string, state: 'warn' | 'fail', text: string, fix: string): Finding {
  return { check, state, text, fix };
}
