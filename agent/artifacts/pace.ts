// How fast and how much may be downloaded: a token bucket for the rate, a budget for the day, and a start of its own for
// every device of a site. The budget is on disk, so that a reboot does not begin it anew.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseJson } from '../../shared/basics/parsing.ts';
import type { DownloadOptions } from './download-options.ts';
import { writeWhole } from './files.ts';

const DAY_MS = 24 * 3_600_000;
/** What may come at once after a pause, in seconds of the rate. */
const BURST_S = 0.25;
/** The budget is written after so many bytes: a power cut forgives no more than this. */
const WRITE_EVERY_BYTES = 4 * 1024 * 1024;

const spentSchema = z.looseObject({ sinceMs: z.number(), bytes: z.number().int().nonnegative() });
type Spent = z.infer<typeof spentSchema>;

/** The way bytes may come from one source. */
export type Pace = {
  /** Bytes that may still come today. */
  left(): number;
  /** Call with every piece that has come; resolves when the next one may. */
  took(bytes: number, signal: AbortSignal): Promise<void>;
  /** When the budget begins anew, wall clock. */
  renewsAtMs(): number;
};

/** A local network is not what limits are for. */
export const UNPACED: Pace = {
  left: () => Number.POSITIVE_INFINITY,
  took: async () => undefined,
  renewsAtMs: () => 0,
};

export type PaceParts = {
  readonly options: Pick<DownloadOptions, 'bytesPerSecondMax' | 'bytesPerDayMax'>;
  /** Where the day's bytes are remembered. */
  readonly path: string;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
};

export function openPace(parts: PaceParts): Pace {
  const budget = openBudget(parts);
  const bucket = openBucket(parts);
  return {
    left: () => budget.left(),
    renewsAtMs: () => budget.renewsAtMs(),
    took: async (bytes, signal) => {
      await Promise.all([budget.spend(bytes), bucket.take(bytes, signal)]);
    },
  };
}

/** When this device begins to fetch this release: the same after every restart, and another for every device. */
export function admissionDelayMs(device: string, digest: string, spreadMs: number): number {
  const hash = createHash('sha256').update(`${device} ${digest}`).digest();
  return Math.floor((hash.readUInt32BE(0) / 2 ** 32) * spreadMs);
}

function openBucket({ options, monotonicNow, wait }: PaceParts) {
  const { bytesPerSecondMax: rate } = options;
  let tokens = rate === null ? 0 : rate * BURST_S;
  let atMs = monotonicNow();
  const take = async (bytes: number, signal: AbortSignal): Promise<void> => {
    if (rate === null) return;
    const nowMs = monotonicNow();
    tokens = Math.min(rate * BURST_S, tokens + ((nowMs - atMs) * rate) / 1000) - bytes;
    atMs = nowMs;
    if (tokens < 0) await wait((-tokens * 1000) / rate, signal);
  };
  return { take };
}

/** Counted from the first byte of a day; a clock that jumps begins a new one, which costs a second budget at most. */
function openBudget({ options, path, wallNow }: PaceParts) {
  const { bytesPerDayMax: max } = options;
  let spent: Spent = max === null ? { sinceMs: 0, bytes: 0 } : readSpent(path);
  let unwritten = 0;
  const today = (): Spent => {
    const nowMs = wallNow();
    if (nowMs < spent.sinceMs || nowMs - spent.sinceMs >= DAY_MS) spent = { sinceMs: nowMs, bytes: 0 };
    return spent;
  };
  const spend = async (bytes: number): Promise<void> => {
    if (max === null) return;
    const { sinceMs, bytes: before } = today();
    spent = { sinceMs, bytes: before + bytes };
    unwritten += bytes;
    if (unwritten < WRITE_EVERY_BYTES && spent.bytes < max) return;
    unwritten = 0;
    // A budget that cannot be remembered on a full disk still holds in this life of the agent.
    await writeWhole(path, JSON.stringify(spent)).catch(() => undefined);
  };
  return {
    spend,
    left: () => (max === null ? Number.POSITIVE_INFINITY : Math.max(0, max - today().bytes)),
    renewsAtMs: () => spent.sinceMs + DAY_MS,
  };
}

/** A file that is missing or torn has nothing to say. */
function readSpent(path: string): Spent {
  try {
    const parsed = parseJson(spentSchema, readFileSync(path));
    if (parsed.ok) return parsed.value;
  } catch {
    // Not there yet.
  }
  return { sinceMs: 0, bytes: 0 };
}
