// A verdict before it is reached: what is judged, what was left out, and which minimums of evidence are met.
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import { metricRule } from '../../shared/rollout/metrics.ts';
import type { MinimumCheck, Verdict } from '../../shared/rollout/verdict.ts';
import type { Evidence } from './evidence.ts';
import { scaleOf } from './guardrails.ts';

export function draftOf(guardrail: Guardrail, evidence: Evidence): Verdict {
  const scale = scaleOf(guardrail.expression, evidence.kind === 'changes' ? evidence.reference : undefined);
  const shown = (limit: number | null) => (limit === null ? null : round(scale.show(limit)));
  return {
    ...emptyDraft(guardrail),
    limitLow: shown(scale.low),
    limitHigh: shown(scale.high),
    unit: scale.unit,
    count: evidence.count,
    minimums: [...minimumsOf(guardrail, evidence)],
    excluded: { ...evidence.excluded },
    blind: evidence.kind === 'shares' ? [...evidence.blind] : [],
  };
}

/** Without evidence: never a pass. */
export function emptyDraft({ id, title, limitText, enforce }: Omit<Guardrail, 'expression' | 'minimum'>): Verdict {
  return {
    guardrail: id,
    title,
    limitText,
    enforce,
    verdict: 'no-data',
    sentence: '',
    n: 0,
    controls: 0,
    level: 'absolute',
    spread: 'between devices',
    estimate: null,
    low: null,
    high: null,
    limitLow: null,
    limitHigh: null,
    unit: '',
    count: 0,
    minimums: [],
    excluded: {},
    blind: [],
    slice: null,
    needs: null,
  };
}

/** Whether devices, controls and detections suffice for a breach: frames and minutes have their own, smaller floor. */
export function mayBreach(guardrail: Guardrail, evidence: Exclude<Evidence, { kind: 'golden' }>): boolean {
  return minimumsOf(guardrail, { ...evidence, evaluated: devicesOf(evidence) }).every(({ met }) => met);
}

function devicesOf(evidence: Exclude<Evidence, { kind: 'golden' }>): number {
  return evidence.kind === 'changes' ? evidence.candidates.length : evidence.devices.length;
}

function minimumsOf(guardrail: Guardrail, evidence: Evidence): readonly MinimumCheck[] {
  const { minimum } = guardrail;
  if (evidence.kind === 'golden') return goldenMinimums(guardrail, evidence);
  const isPaired = evidence.kind === 'shares' ? evidence.counted !== 'frames' : evidence.basis === 'paired';
  const { source } = metricRule(guardrail.expression.metric);
  const checks: MinimumCheck[] = [...reviewMinimum(guardrail, evidence)];
  if (evidence.kind === 'shares' && isPaired)
    checks.push(check(evidence.counted, evidence.count, evidence.minimumTotal));
  if (evidence.kind === 'changes' && isPaired)
    checks.push(check('boxes of the baseline', evidence.count, minimum.baseDetections));
  // A stage of one device is judged by that one; a stage of many is not judged by the first that reports. Paired evidence
  // pools over devices: some may see nothing.
  const needed = isPaired ? 1 : Math.min(minimum.devices, Math.max(1, evidence.assigned));
  checks.push(
    check(
      `devices with ${isPaired ? 'paired frames' : (WHAT[source]?.(minimum) ?? framesText(minimum))}`,
      evidence.evaluated ?? devicesOf(evidence),
      needed,
    ),
  );
  if (evidence.kind === 'changes' && evidence.basis === 'self')
    checks.push(
      check('control devices', evidence.controls.length, Math.min(minimum.controls, evidence.controlsAvailable)),
    );
  return checks;
}

/** What a device must have when it is not frames and time. */
const WHAT: Readonly<Record<string, (minimum: Guardrail['minimum']) => string>> = {
  probe: ({ probesPerDevice = 1 }) => `${probesPerDevice} starts of each release`,
  business: () => 'business figures from before and since',
};

function framesText({ framesPerDevice, minutes }: Guardrail['minimum']): string {
  return `${framesPerDevice} frames and ${formatMinutes(minutes)} of evidence`;
}

/** Alerts that nobody looked at say nothing about false ones. */
function reviewMinimum({ minimum }: Guardrail, evidence: Evidence): readonly MinimumCheck[] {
  if (evidence.kind !== 'changes' || evidence.reviewedShare == null) return [];
  return [
    check('share of the alerts reviewed', round(evidence.reviewedShare), minimum.reviewedShare ?? REVIEWED_SHARE),
  ];
}

const REVIEWED_SHARE = 0.3;

function goldenMinimums(
  guardrail: Guardrail,
  evidence: Extract<Evidence, { kind: 'golden' }>,
): readonly MinimumCheck[] {
  const isRelative = guardrail.expression.comparison.kind === 'offset';
  const needed = guardrail.minimum.objects;
  const pictures = guardrail.minimum.images;
  return evidence.classes.flatMap(({ hardwareClass, candidate, baseline, images }) => [
    ...(pictures === undefined
      ? []
      : [check(`labelled pictures tried by the candidate on ${hardwareClass}`, images?.candidate ?? 0, pictures)]),
    ...(pictures === undefined || !isRelative
      ? []
      : [check(`labelled pictures tried by the baseline on ${hardwareClass}`, images?.baseline ?? 0, pictures)]),
    check(`labelled objects tried by the candidate on ${hardwareClass}`, candidate?.objects ?? 0, needed),
    ...(isRelative
      ? [check(`labelled objects tried by the baseline on ${hardwareClass}`, baseline?.objects ?? 0, needed)]
      : []),
  ]);
}

export function check(what: string, have: number, need: number): MinimumCheck {
  return { what, have, need, met: have >= need };
}

export function formatMinutes(minutes: number): string {
  return minutes >= 1 ? `${minutes} min` : `${Math.round(minutes * 60)} s`;
}

/** Far beyond anything that is measured; JSON has no infinity. */
const SHOWN_MAX = 1e12;

/** Six digits: enough for any screen, and stored verdicts stay readable. */
export function round(value: number): number {
  return Number(Math.min(SHOWN_MAX, Math.max(-SHOWN_MAX, value)).toPrecision(6));
}
