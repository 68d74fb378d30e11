// Evidence that people brought in: per device, the figures since it answers with the candidate against its own from before, controls
// subtracted like for every other metric. Nothing here judges.
import {
  type BusinessMetric,
  type BusinessRecord,
  businessRatio,
  reviewedShare,
} from '../../shared/measure/business.ts';
import type { DeviceChange } from './device-change.ts';
import { scatterOf } from './scatter.ts';
import type { Selected } from './selected.ts';

export type BusinessEvidence = {
  readonly candidates: readonly DeviceChange[];
  readonly controls: readonly DeviceChange[];
  /** The smallest of both arms and both times, 0..1; null where reviews have no part in it. */
  readonly reviewedShare: number | null;
  /** Records behind the candidates' side. */
  readonly records: number;
};

type Known = Pick<Selected, 'site' | 'device' | 'hardwareClass' | 'business'>;

export function businessEvidence(
  candidates: readonly Known[],
  controls: readonly Known[],
  metric: BusinessMetric,
): BusinessEvidence {
  const changes = candidates.flatMap((selected) => changeOf(selected, metric));
  const all = [candidates, controls].flatMap((arm) => {
    const spans = arm.filter((selected) => changeOf(selected, metric).length > 0).map(({ business }) => business);
    return [spans.flatMap((span) => span?.since ?? []), spans.flatMap((span) => span?.before ?? [])];
  });
  return {
    candidates: changes,
    controls: controls.flatMap((selected) => changeOf(selected, metric)),
    reviewedShare: metric === 'false_alerts' ? Math.min(...all.map(reviewedShare)) : null,
    records: changes.reduce((sum, { since }) => sum + since.windows, 0),
  };
}

function changeOf({ site, device, hardwareClass, business }: Known, metric: BusinessMetric): readonly DeviceChange[] {
  const { since = [], before = [] } = business ?? {};
  const [now, past] = [logOf(since, metric), logOf(before, metric)];
  if (now === null || past === null) return [];
  const each = (records: readonly BusinessRecord[]) =>
    scatterOf(records.map((record) => logOf([record], metric)).filter((value) => value !== null));
  return [{ site, device, hardwareClass, change: now - past, since: each(since), before: each(before) }];
}

/** Half an event more, as for every rate: none at all is a number too. Money that was not spent is no evidence. */
function logOf(records: readonly BusinessRecord[], metric: BusinessMetric): number | null {
  const ratio = businessRatio(records, metric);
  if (ratio === null) return null;
  const { over, under } = ratio;
  if (metric === 'cost_per_defect') return over > 0 ? Math.log(over) - Math.log(under + 0.5) : null;
  if (metric === 'cost_per_1k') return over > 0 ? Math.log(over / under) : null;
  return Math.log((over + 0.5) / under);
}
