// What the device knows of its memory: who uses it, the mode that it is in, and since when there was little or plenty. Data only.

/** Who uses the machine, read once a second. */
export type MachineUse = {
  /** Processor time of programs that are not ours, % of all cores; null: not known. */
  readonly othersCpuPct: number | null;
  /** Private memory of all runners of a release, by digest. */
  readonly memoryBytes: ReadonlyMap<string, number>;
  /** Share of its time in which a runner of the release was ready and got no processor, by digest; left out: not known. */
  readonly waitingPct: ReadonlyMap<string, number>;
};

/** Kept free for the system, the agent and what grows; an operator may change it. */
export const MEMORY_RESERVE_MB = 256;

export type MemoryState = {
  readonly mode: 'warm' | 'cold-baseline';
  readonly because: string;
  readonly reserveBytes: number;
  /** When the sensors were last read: older figures do not know what has been loaded since. */
  readonly readAtMs: number | null;
  readonly tightSinceMs: number | null;
  readonly roomySinceMs: number | null;
};

export function openMemory(reserveBytes: number): MemoryState {
  const since = { readAtMs: null, tightSinceMs: null, roomySinceMs: null };
  return { mode: 'warm', because: 'nothing is on trial', reserveBytes, ...since };
}
