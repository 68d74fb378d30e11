// Memory growth: the private memory of the runners on trial that keeps growing. A warm-up that flattens, file pages and
// the sawtooth of a garbage collector are not growth: only what rises steadily through every third of the dwell.
import { type Breach, limitsOf, minutes, setAside } from './limit-breach.ts';
import { type LimitTracks, type MemorySample, quantileOf } from './limit-tracks.ts';
import type { CoreState } from './state.ts';

/** After the load: caches and arenas of the runtime grow to their size first. */
export const GROWTH_AFTER_MS = 60_000;
const SAMPLE_EVERY_MS = 5_000;
const SAMPLES_MAX = 720;
/** The second half of the rise must be this share of the first: what slows down is a warm-up that comes to its end. */
const STEADY_SHARE = 0.7;
const MB = 1024 * 1024;
const MINUTE_MS = 60_000;

/** `bytes`: all runners of the release on trial together; null: not known. */
export function foldMemory(tracks: LimitTracks, bytes: number | null, nowMs: number): LimitTracks {
  if (bytes === null || tracks.trialSinceMs === null)
    return tracks.memory.length === 0 ? tracks : { ...tracks, memory: [] };
  const lastAtMs = tracks.memory.at(-1)?.atMs;
  if (lastAtMs !== undefined && nowMs - lastAtMs < SAMPLE_EVERY_MS) return tracks;
  return { ...tracks, memory: [...tracks.memory, { atMs: nowMs, bytes }].slice(-SAMPLES_MAX) };
}

export function judgeGrowth(state: CoreState, nowMs: number): Breach | null {
  const { rssSlopeMbPerMin, rssSlopeForMs } = limitsOf(state);
  const { memory, trialSinceMs } = state.tracks;
  if (rssSlopeMbPerMin === null || trialSinceMs === null) return null;
  const sinceMs = nowMs - rssSlopeForMs;
  const firstAtMs = memory[0]?.atMs ?? nowMs;
  if (Math.max(firstAtMs, trialSinceMs) + GROWTH_AFTER_MS > sinceMs) return null;
  const thirdMs = rssSlopeForMs / 3;
  const [first, second, third] = [0, 1, 2].map((at) => medianOf(memory, sinceMs + at * thirdMs, thirdMs));
  if (first == null || second == null || third == null) return null;
  const slope = ((third - first) / MB) * (MINUTE_MS / (2 * thirdMs));
  const isSteady = second > first && third - second >= STEADY_SHARE * (second - first);
  if (slope <= rssSlopeMbPerMin || !isSteady) return null;
  const reason = `its memory grew by ${slope.toFixed(1)} MB per minute > ${rssSlopeMbPerMin} MB per minute for ${minutes(rssSlopeForMs)}, to ${(third / MB).toFixed(0)} MB`;
  return setAside('memory', reason);
}

/** The median: a step has no middle, a mean would give it one. */
function medianOf(samples: readonly MemorySample[], fromMs: number, lengthMs: number): number | null {
  const within = samples.filter((sample) => sample.atMs >= fromMs && sample.atMs < fromMs + lengthMs);
  return quantileOf(
    within.map((sample) => sample.bytes),
    0.5,
  );
}
