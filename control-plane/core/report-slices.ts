// A guardrail per site and hardware class, from the per-device evidence that is stored with a decision. For people who look for
// the one line that differs; verdicts are taken elsewhere. Evidence of another shape gives no slices.
import { z } from 'zod';
import type { ReportSlice } from '../../shared/protocol/api-reports.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';
import { mean } from './device-metrics.ts';
import { asPointsAbove } from './guardrails.ts';
import { keyOf } from './stages.ts';

const changeSchema = z.looseObject({ site: z.string(), device: z.string(), change: z.number() });
const shareSchema = z.looseObject({ site: z.string(), device: z.string(), hits: z.number(), total: z.number() });
const evidenceSchema = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('changes'),
    candidates: z.array(changeSchema),
    controls: z.array(changeSchema),
    /** Only where the limit lies so many points above the controls. */
    reference: z.looseObject({ rate: z.number(), frames: z.number() }).optional(),
  }),
  z.looseObject({ kind: z.literal('shares'), devices: z.array(shareSchema) }),
]);

export type SliceFacts = {
  readonly stage: string;
  readonly verdict: Verdict;
  /** As stored with the decision. */
  readonly evidence: unknown;
  /** `site/device` → hardware class. */
  readonly hardware: ReadonlyMap<string, string>;
};

/** The value of one device, and of what it is compared with, on the scale of the evidence. */
type Value = { readonly site: string; readonly device: string; readonly value: number };

export function slicesOf({ stage, verdict, evidence, hardware }: SliceFacts): readonly ReportSlice[] {
  const read = evidenceSchema.safeParse(evidence);
  if (!read.success) return [];
  const { values, controls } = valuesOf(read.data);
  const placeOf = (value: Value) => `${value.site}\u0000${hardware.get(keyOf(value)) ?? '?'}`;
  return [...new Set(values.map(placeOf))].sort().map((place) => {
    const [site = '', hardwareClass = ''] = place.split('\u0000');
    const own = values.filter((value) => placeOf(value) === place).map(({ value }) => value);
    const alike = controls.filter((value) => placeOf(value) === place).map(({ value }) => value);
    const meanwhile = mean(alike);
    const show = (value: number) => shownIn(verdict, read.data, value - meanwhile);
    const estimate = show(mean(own));
    const { guardrail, title, limitText, unit } = verdict;
    return {
      ...{ stage, guardrail, title, limitText, unit, site, hardwareClass },
      devices: own.length,
      controls: alike.length,
      estimate,
      low: show(Math.min(...own)),
      high: show(Math.max(...own)),
      within: isWithin(verdict, estimate),
    };
  });
}

function valuesOf(evidence: z.infer<typeof evidenceSchema>): {
  readonly values: readonly Value[];
  readonly controls: readonly Value[];
} {
  if (evidence.kind === 'shares')
    return {
      values: evidence.devices
        .filter(({ total }) => total > 0)
        .map(({ site, device, hits, total }) => ({ site, device, value: (hits / total) * 100 })),
      controls: [],
    };
  const plain = ({ site, device, change }: z.infer<typeof changeSchema>): Value => ({ site, device, value: change });
  return { values: evidence.candidates.map(plain), controls: evidence.controls.map(plain) };
}

/** What multiplies is a logarithm in the evidence; temperatures, points and shares are stored as they are shown. */
function shownIn({ unit }: Verdict, evidence: z.infer<typeof evidenceSchema>, value: number): number {
  if (evidence.kind === 'shares') return value;
  if (evidence.reference !== undefined) return asPointsAbove(evidence.reference)(value);
  if (unit === '%') return (Math.exp(value) - 1) * 100;
  return unit === 'ms' || unit === 'fps' ? Math.exp(value) : value;
}

function isWithin({ limitLow, limitHigh }: Verdict, estimate: number): boolean | null {
  if (limitLow === null && limitHigh === null) return null;
  return (limitLow === null || estimate >= limitLow) && (limitHigh === null || estimate <= limitHigh);
}
