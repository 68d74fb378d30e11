// Wall time that goes backwards: the clock that the newest state was written by is a floor for the next boot's. A clock
// behind it is told and nothing else: no decision of this device asks what time it is.
import type { Logger } from 'pino';
import { describeError } from '../../shared/basics/errors.ts';
import type { EventFields } from '../telemetry/document-body.ts';
import type { Slots } from './slots.ts';

/** Time synchronisation may pull a clock back by moments. */
const SLACK_MS = 5 * 60_000;
/** The floor is renewed this often: 24 writes of 4 KB a day. */
const TOUCH_MS = 3_600_000;

export type ClockWatchParts = {
  readonly slots: Pick<Slots, 'reading' | 'touch'>;
  readonly wallNow: () => number;
  readonly monotonicNow: () => number;
  readonly emit: (event: EventFields) => unknown;
  readonly log: Pick<Logger, 'debug'>;
};

export type ClockWatch = {
  /** Renews the floor when it is due. Cheap; call it with every window. */
  readonly look: () => void;
};

/** Compares the clock with the floor once, at the boot. */
export function openClockWatch({ slots, wallNow, monotonicNow, emit, log }: ClockWatchParts): ClockWatch {
  const { savedAtMs } = slots.reading;
  const atMs = Math.max(0, Math.round(wallNow()));
  if (atMs < savedAtMs - SLACK_MS) emit({ kind: 'clock-behind', atMs, reason: behind(atMs, savedAtMs) });
  let touchedMs = monotonicNow();
  return {
    look() {
      if (monotonicNow() - touchedMs < TOUCH_MS) return;
      touchedMs = monotonicNow();
      try {
        slots.touch();
      } catch (error) {
        log.debug(
          { error: describeError(error) },
          'the clock floor could not be renewed; it is tried again in an hour',
        );
      }
    },
  };
}

function behind(atMs: number, savedAtMs: number): string {
  const date = (ms: number) => new Date(ms).toISOString();
  const sentence = `the clock says ${date(atMs)}, but this device has seen ${date(savedAtMs)} already`;
  return `${sentence}; dates in its reports are wrong until the clock is set, and nothing else is`;
}
