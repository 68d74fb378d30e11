// Evidence for one guardrail: per-device changes, shares, or golden scores, with what was left out. Nothing here judges.
import type { BusinessMetric } from '../../shared/measure/business.ts';
import type { Window } from '../../shared/measure/window.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import { type MetricName, metricRule } from '../../shared/rollout/metrics.ts';
import { businessEvidence } from './business-evidence.ts';
import { referenceOf } from './control-reference.ts';
import type { DeviceChange } from './device-change.ts';
import {
  countRate,
  type Hits,
  measure,
  measureChange,
  measureWindows,
  sum,
  windowDistances,
} from './device-metrics.ts';
import { rememberTotals, type Totals, type TotalsMemory } from './device-totals.ts';
import { type GoldenClass, type GoldenDevice, goldenClasses } from './golden-evidence.ts';
import type { Reference } from './guardrails.ts';
import { EXCLUSIONS, type ExclusionCounts, type Sample, type Selected } from './history.ts';
import { COUNTED, isPairedShare, type PairedShare, pairedHits } from './paired-hits.ts';
import { probeChanges } from './probe-evidence.ts';

export type { DeviceChange } from './device-change.ts';

export type DeviceShare = Hits & {
  readonly site: string;
  readonly device: string;
  readonly hardwareClass?: string;
  readonly windows: readonly Hits[];
};

type Basis = {
  readonly excluded: ExclusionCounts;
  /** Devices that shall have the candidate in this stage, and devices that could be controls. */
  readonly assigned: number;
  readonly controlsAvailable: number;
  /** Frames, detections or labelled objects behind it. */
  readonly count: number;
  /** Devices with all the frames and minutes that a pass asks for; all of them when it is not given. */
  readonly evaluated?: number;
};

export type Evidence =
  | (Basis & {
      readonly kind: 'changes';
      readonly candidates: readonly DeviceChange[];
      readonly controls: readonly DeviceChange[];
      /** `self`: minus its own past and the controls. `paired`: both releases on the same frames. `absolute`: the plain value. */
      readonly basis: 'self' | 'paired' | 'absolute';
      /** Of a limit against the controls. */
      readonly reference?: Reference;
      /** Of false alerts: share of the alerts that somebody has looked at; null: it plays no part. */
      readonly reviewedShare?: number | null;
    })
  | (Basis & {
      readonly kind: 'shares';
      readonly devices: readonly DeviceShare[];
      /** What `total` counts: `confident micro-crack detections`, `frames`. */
      readonly counted: string;
      readonly minimumTotal: number;
      /** Sites and lines whose devices have none. */
      readonly blind: readonly string[];
    })
  | (Basis & { readonly kind: 'golden'; readonly classes: readonly GoldenClass[] });

export type EvidenceFacts = {
  readonly candidates: readonly Selected[];
  readonly controls: readonly Selected[];
  readonly assigned: number;
  readonly golden: readonly GoldenDevice[];
  /** Of earlier calls; without it everything is added up anew. */
  readonly memory?: TotalsMemory;
};

export function gatherEvidence(guardrail: Guardrail, facts: EvidenceFacts): Evidence {
  const { metric, comparison } = guardrail.expression;
  if (metricRule(metric).source === 'golden') return goldenEvidence(guardrail, facts);
  if (metric === 'cold_start_ms') return probeEvidence(guardrail, facts);
  if (isBusiness(metric)) return broughtIn(metric, facts);
  if (metric === 'border_share') return borderEvidence(facts);
  if (isPairedShare(metric)) return pairedEvidence(guardrail, facts, metric);
  if (comparison.kind === 'absolute' && (metric === 'errors' || metric === 'dropped'))
    return rateEvidence(guardrail, facts, metric);
  return changeEvidence(guardrail, facts);
}

/** A device is evaluated when its windows hold enough frames and time; a shadow may hold fewer, its frames are sampled. */
export function isEvaluated({ frames, durationMs }: Totals, { minimum }: Pick<Guardrail, 'minimum'>): boolean {
  return frames >= minimum.framesPerDevice && durationMs >= minimum.minutes * 60_000;
}

/**
 * The part of the minimum that a device needs to count against a candidate. A pass asks for all of it; a breach need not wait for
 * what only makes a pass safe, as its own boundary grows with the doubt.
 */
const BREACH_PART = 0.1;

