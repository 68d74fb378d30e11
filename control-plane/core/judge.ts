// Judges one guardrail: breach when even the best plausible value breaks the limit, pass when even the worst plausible value
// is inside it, otherwise inconclusive; and no-data, which is never a pass, when the evidence is too thin to say anything.
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import type { MinimumCheck, Verdict } from '../../shared/rollout/verdict.ts';
import type { Evidence } from './evidence.ts';
import { type Scale, scaleOf, showRange, showValue } from './guardrails.ts';
import { tQuantile } from './student-t.ts';
import { changeInterval, goldenInterval, type Interval, shareInterval } from './uncertainty.ts';

/** Names the rule that a stored decision was taken by. */
export const STATISTICS_VERSION = 'device-paired-t/1';

export type Look = {
  /** One-sided error of a breach at one look. */
  readonly breachAlpha: number;
  /** One-sided error of a pass. */
  readonly passAlpha: number;
};

export const STANDARD_LOOK: Look = { breachAlpha: 0.01, passAlpha: 0.1 };

export function judge(guardrail: Guardrail, evidence: Evidence, look: Look = STANDARD_LOOK): Verdict {
  const draft = draftOf(guardrail, evidence);
  const missing = draft.minimums.find((minimum) => !minimum.met);
  if (missing)
    return {
      ...draft,
      sentence: `${guardrail.title}: no evidence: ${missing.have} ${missing.what}, needs ${missing.need}`,
    };
  const intervals = intervalsOf(evidence, guardrail);
  if (intervals.length === 0) return { ...draft, sentence: `${guardrail.title}: no evidence: ${whyNone(evidence)}` };
  const verdicts = intervals.map((interval) => conclude(draft, { interval, guardrail, look }));
  return verdicts.reduce((worst, verdict) => (SEVERITY[verdict.verdict] > SEVERITY[worst.verdict] ? verdict : worst));
}

const SEVERITY: Readonly<Record<Verdict['verdict'], number>> = { pass: 0, inconclusive: 1, 'no-data': 2, breach: 3 };

function draftOf(guardrail: Guardrail, evidence: Evidence): Verdict {
  const scale = scaleOf(guardrail.expression);
  const shown = (limit: number | null) => (limit === null ? null : round(scale.show(limit)));
  return {
    guardrail: guardrail.id,
    title: guardrail.title,
    limitText: guardrail.limitText,
    enforce: guardrail.enforce,
    verdict: 'no-data',
    sentence: '',
    n: 0,
    controls: 0,
    level: 'absolute',
    spread: 'between devices',
    estimate: null,
    low: null,
    high: null,
    limitLow: shown(scale.low),
    limitHigh: shown(scale.high),
    unit: scale.unit,
    count: evidence.count,
    minimums: [...minimumsOf(guardrail, evidence)],
    excluded: { ...evidence.excluded },
    blind: evidence.kind === 'shares' ? [...evidence.blind] : [],
  };
}

function minimumsOf(guardrail: Guardrail, evidence: Evidence): readonly MinimumCheck[] {
  const { minimum } = guardrail;
  if (evidence.kind === 'golden') return goldenMinimums(guardrail, evidence);
  const devices = evidence.kind === 'changes' ? evidence.candidates.length : evidence.devices.length;
  const isPaired = evidence.kind === 'shares' ? evidence.counted !== 'frames' : evidence.basis === 'paired';
  const checks: MinimumCheck[] = [];
  if (evidence.kind === 'shares' && isPaired)
    checks.push(check(evidence.counted, evidence.count, evidence.minimumTotal));
  if (evidence.kind === 'changes' && isPaired)
    checks.push(check('boxes of the baseline', evidence.count, minimum.baseDetections));
  // A stage of one device is judged by that one; a stage of many is not judged by the first that reports. Paired evidence
  // pools over devices: some may see nothing.
  const needed = isPaired ? 1 : Math.min(minimum.devices, Math.max(1, evidence.assigned));
  checks.push(
    check(
      `devices with ${isPaired ? 'paired frames' : `${minimum.framesPerDevice} frames and ${formatMinutes(minimum.minutes)} of evidence`}`,
      devices,
      needed,
    ),
  );
  if (evidence.kind === 'changes' && evidence.basis === 'self')
    checks.push(
      check('control devices', evidence.controls.length, Math.min(minimum.controls, evidence.controlsAvailable)),
    );
  return checks;
}

function goldenMinimums(
  guardrail: Guardrail,
  evidence: Extract<Evidence, { kind: 'golden' }>,
): readonly MinimumCheck[] {
  const isRelative = guardrail.expression.comparison.kind === 'offset';
  const needed = guardrail.minimum.objects;
  return evidence.classes.flatMap(({ hardwareClass, candidate, baseline }) => [
    check(`labelled objects tried by the candidate on ${hardwareClass}`, candidate?.objects ?? 0, needed),
    ...(isRelative
      ? [check(`labelled objects tried by the baseline on ${hardwareClass}`, baseline?.objects ?? 0, needed)]
      : []),
  ]);
}

