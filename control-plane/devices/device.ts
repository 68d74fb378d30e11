// The device as other rooms see it: what it said last, what it shall do, and whether it can be reached.
import type { Duty } from '../../shared/protocol/api-duty.ts';
import type { Desired } from '../../shared/protocol/documents.ts';
import type { Hello, Reported } from '../../shared/protocol/reports.ts';

export type Device = {
  readonly site: string;
  readonly device: string;
  /** Null until the first hello or report. */
  readonly hardwareClass: string | null;
  readonly line: string | null;
  readonly online: boolean;
  /** It was there before the control plane started, and has not had the time to come back since: nobody knows yet. */
  readonly isAwaited?: boolean;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  readonly boot: string | null;
  readonly hello: Hello | null;
  readonly reported: Reported | null;
  readonly desired: Desired | null;
  /** Absent: it takes part like any other. */
  readonly duty?: Duty;
};

/** A device that has not spoken for three of its windows is not there, whatever the broker says about its connection. */
const WINDOWS_SILENT_MAX = 3;
const SILENT_MIN_MS = 15_000;
const SILENT_DEFAULT_MS = 90_000;

/** Longer than any device waits before it connects again (agent/link/backoff.ts). */
export const AWAITED_MS = SILENT_DEFAULT_MS;

export type Presence = {
  /** What the last status message (or last will) said. */
  readonly connected: boolean;
  readonly lastSeenAtMs: number;
  readonly windowMs: number | null;
};

/** Online = its last status says so and its last message is young enough. */
export function isOnline(presence: Presence, nowMs: number): boolean {
  return presence.connected && nowMs - presence.lastSeenAtMs < silentMaxMs(presence.windowMs);
}

/** 3 windows, at least 15 s; 90 s for one-minute windows, and 1.5 windows where they are longer than that. */
export function silentMaxMs(windowMs: number | null): number {
  if (windowMs === null) return SILENT_DEFAULT_MS;
  const patience = Math.min(WINDOWS_SILENT_MAX * windowMs, SILENT_DEFAULT_MS);
  return Math.max(SILENT_MIN_MS, patience, 1.5 * windowMs);
}