function isHeard(totals: Totals, { minimum }: Pick<Guardrail, 'minimum'>): boolean {
  const { framesPerDevice, minutes } = minimum;
  const least = { ...minimum, framesPerDevice: framesPerDevice * BREACH_PART, minutes: minutes * BREACH_PART };
  return totals.frames > 0 && isEvaluated(totals, { minimum: least });
}

/** With more devices than this the windows of each are not looked at: the spread between devices is known. */
const FEW_DEVICES = 40;

function changeEvidence(guardrail: Guardrail, facts: EvidenceFacts): Evidence {
  // A distance is between a device and its own past: what the controls drift by meanwhile is subtracted, like any change.
  const isAbsolute = guardrail.expression.comparison.kind === 'absolute' && guardrail.expression.aggregate !== 'js';
  const memory = facts.memory ?? rememberTotals();
  const heard = heardOf(guardrail, facts, memory);
  const withWindows = isAbsolute || facts.candidates.length + facts.controls.length <= FEW_DEVICES;
  const reading = { expression: guardrail.expression, memory, withWindows };
  const changeOf = (selected: Selected) =>
    isAbsolute ? absoluteOf(selected, reading) : deviceChange(selected, reading);
  const candidates = heard.flatMap(({ selected, totals }) => changeOf(selected).map((change) => ({ totals, change })));
  return {
    kind: 'changes',
    basis: isAbsolute ? 'absolute' : 'self',
    candidates: candidates.map(({ change }) => change),
    controls: isAbsolute ? [] : facts.controls.flatMap(changeOf),
    ...(guardrail.expression.comparison.kind === 'control' ? { reference: referenceOf(guardrail, facts, memory) } : {}),
    evaluated: candidates.filter(({ totals }) => isEvaluated(totals, guardrail)).length,
    ...basisOf(
      facts,
      sum(heard, ({ totals }) => totals.frames),
    ),
  };
}

function heardOf(guardrail: Guardrail, { candidates }: EvidenceFacts, memory: TotalsMemory) {
  return candidates
    .map((selected) => ({ selected, totals: memory.of(selected.since) }))
    .filter(({ totals }) => isHeard(totals, guardrail));
}

type Reading = {
  readonly expression: Guardrail['expression'];
  readonly memory: TotalsMemory;
  readonly withWindows: boolean;
};

function deviceChange(selected: Selected, { expression, memory, withWindows }: Reading): readonly DeviceChange[] {
  const { since, before } = selected;
  if (since.length === 0 || before.length === 0) return [];
  const change = measureChange(memory.of(since), memory.of(before), expression);
  if (change === null) return [];
  const scatter = (samples: readonly Sample[]) => {
    if (!withWindows) return [];
    return expression.metric === 'confidence_js'
      ? windowDistances(samples, before)
      : measureWindows(samples, expression, memory);
  };
  return [changeFrom(selected, change, { since: scatter(since), before: scatter(before) })];
}

function absoluteOf(selected: Selected, { expression, memory }: Reading): readonly DeviceChange[] {
  const value = measure(memory.of(selected.since), expression);
  const since = measureWindows(selected.since, expression, memory);
  return value === null ? [] : [changeFrom(selected, value, { since, before: [] })];
}

function rateEvidence(guardrail: Guardrail, facts: EvidenceFacts, metric: 'errors' | 'dropped'): Evidence {
  const memory = facts.memory ?? rememberTotals();
  const heard = heardOf(guardrail, facts, memory);
  const devices = heard.map(({ selected: { site, device, hardwareClass, since }, totals }) => ({
    site,
    device,
    hardwareClass,
    ...countRate(totals, metric),
    windows: since.map((sample) => countRate(memory.of([sample]), metric)),
  }));
  const total = sum(devices, (device) => device.total);
  const evaluated = heard.filter(({ totals }) => isEvaluated(totals, guardrail)).length;
  return {
    kind: 'shares',
    devices,
    counted: 'frames',
    minimumTotal: 1,
    blind: [],
    evaluated,
    ...basisOf(facts, total),
  };
}

