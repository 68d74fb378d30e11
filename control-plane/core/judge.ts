// Judges one guardrail: breach when even the best plausible value breaks the limit, at any look; pass when even the worst plausible
// value is inside it, for a scheduled look; otherwise inconclusive; and no-data, which is never a pass, when evidence is too thin.
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';
import { beyondLimit, ignoredOf } from './absolute-limit.ts';
import { alwaysValidReach, fixedReach, windowAlpha } from './always-valid.ts';
import type { GroupsOf } from './control-groups.ts';
import type { Evidence } from './evidence.ts';
import { type Scale, scaleOf } from './guardrails.ts';
import { changeInterval, goldenInterval, type Interval, shareInterval } from './uncertainty.ts';
import { draftOf, mayBreach, round } from './verdict-draft.ts';
import { needsText, sentenceOf } from './verdict-text.ts';

/** Names the rule that a stored decision was taken by. */
export const STATISTICS_VERSION = 'paired-always-valid/2';

export type Span = { readonly evidence: Evidence; readonly fromMs: number; readonly toMs: number };

export type Rule = {
  /** One-sided error of a breach over the whole stage, for this guardrail and this part of the fleet. */
  readonly alpha: number;
  /** One-sided error of a pass at a look. */
  readonly passAlpha: number;
  /** Rolling windows that the stage is long enough for; the last finished one with its number from 1, and the running one. */
  readonly windows: { readonly planned: number; readonly finished: (Span & { readonly number: number }) | null };
  readonly recent: Span | null;
  /** The stage so far. */
  readonly span: { readonly fromMs: number; readonly toMs: number };
  readonly look: { readonly number: number; readonly of: number; readonly isNow: boolean };
  /** Part of the fleet; null: the whole. */
  readonly slice: string | null;
  /** Groups of controls that other scopes have made already. */
  readonly groupsOf?: GroupsOf;
};

/** 5 % over four stages, no windows: for evidence on its own. */
export const STANDARD_RULE: Rule = {
  alpha: 0.0125,
  passAlpha: 0.1,
  windows: { planned: 0, finished: null },
  recent: null,
  span: { fromMs: 0, toMs: 0 },
  look: { number: 1, of: 1, isNow: true },
  slice: null,
};

export function judge(guardrail: Guardrail, evidence: Evidence, rule: Rule = STANDARD_RULE): Verdict {
  const draft = { ...draftOf(guardrail, evidence), alpha: rule.alpha, slice: rule.slice };
  const facts = { guardrail, draft, rule, scale: scaleFor(guardrail, evidence) };
  // What is wished for and not there yet is no harm done.
  const breach = evidence.kind === 'golden' || guardrail.objective ? null : findBreach(facts, evidence);
  if (breach !== null) return conclude(facts, { ...breach, verdict: 'breach' });
  const missing = draft.minimums.find((minimum) => !minimum.met);
  const nothing = (why: string): Verdict => ({ ...draft, sentence: `${guardrail.title}: no evidence: ${why}` });
  if (missing) return nothing(`${missing.have} ${missing.what}, needs ${missing.need}`);
  if (evidence.kind === 'golden') return judgeGolden(facts, evidence) ?? nothing('no device has proven the candidate');
  const interval = intervalOf(evidence, rule);
  if (interval === null) return nothing(whyNone(evidence));
  return judgeLook(facts, { interval, evidence });
}

/** A limit against the controls lies where they are in this very span. */
function scaleFor({ expression }: Guardrail, evidence: Evidence): Scale {
  return scaleOf(expression, evidence.kind === 'changes' ? evidence.reference : undefined);
}

type Facts = {
  readonly guardrail: Guardrail;
  readonly draft: Verdict;
  readonly rule: Rule;
  readonly scale: Scale;
};

type Measured = Exclude<Evidence, { kind: 'golden' }>;

/** What decided: an estimate, how far it may be off, and over which time. */
type Finding = {
  readonly interval: Interval;
  readonly reach: number;
  readonly boundary: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Of this span, where it is not that of the whole stage. */
  readonly scale?: Scale;
  /** For the sentence, when it is not the whole stage. */
  readonly words: string | null;
};

/** The first test that says so; null when none does. */
function findBreach(facts: Facts, evidence: Measured): Finding | null {
  const tests = isPlainLimit(facts.guardrail, evidence)
    ? [lastWindow(facts, evidence)]
    : [wholeStage(facts, evidence), finishedWindow(facts)];
  return tests.find((finding) => finding !== null && isBeyond(finding.scale ?? facts.scale, finding)) ?? null;
}

