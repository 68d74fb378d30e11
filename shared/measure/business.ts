// Business figures: what people and their systems know about a device or a line over a span of time and the device does not. Counts and
// sums only, so that spans add up; a ratio is computed where it is judged or shown. A field that is null is not known, and never 0.
import { z } from 'zod';
import { countSchema, nameSchema, timeSchema } from '../basics/identifiers.ts';

const amountSchema = z.number().nonnegative().max(1e12).nullable().default(null);
const knownCountSchema = countSchema.nullable().default(null);

/** Longer spans would lie on both sides of a switch. */
const SPAN_MS_MAX = 31 * 86_400_000;

export const businessRecordSchema = z
  .strictObject({
    site: nameSchema,
    /** One of the two. A line's figures count for a device only while all of its devices run the same release. */
    device: nameSchema.nullable().default(null),
    line: nameSchema.nullable().default(null),
    fromMs: timeSchema,
    toMs: timeSchema,
    /** Frames answered in the span. */
    frames: knownCountSchema,
    /** Alerts raised, those that somebody looked at, and those of them that were false. */
    alerts: knownCountSchema,
    reviewed: knownCountSchema,
    falseAlerts: knownCountSchema,
    defectsCaught: knownCountSchema,
    parts: knownCountSchema,
    /** In whatever currency the others are in. */
    cost: amountSchema,
  })
  .superRefine((record, context) => {
    for (const message of mistakesOf(record)) context.addIssue({ code: 'custom', message });
  });

export type BusinessRecord = z.infer<typeof businessRecordSchema>;

export const FIGURES = ['frames', 'alerts', 'reviewed', 'falseAlerts', 'defectsCaught', 'parts', 'cost'] as const;
export type Figure = (typeof FIGURES)[number];

function mistakesOf(record: {
  readonly device: string | null;
  readonly line: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly alerts: number | null;
  readonly reviewed: number | null;
  readonly falseAlerts: number | null;
}): readonly string[] {
  const { device, line, fromMs, toMs, alerts, reviewed, falseAlerts } = record;
  const isMore = (part: number | null, whole: number | null) => part !== null && whole !== null && part > whole;
  return [
    ...((device === null) === (line === null) ? ['names a device or a line, one of the two'] : []),
    ...(toMs <= fromMs ? ['ends before it begins'] : []),
    ...(toMs - fromMs > SPAN_MS_MAX ? ['is longer than 31 days'] : []),
    ...(isMore(reviewed, alerts) ? [`has more reviewed alerts (${reviewed}) than alerts (${alerts})`] : []),
    ...(isMore(falseAlerts, reviewed)
      ? [`has more false alerts (${falseAlerts}) than reviewed ones (${reviewed})`]
      : []),
    ...(falseAlerts !== null && reviewed === null ? ['has false alerts, and does not say how many were reviewed'] : []),
    ...(FIGURES.every((figure) => (record as Partial<Record<Figure, number | null>>)[figure] === null)
      ? ['has no figure']
      : []),
  ];
}

export type BusinessMetric = 'false_alerts' | 'cost_per_defect' | 'cost_per_1k' | 'throughput';
export const BUSINESS_METRICS: readonly BusinessMetric[] = [
  'cost_per_defect',
  'cost_per_1k',
  'false_alerts',
  'throughput',
];

/** What each metric divides by what; a record that does not know both says nothing about it. */
const RATIOS: Readonly<
  Record<BusinessMetric, { readonly over: (record: BusinessRecord) => number | null; readonly under: typeof underOf }>
> = {
  cost_per_defect: { over: ({ cost }) => cost, under: ({ defectsCaught }) => defectsCaught },
  cost_per_1k: { over: ({ cost }) => cost, under: ({ frames }) => frames && frames / 1000 },
  false_alerts: { over: scaledFalseAlerts, under: ({ frames }) => frames && frames / 1000 },
  throughput: { over: ({ parts }) => parts, under: ({ fromMs, toMs }) => (toMs - fromMs) / 3_600_000 },
};

function underOf(record: BusinessRecord): number | null {
  return record.frames;
}

/** Alerts that nobody looked at are as often false as those that somebody did. */
function scaledFalseAlerts({ alerts, reviewed, falseAlerts }: BusinessRecord): number | null {
  if (alerts === null || reviewed === null || falseAlerts === null) return null;
  if (alerts === 0) return 0;
  return reviewed === 0 ? null : (falseAlerts * alerts) / reviewed;
}

export type BusinessRatio = { readonly over: number; readonly under: number; readonly records: number };

/** Numerator and denominator over these records; null when none of them knows both. */
export function businessRatio(records: readonly BusinessRecord[], metric: BusinessMetric): BusinessRatio | null {
  const { over, under } = RATIOS[metric];
  let [sumOver, sumUnder, count] = [0, 0, 0];
  for (const record of records) {
    const [a, b] = [over(record), under(record)];
    if (a === null || b === null) continue;
    sumOver += a;
    sumUnder += b;
    count += 1;
  }
  return count === 0 || sumUnder <= 0 ? null : { over: sumOver, under: sumUnder, records: count };
}

/** Share of the alerts that somebody has looked at, 0..1; 1 where there were none. */
export function reviewedShare(records: readonly BusinessRecord[]): number {
  const known = records.filter(({ alerts, reviewed }) => alerts !== null && reviewed !== null);
  const alerts = known.reduce((sum, record) => sum + (record.alerts ?? 0), 0);
  return alerts === 0 ? 1 : known.reduce((sum, record) => sum + (record.reviewed ?? 0), 0) / alerts;
}
