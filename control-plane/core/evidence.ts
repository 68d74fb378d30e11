// Evidence for one guardrail: per-device changes, shares, or golden scores, with what was left out. Nothing here judges.
import type { BusinessMetric } from '../../shared/measure/business.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import { type MetricName, metricRule } from '../../shared/rollout/metrics.ts';
import { businessEvidence } from './business-evidence.ts';
import { referenceOf } from './control-reference.ts';
import type { DeviceChange } from './device-change.ts';
import { countRate, type Hits, sum } from './device-metrics.ts';
import type { Totals } from './device-totals.ts';
import { type GoldenClass, type GoldenDevice, goldenClasses } from './golden-evidence.ts';
import type { Reference } from './guardrails.ts';
import { EXCLUSIONS, type ExclusionCounts } from './history.ts';
import { type ArmCounts, changesOf, type Heard, isAbsolute, type KnownChanges, openKnown } from './known-changes.ts';
import { COUNTED, isPairedShare, type PairedShare } from './paired-hits.ts';
import { probeChanges } from './probe-evidence.ts';
import { type HitScatter, NO_SCATTER, type Scatter } from './scatter.ts';
import type { Selected } from './selected.ts';

export type { DeviceChange } from './device-change.ts';

export type DeviceShare = Hits & {
  readonly site: string;
  readonly device: string;
  readonly hardwareClass?: string;
  readonly windows: HitScatter;
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
  /** Of these very devices: what guardrails have in common. */
  readonly known?: KnownChanges;
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

function hearing({ minimum }: Pick<Guardrail, 'minimum'>): (device: Selected) => boolean {
  const { framesPerDevice, minutes } = minimum;
  const least = { ...minimum, framesPerDevice: framesPerDevice * BREACH_PART, minutes: minutes * BREACH_PART };
  return ({ since: { totals } }) => totals.frames > 0 && isEvaluated(totals, { minimum: least });
}

function changeEvidence(guardrail: Guardrail, facts: EvidenceFacts): Evidence {
  const { expression } = guardrail;
  const known = facts.known ?? openKnown([guardrail]);
  const changes = changesOf(expression, facts, known);
  const heard = heardOf(guardrail, facts, known);
  const candidates: DeviceChange[] = [];
  let evaluated = 0;
  for (let at = 0; at < changes.candidates.length; at += 1) {
    const change = changes.candidates[at];
    if (!change || !heard.is[at]) continue;
    candidates.push(change);
    if (heard.isEvaluated[at]) evaluated += 1;
  }
  return {
    kind: 'changes',
    basis: isAbsolute(expression) ? 'absolute' : 'self',
    candidates,
    controls: changes.controls,
    ...(expression.comparison.kind === 'control' ? { reference: referenceOf(guardrail, facts) } : {}),
    evaluated,
    ...basisOf(facts, heard.frames),
  };
}

/** Which candidates have told enough, by what the guardrail asks of them: most ask the same. */
function heardOf({ minimum }: Guardrail, { candidates }: EvidenceFacts, { heard }: KnownChanges): Heard {
  const name = `${minimum.framesPerDevice} frames, ${minimum.minutes} min`;
  const known = heard.get(name);
  if (known) return known;
  const is = candidates.map(hearing({ minimum }));
  const found = {
    is,
    isEvaluated: candidates.map(({ since }) => isEvaluated(since.totals, { minimum })),
    frames: sum(candidates, ({ since }, at) => (is[at] ? since.totals.frames : 0)),
  };
  heard.set(name, found);
  return found;
}

function rateEvidence(guardrail: Guardrail, facts: EvidenceFacts, metric: 'errors' | 'dropped'): Evidence {
  const heard = heardOf(guardrail, facts, facts.known ?? openKnown([guardrail]));
  const devices = facts.candidates
    .filter((_, at) => heard.is[at])
    .map(({ site, device, hardwareClass, since: { totals } }) => ({
      site,
      device,
      hardwareClass,
      ...countRate(totals, metric),
      windows: totals.shares[metric],
    }));
  return {
    kind: 'shares',
    devices,
    counted: 'frames',
    minimumTotal: 1,
    blind: [],
    evaluated: sum(heard.is, (is, at) => (is && heard.isEvaluated[at] ? 1 : 0)),
    ...basisOf(
      facts,
      sum(devices, (device) => device.total),
    ),
  };
}

function pairedEvidence(guardrail: Guardrail, facts: EvidenceFacts, metric: PairedShare): Evidence {
  const label = guardrail.expression.class;
  const devices = facts.candidates.map((selected) => {
    const { site, device, hardwareClass } = selected;
    return { selected, share: { ...selected.paired.hits(label, metric), site, device, hardwareClass } };
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
    const { change, windows } = selected.paired.border();
    return change === null ? [] : [changeFrom(selected, change, { since: windows, before: NO_SCATTER })];
  });
  const count = sum(facts.candidates, ({ paired }) => paired.baselineBoxes);
  return { kind: 'changes', basis: 'paired', candidates, controls: [], ...basisOf(facts, count) };
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
  const { known } = facts;
  const counts = known?.counts ?? countArms(facts);
  if (known) known.counts = counts;
  return { ...counts, assigned: facts.assigned, count: Number.isFinite(count) ? count : 0 };
}

function countArms({ candidates, controls }: EvidenceFacts): ArmCounts {
  const excluded = { partial: 0, switch: 0, settling: 0, camera: 0 };
  for (const reason of EXCLUSIONS) excluded[reason] = sum(candidates, (selected) => selected.excluded[reason]);
  // Without a past of its own a device cannot be a control: it joined later.
  return { excluded, controlsAvailable: controls.filter(({ before }) => before.windows > 0).length };
}

function changeFrom(
  { site, device, hardwareClass }: Selected,
  change: number,
  { since, before }: { readonly since: Scatter; readonly before: Scatter },
): DeviceChange {
  return { site, device, hardwareClass, change, since, before };
}

function placeOf({ site, line, device }: Selected): string {
  return line === null ? `${site}/${device}` : `${site}/${line}`;
}
