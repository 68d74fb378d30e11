// What a device's own baseline usually does, remembered in four numbers; and whether a window is far from it. Pure.

/** A running mean over the windows of one baseline release. */
export type Usual = {
  readonly digest: string;
  readonly count: number;
  readonly fps: number;
  readonly p95Ms: number;
};

export type Measured = { readonly fps: number | null; readonly p95Ms: number | null };

/** Fewer windows than this are no habit. */
const WINDOWS_MIN = 5;
/** From here on old windows fade. */
const WINDOWS_REMEMBERED = 60;
const SLOWER_RATIO = 1.5;
/** Below this a ratio is noise. */
const SLOWER_MIN_MS = 5;
const FEWER_RATIO = 0.7;

/** Another release begins anew. A window that is far off is not taken for the usual. */
export function learnUsual(before: Usual | null, digest: string, { fps, p95Ms }: Measured): Usual | null {
  if (fps === null || p95Ms === null) return before;
  if (before === null || before.digest !== digest) return { digest, count: 1, fps, p95Ms };
  if (tellUnusual(before, { fps, p95Ms }) !== null) return before;
  const count = Math.min(WINDOWS_REMEMBERED, before.count + 1);
  return {
    digest,
    count,
    fps: before.fps + (fps - before.fps) / count,
    p95Ms: before.p95Ms + (p95Ms - before.p95Ms) / count,
  };
}

/** In words; null: as usual, or not known what is usual. */
export function tellUnusual({ count, fps: usualFps, p95Ms: usualMs }: Usual, { fps, p95Ms }: Measured): string | null {
  if (count < WINDOWS_MIN) return null;
  if (p95Ms !== null && p95Ms > usualMs * SLOWER_RATIO && p95Ms - usualMs >= SLOWER_MIN_MS)
    return `p95 ${Math.round(p95Ms)} ms, usually ${Math.round(usualMs)} ms`;
  if (fps !== null && fps < usualFps * FEWER_RATIO) return `${fps.toFixed(1)} fps, usually ${usualFps.toFixed(1)} fps`;
  return null;
}