/** A plain number that is no share of paired frames: nothing is subtracted, so the worst device must not decide alone. */
function isPlainLimit(guardrail: Guardrail, evidence: Measured): boolean {
  if (guardrail.expression.comparison.kind !== 'absolute') return false;
  return evidence.kind === 'shares' ? evidence.counted === 'frames' : evidence.basis === 'absolute';
}

/**
 * Of the error of a breach, where there are windows. They get more than half: they share it among themselves, and what the whole stage
 * loses by it is little, as its boundary hardly moves with alpha.
 */
const WINDOWS_PART = 2 / 3;

function wholeStage({ guardrail, rule, scale }: Facts, evidence: Measured): Finding | null {
  const interval = mayBreach(guardrail, evidence) ? intervalOf(evidence, rule) : null;
  if (interval === null) return null;
  const alpha = rule.windows.planned === 0 ? rule.alpha : rule.alpha * (1 - WINDOWS_PART);
  const reach = alwaysValidReach(withUnseen(interval, scale), scale.tau, alpha);
  return { interval, reach, boundary: 'always-valid', ...rule.span, words: null };
}

function finishedWindow({ guardrail, rule }: Facts): Finding | null {
  const { planned, finished } = rule.windows;
  if (finished === null || planned === 0 || finished.evidence.kind === 'golden') return null;
  const scale = scaleFor(guardrail, finished.evidence);
  const interval = mayBreach(guardrail, finished.evidence) ? intervalOf(finished.evidence, rule) : null;
  if (interval === null) return null;
  const { number, fromMs, toMs } = finished;
  const reach = fixedReach(withUnseen(interval, scale), windowAlpha(number, planned, rule.alpha * WINDOWS_PART));
  const words = `in a window of ${minutesOf(toMs - fromMs)}`;
  return { interval, reach, boundary: `window ${number}`, fromMs, toMs, scale, words };
}

function lastWindow({ guardrail, rule, scale }: Facts, whole: Measured): Finding | null {
  const { evidence, ...span } = rule.recent ?? { evidence: whole, ...rule.span };
  if (evidence.kind === 'golden' || !mayBreach(guardrail, evidence)) return null;
  const devices = evidence.kind === 'changes' ? evidence.candidates.length : evidence.devices.length;
  const ignored = ignoredOf(guardrail, devices);
  const found = beyondLimit(evidence, scale, { ignored, alpha: rule.alpha / Math.max(1, rule.windows.planned) });
  if (found === null) return null;
  const without = ignored === 0 ? null : `without the worst ${ignored === 1 ? 'device' : `${ignored} devices`}`;
  return { ...found, boundary: 'last window', ...span, words: without };
}

