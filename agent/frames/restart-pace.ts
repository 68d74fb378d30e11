// When a camera counts as stalled, and how long to wait before its source is started again. Pure: chance comes in.

const STALL_MS_MIN = 2000;
const STALL_INTERVALS = 10;
const LIVE_STALL_INTERVALS = 5;
/** A camera of unknown pace may give one picture each ten seconds. */
const LIVE_STALL_MS_UNKNOWN = 13_000;
/** A supervisor that looks less often than this has not been able to listen either. */
const LOOK_MS_MAX = 1000;
const FIRST_WAIT_MS = 500;
const WAIT_MS_MAX = 30_000;

/** Silence after which a camera with frames is lost: ten of its intervals, at least 2 s. Null: a source without a pace. */
export function stallMs(fps: number | null): number {
  return fps === null ? STALL_MS_MIN * 2 : Math.max(STALL_MS_MIN, (STALL_INTERVALS * 1000) / fps);
}

/** The same for a camera that gives pictures by itself, where nobody else has kept them waiting. Null: its pace is not known yet. */
export function liveStallMs(intervalMs: number | null): number {
  return intervalMs === null ? LIVE_STALL_MS_UNKNOWN : Math.max(STALL_MS_MIN, LIVE_STALL_INTERVALS * intervalMs);
}

/** How long a source has been silent, as far as somebody was awake to hear it. Times are monotonic, ms. */
export class Silence {
  #sinceMs: number;
  #lookedAtMs: number;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#lookedAtMs = nowMs;
  }

  heard(nowMs: number): void {
    this.#sinceMs = nowMs;
  }

  look(nowMs: number): number {
    const asleepMs = Math.max(0, nowMs - this.#lookedAtMs - LOOK_MS_MAX);
    this.#lookedAtMs = nowMs;
    this.#sinceMs = Math.min(nowMs, this.#sinceMs + asleepMs);
    return nowMs - this.#sinceMs;
  }
}

/** Doubles with each attempt from half a second to half a minute, and spreads over its upper half. `chance` is 0..1. */
export function restartDelayMs(attempt: number, chance: number): number {
  const full = Math.min(WAIT_MS_MAX, FIRST_WAIT_MS * 2 ** Math.min(attempt, 16));
  return Math.round(full / 2 + (full / 2) * chance);
}
