// A moment on the command line: a time, or how long ago.
import { CommandError } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Epoch milliseconds. Throws CommandError. */
export function readMoment(option: string, text: string): number {
  const ago = /^(\d{1,5})([mhd])$/.exec(text);
  if (ago) return Date.now() - Number(ago[1]) * (UNIT_MS[ago[2] ?? ''] ?? 0);
  const atMs = Date.parse(text);
  if (Number.isFinite(atMs)) return atMs;
  throw new CommandError(
    EXIT.usage,
    `${option} ${text}: give a time such as 2026-03-01T06:00Z, or 24h for 24 hours ago`,
  );
}
