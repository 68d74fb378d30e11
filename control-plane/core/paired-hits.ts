// What both releases said of the same frames, as hits of a total: lost, gained, or of another class.
import type { Window } from '../../shared/measure/window.ts';
import { type Hits, sum } from './device-metrics.ts';

/** What the total of each counts. */
export const COUNTED = { lost: 'the baseline', wrong_class: 'the baseline', gained: 'the candidate' } as const;
export type PairedShare = keyof typeof COUNTED;

export function isPairedShare(metric: string): metric is PairedShare {
  return Object.hasOwn(COUNTED, metric);
}

const HITS = { lost: 'lost', gained: 'gained', wrong_class: 'wrongClass' } as const;

export function pairedHits(window: Window, label: string | null, metric: PairedShare): Hits {
  const classes = (window.paired?.classes ?? []).filter((entry) => label === null || entry.class === label);
  const key = HITS[metric];
  return {
    hits: sum(classes, (entry) => entry[key]),
    total: sum(classes, (entry) => (metric === 'gained' ? entry.candidateConfident : entry.baselineConfident)),
  };
}
