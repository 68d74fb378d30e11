// One guardrail device by device, in the unit of its limit, and the same by site and hardware class: from the evidence that a verdict
// was reached with, at hand or as a decision kept it. For pictures; verdicts are taken elsewhere.
import { z } from 'zod';
import type { DevicePoint, EvidenceCell, GuardrailEvidence } from '../../shared/protocol/api-rollout-charts.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import { mean } from './device-metrics.ts';
import { type Scale, scaleOf } from './guardrails.ts';
import { keyOf } from './stages.ts';

const changeSchema = z.looseObject({ site: z.string(), device: z.string(), change: z.number() });
const shareSchema = z.looseObject({ site: z.string(), device: z.string(), hits: z.number(), total: z.number() });
const evidenceSchema = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('changes'),
    candidates: z.array(changeSchema),
    controls: z.array(changeSchema),
    basis: z.enum(['self', 'paired', 'absolute']).default('self'),
    reference: z.looseObject({ rate: z.number(), frames: z.number() }).optional(),
  }),
  z.looseObject({ kind: z.literal('shares'), devices: z.array(shareSchema) }),
]);

/** As many dots as a picture can show. */
const POINTS_MAX = 600;

export type PointFacts = {
  readonly guardrail: Guardrail;
  readonly evidence: unknown;
  /** `site/device` → hardware class. */
  readonly hardware: ReadonlyMap<string, string>;
  /** Whether the devices are wanted one by one. */
  readonly withPoints: boolean;
};

/** On the scale of comparison. */
type Value = Pick<DevicePoint, 'site' | 'device' | 'hardwareClass' | 'arm'> & { readonly raw: number };

/** Null where a guardrail has no evidence of single devices: labelled frames, incidents. */
export function describeEvidence(facts: PointFacts): GuardrailEvidence | null {
  const read = evidenceSchema.safeParse(facts.evidence);
  if (!read.success) return null;
  const { guardrail, hardware, withPoints } = facts;
  const reference = read.data.kind === 'changes' ? read.data.reference : undefined;
  const scale = scaleOf(guardrail.expression, reference);
  const values = valuesOf(read.data, hardware);
  const candidates = values.filter(({ arm }) => arm === 'candidate');
  const controls = values.filter(({ arm }) => arm === 'control');
  const shown = withPoints ? [...spreadOver(candidates), ...spreadOver(controls)] : [];
  const show = (limit: number | null) => (limit === null ? null : tidy(scale.show(limit)));
  return {
    guardrail: guardrail.id,
    title: guardrail.title,
    limitText: guardrail.limitText,
    unit: scale.unit,
    limitLow: show(scale.low),
    limitHigh: show(scale.high),
    shows: read.data.kind === 'changes' && read.data.basis === 'self' ? 'change' : 'value',
    candidate: armOf(candidates, scale),
    control: armOf(controls, scale),
    cells: [...cellsOf(candidates, controls, scale)],
    points: withPoints ? shown.map(({ raw, ...point }) => ({ ...point, value: tidy(scale.show(raw)) })) : null,
    pointsOmitted: withPoints ? values.length - shown.length : 0,
  };
}

/** `site/device` of the candidates behind it. */
export function candidatesOf(evidence: unknown): readonly string[] {
  const read = evidenceSchema.safeParse(evidence);
  if (!read.success) return [];
  return (read.data.kind === 'changes' ? read.data.candidates : read.data.devices).map(keyOf);
}

function valuesOf(evidence: z.infer<typeof evidenceSchema>, hardware: PointFacts['hardware']): readonly Value[] {
  const place = ({ site, device }: { readonly site: string; readonly device: string }) => {
    return { site, device, hardwareClass: hardware.get(keyOf({ site, device })) ?? '' };
  };
  if (evidence.kind === 'shares')
    return evidence.devices
      .filter(({ total }) => total > 0)
      .map((share) => ({ ...place(share), arm: 'candidate', raw: share.hits / share.total }));
  return [
    ...evidence.candidates.map((one) => ({ ...place(one), arm: 'candidate' as const, raw: one.change })),
    ...evidence.controls.map((one) => ({ ...place(one), arm: 'control' as const, raw: one.change })),
  ];
}

function armOf(values: readonly Value[], scale: Scale): GuardrailEvidence['candidate'] {
  if (values.length === 0) return null;
  return { devices: values.length, mean: tidy(scale.show(mean(values.map(({ raw }) => raw)))) };
}

/** Lowest, highest, and those between at even steps of rank. */
function spreadOver(values: readonly Value[]): readonly Value[] {
  if (values.length <= POINTS_MAX) return values;
  const sorted = values.toSorted((a, b) => a.raw - b.raw);
  const step = (sorted.length - 1) / (POINTS_MAX - 1);
  return Array.from({ length: POINTS_MAX }, (_, at) => sorted[Math.round(at * step)]).filter(
    (one) => one !== undefined,
  );
}

function* cellsOf(
  candidates: readonly Value[],
  controls: readonly Value[],
  scale: Scale,
): Generator<EvidenceCell, void, undefined> {
  const alike = Map.groupBy(controls, placeOf);
  for (const [place, own] of [...Map.groupBy(candidates, placeOf)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const meanwhile = alike.get(place) ?? [];
    const drift = mean(meanwhile.map(({ raw }) => raw));
    const raws = own.map(({ raw }) => raw - drift);
    const middle = mean(raws);
    const [site = '', hardwareClass = ''] = place.split('\u0000');
    yield {
      site,
      hardwareClass,
      devices: own.length,
      controls: meanwhile.length,
      estimate: tidy(scale.show(middle)),
      low: tidy(scale.show(Math.min(...raws))),
      high: tidy(scale.show(Math.max(...raws))),
      within: isWithin(middle, scale),
    };
  }
}

function placeOf({ site, hardwareClass }: Value): string {
  return `${site}\u0000${hardwareClass}`;
}

function isWithin(value: number, { low, high }: Scale): boolean | null {
  if (low === null && high === null) return null;
  return (low === null || value >= low) && (high === null || value <= high);
}

/** Enough digits for any screen. */
function tidy(value: number): number {
  return Number(value.toPrecision(5));
}
