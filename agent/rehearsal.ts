// What this device does for a drill besides its runner: while a release answers that declares heat, degrees are added to what
// the sensors say; while one answers that declares silence, reports, hellos and windows stay here. Orders, kills and safety events
// always pass. It ends with the declared time, and at once when another release answers.
import type { Sensors } from '../shared/measure/window.ts';
import type { DeviceChannel } from '../shared/protocol/topics.ts';
import type { DeclaredFault } from '../shared/release/drill.ts';
import type { Installed } from './artifacts/artifacts.ts';
import type { RoomLog } from './frames/child-log.ts';

/** Above any ceiling, on a box that is not frozen. */
export const REHEARSED_HEAT_C = 60;
/** The hottest that a reading is believed to be. */
const HEAT_C_MAX = 120;
/** It tells that the candidate answers, and then nothing more. */
export const SILENT_AFTER_MS = 5000;
/** What tells that a device is alive; what happened to its safety is told all the same. */
const WITHHELD: ReadonlySet<DeviceChannel> = new Set(['window', 'reported', 'hello']);

export type Rehearsal = {
  /** A release is about to be loaded: what it declares of itself is remembered. */
  readonly learn: (release: Installed | null) => void;
  readonly feel: (reading: Sensors) => Sensors;
  readonly withholds: (channel: DeviceChannel) => boolean;
};

export type RehearsalParts = {
  /** Digest of the release that answers live frames now; null: none. */
  readonly serving: () => string | null;
  readonly monotonicNow: () => number;
  readonly log: RoomLog;
};

type Declared = { readonly fault: DeclaredFault; sinceMs: number | null };

export function openRehearsal({ serving, monotonicNow, log }: RehearsalParts): Rehearsal {
  const declared = new Map<string, Declared>();
  /** For how long the release has answered that declares this; null: it does not, or its time is over. */
  const rehearsedMs = (failure: DeclaredFault['failure']): number | null => {
    const known = declared.get(serving() ?? '');
    if (known === undefined || known.fault.failure !== failure) return null;
    if (known.sinceMs === null) log.warn({ failure, forMs: known.fault.forMs }, 'a drill is rehearsed on this device');
    known.sinceMs ??= monotonicNow();
    const ms = monotonicNow() - known.sinceMs;
    return ms < known.fault.forMs ? ms : null;
  };
  return {
    learn(release) {
      const fault = release?.manifest.drill;
      // Loaded again it has no more time than it had.
      if (release && fault && !declared.has(release.ref.digest))
        declared.set(release.ref.digest, { fault, sinceMs: null });
    },
    feel(reading) {
      // A box without a sensor feels nothing, in a drill as in earnest.
      if (reading.temperatureC === null || rehearsedMs('hot') === null) return reading;
      return { ...reading, temperatureC: Math.min(HEAT_C_MAX, reading.temperatureC + REHEARSED_HEAT_C) };
    },
    withholds: (channel) => WITHHELD.has(channel) && (rehearsedMs('silent') ?? 0) >= SILENT_AFTER_MS,
  };
}
