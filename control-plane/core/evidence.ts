// Evidence for one guardrail: per-device changes, shares, or golden scores, with what was left out. Nothing here judges.
import type { Window } from '../../shared/measure/window.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import { metricRule } from '../../shared/rollout/metrics.ts';
import { countRate, type Hits, measure, measureChange, measureWindows, sum } from './device-metrics.ts';
import { type GoldenClass, type GoldenDevice, goldenClasses } from './golden-evidence.ts';
import { EXCLUSIONS, type ExclusionCounts, type Sample, type Selected } from './history.ts';

/** How one device changed, on the comparison scale, and the same seen by each window. */
export type DeviceChange = {
  readonly site: string;
  readonly device: string;
  readonly hardwareClass: string;
  readonly change: number;
  /** Empty where there are so many devices that the spread between them says enough. */
  readonly sinceWindows: readonly number[];
  readonly beforeWindows: readonly number[];
};

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
};

export function gatherEvidence(guardrail: Guardrail, facts: EvidenceFacts): Evidence {
  const { metric, comparison } = guardrail.expression;
  if (metricRule(metric).source === 'golden') return goldenEvidence(guardrail, facts);
  if (metric === 'border_share') return borderEvidence(facts);
  if (metric === 'lost' || metric === 'gained' || metric === 'wrong_class')
    return pairedEvidence(guardrail, facts, metric);
  if (comparison.kind === 'absolute' && (metric === 'errors' || metric === 'dropped'))
    return rateEvidence(guardrail, facts, metric);
  return changeEvidence(guardrail, facts);
}

/** A device is evaluated when its windows hold enough frames and time; a shadow may hold fewer, its frames are sampled. */
export function isEvaluated(samples: readonly Sample[], guardrail: Pick<Guardrail, 'minimum'>): boolean {
  const frames = sum(samples, ({ arm }) => arm.frames);
  const durationMs = sum(samples, ({ window }) => window.endAtMs - window.startAtMs);
  return frames >= guardrail.minimum.framesPerDevice && durationMs >= guardrail.minimum.minutes * 60_000;
}

/**
 * The part of the minimum that a device needs to count against a candidate. A pass asks for all of it; a breach need not wait for
 * what only makes a pass safe, as its own boundary grows with the doubt.
 */
const BREACH_PART = 0.1;

function isHeard(samples: readonly Sample[], { minimum }: Pick<Guardrail, 'minimum'>): boolean {
  const { framesPerDevice, minutes } = minimum;
  const least = { ...minimum, framesPerDevice: framesPerDevice * BREACH_PART, minutes: minutes * BREACH_PART };
  return samples.length > 0 && isEvaluated(samples, { minimum: least });
}

/** With more devices than this the windows of each are not looked at: the spread between devices is known. */
const FEW_DEVICES = 40;

function changeEvidence(guardrail: Guardrail, facts: EvidenceFacts): Evidence {
  const isAbsolute = guardrail.expression.comparison.kind === 'absolute';
  const heard = facts.candidates.filter(({ since }) => isHeard(since, guardrail));
  const withWindows = isAbsolute || facts.candidates.length + facts.controls.length <= FEW_DEVICES;
  const changeOf = (selected: Selected) =>
    isAbsolute ? absoluteOf(selected, guardrail) : deviceChange(selected, guardrail, withWindows);
  const candidates = heard.flatMap((selected) => changeOf(selected).map((change) => ({ selected, change })));
  const frames = sum(heard, ({ since }) => sum(since, ({ arm }) => arm.frames));
  return {
    kind: 'changes',
    basis: isAbsolute ? 'absolute' : 'self',
    candidates: candidates.map(({ change }) => change),
    controls: isAbsolute ? [] : facts.controls.flatMap(changeOf),
    evaluated: candidates.filter(({ selected }) => isEvaluated(selected.since, guardrail)).length,
    ...basisOf(facts, frames),
  };
}

function deviceChange(selected: Selected, { expression }: Guardrail, withWindows: boolean): readonly DeviceChange[] {
  const change = measureChange(selected, expression);
  if (change === null) return [];
  const windows = withWindows
    ? { since: measureWindows(selected.since, expression), before: measureWindows(selected.before, expression) }
    : { since: [], before: [] };
  return [changeFrom(selected, change, windows)];
}

function absoluteOf(selected: Selected, { expression }: Guardrail): readonly DeviceChange[] {
  const value = measure(selected.since, expression);
  const since = measureWindows(selected.since, expression);
  return value === null ? [] : [changeFrom(selected, value, { since, before: [] })];
}

function rateEvidence(guardrail: Guardrail, facts: EvidenceFacts, metric: 'errors' | 'dropped'): Evidence {
  const heard = facts.candidates.filter(({ since }) => isHeard(since, guardrail));
  const devices = heard.map((selected) => ({
    site: selected.site,
    device: selected.device,
    hardwareClass: selected.hardwareClass,
    ...countRate(selected.since, metric),
    windows: selected.since.map((sample) => countRate([sample], metric)),
  }));
  const total = sum(devices, (device) => device.total);
  const evaluated = heard.filter(({ since }) => isEvaluated(since, guardrail)).length;
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

function pairedEvidence(
  guardrail: Guardrail,
  facts: EvidenceFacts,
  metric: 'lost' | 'gained' | 'wrong_class',
): Evidence {
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
    counted: `confident ${label === null ? '' : `${label} `}detections of the ${metric === 'gained' ? 'candidate' : 'baseline'}`,
    minimumTotal: guardrail.minimum.baseDetections,
    blind: [...new Set(devices.map(({ selected }) => placeOf(selected)))].filter((place) => !places.has(place)).sort(),
    ...basisOf(facts, total),
  };
}

function pairedHits(window: Window, label: string | null, metric: 'lost' | 'gained' | 'wrong_class'): Hits {
  const classes = (window.paired?.classes ?? []).filter((entry) => label === null || entry.class === label);
  const hits = { lost: 'lost', gained: 'gained', wrong_class: 'wrongClass' } as const;
  const key = hits[metric];
  return {
    hits: sum(classes, (entry) => entry[key]),
    total: sum(classes, (entry) => (metric === 'gained' ? entry.candidateConfident : entry.baselineConfident)),
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
