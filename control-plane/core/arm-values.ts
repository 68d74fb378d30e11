// What a release does by itself, in the unit that people know: plain values, the curve of its latency. For pictures; verdicts
// compare each device with its own past.
import { z } from 'zod';
import type { ArmSum, ArmValue } from '../../shared/protocol/api-rollout-arms.ts';
import type { Expression } from '../../shared/rollout/expression.ts';
import { countRate } from './device-metrics.ts';
import { type Mean, type Totals, totalsOf } from './device-totals.ts';
import type { Sample } from './history.ts';

/** Even steps of the logarithm: as much room for the slowest of a thousand as for the slowest of ten. */
export const TAILS: readonly number[] = Array.from({ length: 61 }, (_, at) =>
  Number((10 ** (-at / 20)).toPrecision(6)),
);

/** One arm as it was read. */
export type ReadArm = Pick<ArmSum, 'arm' | 'devicesOf'> & { readonly samples: readonly Sample[] };

export type Added = { readonly sum: ArmSum; readonly totals: Totals };

/** Null without windows. */
export function addArm({ arm, devicesOf, samples }: ReadArm): Added | null {
  if (samples.length === 0) return null;
  const totals = totalsOf(samples);
  const releases = new Set(samples.map((sample) => sample.arm.release));
  const sum: ArmSum = {
    arm,
    release: releases.size === 1 ? ([...releases][0] ?? null) : null,
    devices: new Set(samples.map(({ window: { site, device } }) => `${site}/${device}`)).size,
    devicesOf,
    windows: totals.windows,
    frames: totals.frames,
    fromMs: samples.reduce((least, { window }) => Math.min(least, window.startAtMs), Number.POSITIVE_INFINITY),
    toMs: samples.reduce((most, { window }) => Math.max(most, window.endAtMs), 0),
    latency: latencyOf(totals),
  };
  return { sum, totals };
}

/** Of n frames the slowest is one: nothing is known of what only one in more than n is. */
function latencyOf(totals: Totals): ArmSum['latency'] {
  const at = (q: number) => totals.quantile('latency', q);
  const [p50, p95, p99] = [at(0.5), at(0.95), at(0.99)];
  if (p50 === null || p95 === null || p99 === null) return null;
  const known = TAILS.filter((tail) => tail * totals.answered >= 1);
  const curve = known.map((tail) => at(1 - tail)).filter((ms) => ms !== null);
  return { p50: tidy(p50), p95: tidy(p95), p99: tidy(p99), curve: curve.map(tidy) };
}

/** Null where an arm alone has no such value: what is counted on the same frames, in proofs, or brought in by people. */
export function plainValueOf(
  arm: ArmSum['arm'],
  totals: Totals,
  expression: Pick<Expression, 'metric' | 'aggregate' | 'class'>,
): ArmValue | null {
  const plain = plainValue(totals, expression);
  return plain === null ? null : { arm, ...plain, value: tidy(plain.value) };
}

type Plain = { readonly value: number; readonly unit: string; readonly n: number; readonly counted: string };

function plainValue(totals: Totals, expression: Pick<Expression, 'metric' | 'aggregate' | 'class'>): Plain | null {
  const { answered, detections, means } = totals;
  switch (expression.metric) {
    case 'latency_ms':
      return latency(totals, 'latency', expression.aggregate);
    case 'run_ms':
      return latency(totals, 'run', expression.aggregate);
    case 'fps':
      return ratio(answered * 1000, totals.activeMs, { unit: 'fps', n: answered, counted: 'frame' });
    case 'detections_per_frame': {
      const seen = expression.class === null ? detections : (totals.byClass[expression.class] ?? 0);
      return ratio(seen, answered, { unit: 'per frame', n: answered, counted: 'frame' });
    }
    case 'confidence':
      return ratio(totals.scoreSum, detections, { unit: '', n: detections, counted: 'detection' });
    case 'flicker':
      return share({ hits: totals.flickers, total: totals.trackFrames }, 'tracked frame');
    case 'empty':
      return share({ hits: totals.emptyFrames, total: answered }, 'frame');
    case 'errors':
      return share(countRate(totals, 'errors'), 'frame');
    case 'dropped':
      return share(countRate(totals, 'dropped'), 'captured frame');
    case 'soc_temp_c':
      return meanOf(means.temperatureC, 'C');
    case 'battery_pct':
      return expression.aggregate === 'slope' ? meanOf(means.batteryPctPerHour, '%/h') : meanOf(means.batteryPct, '%');
    case 'cpu_load_pct':
      return meanOf(means.cpuLoadPct, '%');
    case 'power_w':
      return meanOf(means.powerWatts, 'W');
    case 'rss_mb':
      return meanOf(means.rssMb, 'MB');
    case 'lost':
    case 'gained':
    case 'wrong_class':
    case 'border_share':
    case 'recall':
    case 'precision':
    case 'map50':
    case 'iou':
    case 'shadow_disagreement':
    case 'confidence_js':
    case 'cold_start_ms':
    case 'false_alerts':
    case 'cost_per_defect':
    case 'cost_per_1k':
    case 'throughput':
    case 'incidents':
      return null;
  }
}

function latency(totals: Totals, of: 'latency' | 'run', aggregate: Expression['aggregate']): Plain | null {
  const value = totals.quantile(of, aggregate === 'p50' ? 0.5 : aggregate === 'p99' ? 0.99 : 0.95);
  return value === null ? null : { value, unit: 'ms', n: totals.answered, counted: 'frame' };
}

function ratio(hits: number, of: number, plain: Omit<Plain, 'value'>): Plain | null {
  return of > 0 ? { value: hits / of, ...plain } : null;
}

function share({ hits, total }: { readonly hits: number; readonly total: number }, counted: string): Plain | null {
  return ratio(hits * 100, total, { unit: '%', n: total, counted });
}

function meanOf({ sum, count }: Mean, unit: string): Plain | null {
  return ratio(sum, count, { unit, n: count, counted: 'window' });
}

/** Enough digits for any screen. */
function tidy(value: number): number {
  return Number(value.toPrecision(5));
}

const goldenSchema = z.looseObject({
  kind: z.literal('golden'),
  classes: z.array(z.looseObject({ candidate: goldenValueSchema(), baseline: goldenValueSchema() })),
});

function goldenValueSchema() {
  return z.looseObject({ share: z.number(), objects: z.number() }).nullable();
}

/** Of the labelled frames of a self-test, from the evidence of a verdict; none where it is of another kind. */
export function goldenValues(evidence: unknown): readonly ArmValue[] {
  const read = goldenSchema.safeParse(evidence);
  if (!read.success) return [];
  const { classes } = read.data;
  return (['candidate', 'baseline'] as const).flatMap((release) => {
    const known = classes.map((one) => one[release]).filter((value) => value !== null);
    const objects = known.reduce((sum, value) => sum + value.objects, 0);
    const found = known.reduce((sum, value) => sum + value.share * value.objects, 0);
    const plain = ratio(found * 100, objects, { unit: '%', n: objects, counted: 'labelled object' });
    return plain === null
      ? []
      : [{ arm: release === 'candidate' ? release : 'control', ...plain, value: tidy(plain.value) }];
  });
}
