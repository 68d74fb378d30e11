// Lengths of time in words, and words about the stream. No DOM here.
import type { StreamState } from '../live/stream-messages.ts';

/** Milliseconds in words: `4 s`, `12 min`, `3 h`, `2 d`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return seconds < 48 * 3600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** The server says something every five seconds: after two silences in a row something is wrong. */
const SILENT_MS = 12_000;
/** A first connection gets this long before anybody is alarmed. */
const PATIENCE_MS = 4000;

export type StreamFacts = {
  readonly state: StreamState;
  readonly lastNewsAtMs: number | null;
  readonly openedAtMs: number;
  readonly nowMs: number;
};

/** Loud words for a page that may be showing the past; null: all is well. */
export function streamTrouble({ state, lastNewsAtMs, openedAtMs, nowMs }: StreamFacts): string | null {
  if (lastNewsAtMs === null) {
    if (state === 'connecting' && nowMs - openedAtMs < PATIENCE_MS) return null;
    return nowMs - openedAtMs < PATIENCE_MS
      ? null
      : 'The control plane does not answer: nothing is known yet. Trying again.';
  }
  const silentMs = nowMs - lastNewsAtMs;
  if (state !== 'down' && silentMs < SILENT_MS) return null;
  return `No news since ${durationText(silentMs)}: what you see may be old. Trying again.`;
}