function pairedEvidence(guardrail: Guardrail, facts: EvidenceFacts, metric: PairedShare): Evidence {
  const label = guardrail.expression.class;
  const devices = facts.candidates.map((selected) => {
    const windows = selected.paired.map((window) => pairedHits(window, label, metric));
    const { site, device, hardwareClass } = selected;
    return { selected, share: { ...addHits(windows), site, device, hardwareClass, windows } };
  });
  const seeing = devices.filter(({ share }) => share.total > 0);
  const total = sum(seeing, ({ share }) => share.total);
  const places = new Set(seeing.map(({ selected }) => placeOf(selected)));
  return {
    kind: 'shares',
    devices: seeing.map(({ share }) => share),
    counted: `confident ${label === null ? '' : `${label} `}detections of ${COUNTED[metric]}`,
    minimumTotal: guardrail.minimum.baseDetections,
    blind: [...new Set(devices.map(({ selected }) => placeOf(selected)))].filter((place) => !places.has(place)).sort(),
    ...basisOf(facts, total),
  };
}

/** Candidate's share of borderline boxes minus the baseline's, on the same frames. */
function borderEvidence(facts: EvidenceFacts): Evidence {
  const candidates = facts.candidates.flatMap((selected) => {
    const whole = borderDifference(selected.paired);
    if (whole === null) return [];
    const since = selected.paired.map((window) => borderDifference([window])).filter((value) => value !== null);
    return [changeFrom(selected, whole, { since, before: [] })];
  });
  const count = sum(facts.candidates, ({ paired }) => sum(paired, (window) => window.paired?.baselineBoxes ?? 0));
  return { kind: 'changes', basis: 'paired', candidates, controls: [], ...basisOf(facts, count) };
}

function borderDifference(windows: readonly Window[]): number | null {
  const paired = windows.flatMap((window) => (window.paired ? [window.paired] : []));
  const baselineBoxes = sum(paired, (each) => each.baselineBoxes);
  const candidateBoxes = sum(paired, (each) => each.candidateBoxes);
  if (baselineBoxes === 0 || candidateBoxes === 0) return null;
  const candidateShare = sum(paired, (each) => each.candidateBorderline) / candidateBoxes;
  return (candidateShare - sum(paired, (each) => each.baselineBorderline) / baselineBoxes) * 100;
}

function isBusiness(metric: MetricName): metric is BusinessMetric {
  return metricRule(metric).source === 'business';
}

function broughtIn(metric: BusinessMetric, facts: EvidenceFacts): Evidence {
  const { candidates, controls, reviewedShare, records } = businessEvidence(facts.candidates, facts.controls, metric);
  const basis = basisOf(facts, records);
  // Who has no figures of before cannot be compared, and is not waited for.
  return {
    kind: 'changes',
    basis: 'self',
    candidates,
    controls,
    reviewedShare,
    ...basis,
    controlsAvailable: controls.length,
  };
}

function probeEvidence(guardrail: Guardrail, facts: EvidenceFacts): Evidence {
  const { candidates, evaluated, starts } = probeChanges(guardrail, facts.golden);
  const basis = { ...basisOf(facts, starts), controlsAvailable: 0 };
  return { kind: 'changes', basis: 'self', candidates, controls: [], evaluated, ...basis };
}

function goldenEvidence(guardrail: Guardrail, facts: EvidenceFacts): Evidence {
  const classes = goldenClasses(guardrail.expression, facts.golden);
  return { kind: 'golden', classes, ...basisOf(facts, Math.min(...classes.map((each) => each.objects), Infinity)) };
}

function basisOf(facts: EvidenceFacts, count: number): Basis {
  const excluded = { partial: 0, switch: 0, settling: 0, camera: 0 };
  for (const reason of EXCLUSIONS) excluded[reason] = sum(facts.candidates, (selected) => selected.excluded[reason]);
  return {
    excluded,
    assigned: facts.assigned,
    // Without a past of its own a device cannot be a control: it joined later.
    controlsAvailable: facts.controls.filter(({ before }) => before.length > 0).length,
    count: Number.isFinite(count) ? count : 0,
  };
}

function changeFrom(
  { site, device, hardwareClass }: Selected,
  change: number,
  windows: { readonly since: readonly number[]; readonly before: readonly number[] },
): DeviceChange {
  return { site, device, hardwareClass, change, sinceWindows: windows.since, beforeWindows: windows.before };
}

function addHits(all: readonly Hits[]): Hits {
  return { hits: sum(all, ({ hits }) => hits), total: sum(all, ({ total }) => total) };
}

function placeOf({ site, line, device }: Selected): string {
  return line === null ? `${site}/${device}` : `${site}/${line}`;
}
