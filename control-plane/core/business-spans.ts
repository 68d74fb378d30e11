// Which of the figures that people brought in count for a device: those since it answers with the candidate, and those from before.
import type { BusinessRecord } from '../../shared/measure/business.ts';
import type { BusinessSpans, Question } from './history.ts';

/** Whole spans only: one that began before the switch holds both releases. */
export function businessSpans(
  records: readonly BusinessRecord[],
  { liveSinceMs, servedSinceMs }: Pick<Question, 'liveSinceMs' | 'servedSinceMs'>,
  servesSinceMs: number | null,
): BusinessSpans {
  return {
    since: servesSinceMs === null ? [] : records.filter(({ fromMs }) => fromMs >= servesSinceMs),
    before: records.filter(({ toMs }) => toMs <= (servedSinceMs ?? liveSinceMs)),
  };
}
