// Timers as a part that is given: the frame loop's deadlines run by the clock in the field and by virtual time in the
// simulation. Nothing else belongs here.

/** Calls `run` once after `ms`. What comes back cancels it; after the call it does nothing. */
export type After = (ms: number, run: () => void) => () => void;

export const afterOnTheClock: After = (ms, run) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};
