// Business figures of a rollout for its report: what the candidate's devices did against their own past and the controls, each with
// its range, whether a guardrail asks for it or not.
import { BUSINESS_METRICS, type BusinessRecord } from '../../shared/measure/business.ts';
import type { ReportBusiness } from '../../shared/protocol/api-reports.ts';
import { metricRule } from '../../shared/rollout/metrics.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';
import { fixedReach } from './always-valid.ts';
import { businessEvidence } from './business-evidence.ts';
import { changeInterval } from './uncertainty.ts';

export type BusinessReportDevice = {
  readonly site: string;
  readonly device: string;
  readonly hardwareClass: string;
  /** When it first answered with the candidate; null: never. */
  readonly servesSinceMs: number | null;
  readonly records: readonly BusinessRecord[];
};

export type BusinessReportFacts = {
  readonly devices: readonly BusinessReportDevice[];
  /** When the first device answered with it by plan, and when it ended; null: not yet. */
  readonly servedSinceMs: number | null;
  readonly endedAtMs: number | null;
  readonly verdicts: readonly Verdict[];
};

/** The range as at a look: one-sided 90 % each way. */
const RANGE_ALPHA = 0.1;

/** One row per metric that somebody brought figures for, on both sides of the switch. */
export function businessRows(facts: BusinessReportFacts): readonly ReportBusiness[] {
  const { servedSinceMs } = facts;
  if (servedSinceMs === null) return [];
  const placed = facts.devices.map((device) => ({ ...device, business: spansOf(device, facts, servedSinceMs) }));
  const candidates = placed.filter(({ servesSinceMs }) => servesSinceMs !== null);
  const controls = placed.filter(({ servesSinceMs }) => servesSinceMs === null);
  return BUSINESS_METRICS.flatMap((metric): ReportBusiness[] => {
    const evidence = businessEvidence(candidates, controls, metric);
    const interval =
      evidence.candidates.length === 0 ? null : changeInterval(evidence.candidates, evidence.controls, 'self');
    if (evidence.candidates.length === 0) return [];
    const { title } = metricRule(metric);
    const judged = facts.verdicts.findLast((verdict) => verdict.title === title);
    const reach = interval === null ? 0 : fixedReach(interval, RANGE_ALPHA);
    const shown = (value: number) => Number(((Math.exp(value) - 1) * 100).toPrecision(4));
    return [
      {
        metric,
        title,
        unit: '%',
        devices: evidence.candidates.length,
        controls: evidence.controls.length,
        reviewedShare: evidence.reviewedShare,
        estimate: interval && shown(interval.estimate),
        low: interval && shown(interval.estimate - reach),
        high: interval && shown(interval.estimate + reach),
        limitText: judged?.limitText ?? null,
        verdict: judged?.verdict ?? null,
      },
    ];
  });
}

function spansOf(
  { servesSinceMs, records }: BusinessReportDevice,
  { endedAtMs }: BusinessReportFacts,
  servedSinceMs: number,
) {
  const fromMs = servesSinceMs ?? servedSinceMs;
  return {
    since: records.filter((record) => record.fromMs >= fromMs && (endedAtMs === null || record.toMs <= endedAtMs)),
    before: records.filter(({ toMs }) => toMs <= servedSinceMs),
  };
}
