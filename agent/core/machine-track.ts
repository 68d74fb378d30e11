// What else happens on this machine, as the local limits remember it: neighbours, throttling, and who stands in line for a
// processor. Data only; limit-machine.ts folds and judges.

export type WaitSample = { readonly atMs: number; readonly pct: number };

/** What else happens on this machine. */
export type MachineTrack = {
  /** Processor time of programs that are not ours, % of all cores: now, and as it was while the baseline answered alone. */
  readonly othersPct: number | null;
  readonly othersHabitPct: number | null;
  /** Share of its time in which a runner of a release stood in line for a processor, by digest; the newest readings. */
  readonly waiting: ReadonlyMap<string, readonly WaitSample[]>;
  /** Until then (monotonic) slowness is not held against anybody: a neighbour takes the machine. */
  readonly busyUntilMs: number | null;
  readonly throttledSinceMs: number | null;
  readonly throttledByTrial: boolean;
  readonly throttledAtMs: number | null;
  /** When the machine was last throttled with nothing on trial. */
  readonly throttledAloneAtMs: number | null;
};

export const QUIET_MACHINE: MachineTrack = {
  othersPct: null,
  othersHabitPct: null,
  waiting: new Map(),
  busyUntilMs: null,
  throttledSinceMs: null,
  throttledByTrial: false,
  throttledAtMs: null,
  throttledAloneAtMs: null,
};
