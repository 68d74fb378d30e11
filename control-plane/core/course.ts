// The course of a rollout's verdicts: which moments are kept, and which are forgotten when there are too many. For pictures alone.
import type { CourseLine } from '../../shared/protocol/api-rollout-charts.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';

/** What one guardrail said at one moment. */
export type CoursePoint = Pick<
  Verdict,
  'guardrail' | 'verdict' | 'estimate' | 'low' | 'high' | 'limitLow' | 'limitHigh' | 'n'
>;

export type CourseMoment = { readonly atMs: number; readonly stage: string; readonly points: readonly CoursePoint[] };

/** For each guardrail and rollout: more than a tile has pixels. */
export const MOMENTS_MAX = 500;
/** Where thinning stops, so that it does not happen at every tick. */
const MOMENTS_LEFT = 300;

export function pointOf(verdict: Verdict): CoursePoint {
  const { guardrail, verdict: kind, estimate, low, high, limitLow, limitHigh, n } = verdict;
  return { guardrail, verdict: kind, estimate, low, high, limitLow, limitHigh, n };
}

/** A verdict or the stage is another one than at the moment before. */
export function isTurn(last: CourseMoment | null, next: CourseMoment): boolean {
  return last === null || last.stage !== next.stage || wordsOf(last) !== wordsOf(next);
}

/** A turn is always kept; else a moment that is not too close to the one before, for the whole span so far. */
export function isKept(
  known: { readonly firstAtMs: number; readonly last: CourseMoment },
  next: CourseMoment,
): boolean {
  const apartMs = (next.atMs - known.firstAtMs) / MOMENTS_MAX;
  return isTurn(known.last, next) || next.atMs - known.last.atMs >= apartMs;
}

/** Times of the moments to forget, oldest first; none while there are not too many. Turns go last, the first and the newest never. */
export function momentsToForget(
  moments: readonly { readonly atMs: number; readonly isTurn: boolean }[],
): readonly number[] {
  if (moments.length <= MOMENTS_MAX) return [];
  const inner = moments.slice(1, -1);
  const wanted = moments.length - MOMENTS_LEFT;
  const plain = inner.filter((moment) => !moment.isTurn);
  const turns = inner.filter((moment) => moment.isTurn);
  const fromPlain = spread(plain, wanted);
  return [...fromPlain, ...spread(turns, wanted - fromPlain.length)].map(({ atMs }) => atMs).sort((a, b) => a - b);
}

/** So many of them, evenly over all. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  if (count >= items.length) return items;
  return items.filter(
    (_, at) => Math.floor(((at + 1) * count) / items.length) > Math.floor((at * count) / items.length),
  );
}

/** As columns, one set for each guardrail that was ever judged. */
export function linesOf(moments: readonly CourseMoment[]): readonly CourseLine[] {
  const lines = new Map<string, CourseLine>();
  const open = (guardrail: string): CourseLine => {
    const nothing = () => moments.map(() => null);
    const columns = { estimate: nothing(), low: nothing(), high: nothing(), limitLow: nothing(), limitHigh: nothing() };
    return { guardrail, verdict: nothing(), ...columns, n: nothing() };
  };
  moments.forEach(({ points }, at) => {
    for (const { guardrail, ...point } of points) {
      const line = lines.get(guardrail) ?? open(guardrail);
      lines.set(guardrail, line);
      line.verdict[at] = point.verdict;
      line.estimate[at] = point.estimate;
      line.low[at] = point.low;
      line.high[at] = point.high;
      line.limitLow[at] = point.limitLow;
      line.limitHigh[at] = point.limitHigh;
      line.n[at] = point.n;
    }
  });
  return [...lines.values()];
}

function wordsOf({ points }: CourseMoment): string {
  return points.map(({ guardrail, verdict }) => `${guardrail} ${verdict}`).join();
}
