// What both releases said of the same frames, as hits of a total: lost, gained, of another class, or simply different.
import type { PairedClass, Window } from '../../shared/measure/window.ts';
import { type Hits, sum } from './device-metrics.ts';

/** What the total of each counts. */
export const COUNTED = {
  lost: 'the baseline',
  wrong_class: 'the baseline',
  gained: 'the candidate',
  shadow_disagreement: 'both releases',
} as const;
export type PairedShare = keyof typeof COUNTED;

export function isPairedShare(metric: string): metric is PairedShare {
  return Object.hasOwn(COUNTED, metric);
}

export function pairedHits(window: Window, label: string | null, metric: PairedShare): Hits {
  const classes = (window.paired?.classes ?? []).filter((entry) => label === null || entry.class === label);
  const count = (read: (entry: PairedClass) => number) => sum(classes, read);
  switch (metric) {
    case 'lost':
      return { hits: count(({ lost }) => lost), total: count(({ baselineConfident }) => baselineConfident) };
    case 'wrong_class':
      return {
        hits: count(({ wrongClass }) => wrongClass),
        total: count(({ baselineConfident }) => baselineConfident),
      };
    case 'gained':
      return { hits: count(({ gained }) => gained), total: count(({ candidateConfident }) => candidateConfident) };
    case 'shadow_disagreement':
      // A wrong class is an answer of each release that the other does not give.
      return {
        hits: count(({ lost, gained, wrongClass }) => lost + gained + 2 * wrongClass),
        total: count(({ baselineConfident, candidateConfident }) => baselineConfident + candidateConfident),
      };
  }
}