function check(what: string, have: number, need: number): MinimumCheck {
  return { what, have, need, met: have >= need };
}

function intervalsOf(evidence: Evidence, guardrail: Guardrail): readonly Interval[] {
  if (evidence.kind === 'shares')
    return evidence.count === 0
      ? []
      : [shareInterval(evidence.devices, evidence.counted === 'frames' ? 'absolute' : 'paired')];
  if (evidence.kind === 'changes') {
    const interval =
      evidence.candidates.length === 0 ? null : changeInterval(evidence.candidates, evidence.controls, evidence.basis);
    return interval === null ? [] : [interval];
  }
  const isRelative = guardrail.expression.comparison.kind === 'offset';
  return evidence.classes.flatMap(({ candidate, baseline, devices }) =>
    candidate === null ? [] : [goldenInterval(candidate, isRelative ? baseline : null, devices)],
  );
}

function whyNone(evidence: Evidence): string {
  if (evidence.kind === 'golden') return 'no device has proven the candidate';
  if (evidence.kind === 'changes' && evidence.candidates.length > 0) return 'fewer than 2 windows of a device';
  return 'nothing was measured';
}

type Conclusion = { readonly interval: Interval; readonly guardrail: Guardrail; readonly look: Look };

function conclude(draft: Verdict, { interval, guardrail, look }: Conclusion): Verdict {
  const scale = scaleOf(guardrail.expression);
  const reach = (alpha: number) => tQuantile(1 - alpha, interval.df) * interval.standardError;
  const verdict = compare(interval.estimate, scale, { breach: reach(look.breachAlpha), pass: reach(look.passAlpha) });
  // The narrow range may lie wholly beyond a limit that the wide one still reaches into: then the wide one says why.
  const shown = reach(verdict === 'inconclusive' ? look.breachAlpha : look.passAlpha);
  const [low, high] = [interval.estimate - shown, interval.estimate + shown];
  return {
    ...draft,
    verdict,
    sentence: sentenceOf({ guardrail, interval, scale, verdict, low, high, draft }),
    n: interval.n,
    controls: interval.controls,
    level: interval.level,
    spread: interval.spread,
    estimate: round(scale.show(interval.estimate)),
    low: round(scale.show(low)),
    high: round(scale.show(high)),
  };
}

function compare(
  estimate: number,
  scale: Scale,
  reach: { breach: number; pass: number },
): 'pass' | 'breach' | 'inconclusive' {
  const isAbove = scale.high !== null && estimate - reach.breach > scale.high;
  const isBelow = scale.low !== null && estimate + reach.breach < scale.low;
  if (isAbove || isBelow) return 'breach';
  const isInsideHigh = scale.high === null || estimate + reach.pass <= scale.high;
  const isInsideLow = scale.low === null || estimate - reach.pass >= scale.low;
  return isInsideHigh && isInsideLow ? 'pass' : 'inconclusive';
}

type Story = {
  readonly guardrail: Guardrail;
  readonly interval: Interval;
  readonly scale: Scale;
  readonly verdict: 'pass' | 'breach' | 'inconclusive';
  readonly low: number;
  readonly high: number;
  readonly draft: Verdict;
};

function sentenceOf({ guardrail, interval, scale, verdict, low, high, draft }: Story): string {
  const words = { pass: 'is inside', breach: 'breaks', inconclusive: 'may or may not be inside' } as const;
  const blind = draft.blind.length === 0 ? '' : `; no evidence of its own: ${draft.blind.join(', ')}`;
  return `${guardrail.title} ${showValue(scale, interval.estimate)} ${words[verdict]} its limit ${guardrail.limitText} (plausible ${showRange(scale, low, high)}; ${basisText(interval, draft.count)})${blind}`;
}

function basisText(interval: Interval, count: number): string {
  const devices = `${interval.n} device${interval.n === 1 ? '' : 's'}`;
  const spread = interval.spread === 'between windows' ? ', few devices: spread between windows' : '';
  switch (interval.level) {
    case 'same frames':
      return `${devices}, n = ${count} on the same frames${spread}`;
    case 'labelled frames':
      return `n = ${count} labelled objects, worst hardware class`;
    case 'absolute':
      return `${devices}, n = ${count} frames${spread}`;
    case 'own baseline only':
      return `${devices} against their own past, no controls${spread}`;
    default:
      return `${devices} against ${interval.controls} control${interval.controls === 1 ? '' : 's'} of the same ${interval.level}${spread}`;
  }
}

function formatMinutes(minutes: number): string {
  return minutes >= 1 ? `${minutes} min` : `${Math.round(minutes * 60)} s`;
}

/** Far beyond anything that is measured; JSON has no infinity. */
const SHOWN_MAX = 1e12;

/** Six digits: enough for any screen, and stored verdicts stay readable. */
function round(value: number): number {
  return Number(Math.min(SHOWN_MAX, Math.max(-SHOWN_MAX, value)).toPrecision(6));
}