function minutesOf(ms: number): string {
  return ms >= 60_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 1000)} s`;
}

/** What cannot be seen is known in percent of a value. */
function withUnseen(interval: Interval, { perPercent }: Scale): Interval {
  const unseen = interval.unseen * (perPercent * 100) ** 2;
  return { ...interval, standardError: Math.sqrt(interval.standardError ** 2 + unseen) };
}

function isBeyond(
  { low, high }: Scale,
  { interval: { estimate }, reach }: Pick<Finding, 'interval' | 'reach'>,
): boolean {
  return (high !== null && estimate - reach > high) || (low !== null && estimate + reach < low);
}

function isInside({ low, high }: Scale, estimate: number, reach: number): boolean {
  return (high === null || estimate + reach <= high) && (low === null || estimate - reach >= low);
}

type Seen = { readonly interval: Interval; readonly evidence: Measured };

/** Pass or not, as a look would see it now; only a look promotes. */
function judgeLook(facts: Facts, { interval, evidence }: Seen): Verdict {
  const { scale, rule } = facts;
  const pass = fixedReach(interval, rule.passAlpha);
  const look = `look ${rule.look.number}/${rule.look.of}`;
  const boundary = rule.look.isNow ? look : `${look}, not yet a look`;
  const finding = { interval, boundary, ...rule.span, words: null };
  if (isInside(scale, interval.estimate, pass)) return conclude(facts, { ...finding, verdict: 'pass', reach: pass });
  // The narrow range may lie wholly beyond a limit that the wide one still reaches into: the wide one says why.
  const tested = isPlainLimit(facts.guardrail, evidence) ? lastWindow(facts, evidence) : wholeStage(facts, evidence);
  const reach = Math.max(pass, tested?.reach ?? pass);
  const verdict = conclude(facts, { ...finding, verdict: 'inconclusive', reach });
  return { ...verdict, needs: needsOf(facts, interval, { pass, breach: reach }) };
}

function needsOf(
  { scale, rule }: Facts,
  interval: Interval,
  reach: { readonly pass: number; readonly breach: number },
): string | null {
  const { estimate, n, standardError } = interval;
  const limits = [scale.low, scale.high].filter((limit) => limit !== null);
  const gap = Math.min(...limits.map((limit) => Math.abs(limit - estimate)));
  const { finished } = rule.windows;
  const short =
    finished === null || finished.number < 2 || finished.evidence.kind === 'golden'
      ? null
      : intervalOf(finished.evidence, rule);
  return needsText({
    n,
    gap,
    reach: isInside(scale, estimate, 0) ? reach.pass : reach.breach,
    spanMs: rule.span.toMs - rule.span.fromMs,
    doesTimeHelp: short === null || standardError < TIME_HELPS * short.standardError,
  });
}

/** A whole stage that is hardly surer than one window of it: the spread between devices is what is left. */
const TIME_HELPS = 0.85;

function intervalOf(evidence: Measured, { groupsOf, slice }: Rule): Interval | null {
  if (evidence.kind === 'shares')
    return evidence.count === 0 || evidence.devices.length === 0
      ? null
      : shareInterval(evidence.devices, evidence.counted === 'frames' ? 'absolute' : 'paired');
  const { candidates, controls, basis } = evidence;
  const scope = slice === null ? 'whole' : 'part';
  return candidates.length === 0 ? null : changeInterval(candidates, controls, basis, { groupsOf, scope });
}

function whyNone(evidence: Measured): string {
  return evidence.kind === 'changes' && evidence.candidates.length > 0
    ? 'fewer than 2 windows of a device'
    : 'nothing was measured';
}

const SEVERITY: Readonly<Record<Verdict['verdict'], number>> = { pass: 0, inconclusive: 1, 'no-data': 2, breach: 3 };

/** The worst hardware class decides. Its pictures are looked at once, so that one test for each class is enough. */
function judgeGolden(facts: Facts, { classes }: Extract<Evidence, { kind: 'golden' }>): Verdict | null {
  const { guardrail, scale, rule } = facts;
  const isRelative = guardrail.expression.comparison.kind === 'offset';
  const verdicts = classes.flatMap(({ candidate, baseline, devices }) => {
    if (candidate === null) return [];
    const interval = goldenInterval(candidate, isRelative ? baseline : null, devices);
    const [pass, breach] = [rule.passAlpha, rule.alpha / classes.length].map((alpha) => fixedReach(interval, alpha));
    const finding = { interval, boundary: 'golden set', ...rule.span, words: null };
    if (!guardrail.objective && isBeyond(scale, { interval, reach: breach ?? 0 }))
      return [conclude(facts, { ...finding, verdict: 'breach', reach: breach ?? 0 })];
    const isPass = isInside(scale, interval.estimate, pass ?? 0);
    return [
      conclude(facts, {
        ...finding,
        verdict: isPass ? 'pass' : 'inconclusive',
        reach: (isPass ? pass : breach) ?? 0,
      }),
    ];
  });
  const [first, ...others] = verdicts;
  return first === undefined
    ? null
    : others.reduce((worst, each) => (SEVERITY[each.verdict] > SEVERITY[worst.verdict] ? each : worst), first);
}

function conclude(
  { guardrail, draft, rule, scale: whole }: Facts,
  finding: Finding & { readonly verdict: 'pass' | 'breach' | 'inconclusive' },
): Verdict {
  const { interval, reach, verdict, boundary, fromMs, toMs, words } = finding;
  const scale = finding.scale ?? whole;
  const [low, high] = [interval.estimate - reach, interval.estimate + reach];
  const story = { guardrail, interval, scale, verdict, low, high, draft, slice: rule.slice };
  const notYet = boundary.endsWith('not yet a look') && verdict === 'pass' ? 'not yet a look' : null;
  return {
    ...draft,
    verdict,
    sentence: sentenceOf({ ...story, span: words ?? notYet }),
    n: interval.n,
    controls: interval.controls,
    level: interval.level,
    spread: interval.spread,
    estimate: round(scale.show(interval.estimate)),
    low: round(scale.show(low)),
    high: round(scale.show(high)),
    boundary,
    ...(toMs > fromMs ? { window: [fromMs, toMs] as [number, number] } : {}),
  };
}
