// Whether a rollback worked: the metrics of each device that had the candidate, against its own past before the rollout.
// It only tells; going back is ordered long before this is asked.
import type { Window } from '../../shared/measure/window.ts';
import { describeDuration } from '../../shared/rollout/durations.ts';
import { describeLimit, describeMetric } from '../../shared/rollout/expression-text.ts';
import type { DeviceCheck, Verification } from '../../shared/rollout/verification.ts';
import type { VerifyTerms } from '../../shared/rollout/verify-section.ts';
import { list } from './decide.ts';
import { mean } from './device-metrics.ts';
import { scaleOf, showValue } from './guardrails.ts';
import { type DeviceHistory, type Sample, whyExcluded } from './history.ts';
import { keyOf } from './stages.ts';
import { excessOf, type Measured, measureToVerify, standardError } from './verify-scale.ts';

export type VerifyDevice = {
  readonly online: boolean;
  /** It had the candidate; the others stayed on their baseline and show what the day did meanwhile. */
  readonly hadCandidate: boolean;
  readonly history: DeviceHistory;
};

export type VerifyFacts = {
  /** Null: the file says `verify: none`. */
  readonly terms: VerifyTerms | null;
  /** False: the rollout never came to a stage in which the candidate answers. */
  readonly hasServed: boolean;
  readonly nowMs: number;
  /** When every reachable device first reported its own release answering. */
  readonly restoredAtMs: number;
  /** Since when it listens to devices without a break: what they told nobody before that is still on its way. */
  readonly listeningSinceMs: number;
  /** Left out after the switch back: cold caches. */
  readonly settleMs: number;
  readonly devices: readonly VerifyDevice[];
};

/** `wait`: too early to say; `sentence` says what is looked at and for how much longer. */
export type Verified =
  | { readonly kind: 'wait'; readonly sentence: string }
  | { readonly kind: 'done'; readonly verification: Verification };

/** Controls of the same site and hardware that it takes before the day's change is taken from a device's own. */
const CONTROLS_MIN = 2;
/** A window reaches us up to two of its lengths after what it tells. */
const LATE_WINDOWS = 3;
/** A device is worse beyond its own scatter from here, in standard errors. */
const SURE_ERRORS = 3;

export function verifyRollback(facts: VerifyFacts): Verified {
  const { terms, devices } = facts;
  const offline = devices.filter(({ online, hadCandidate }) => hadCandidate && !online).map(({ history }) => history);
  const base = { atMs: facts.nowMs, expr: terms?.text ?? null, checks: [], offline: offline.map(addressOf) };
  if (!facts.hasServed)
    return done({ ...base, kind: 'not-needed', sentence: 'nothing to verify: the candidate answered no live frame' });
  if (terms === null)
    return done({ ...base, kind: 'skipped', sentence: 'not verified: no verify in the file (verify: none)' });
  const sinceMs = facts.restoredAtMs + facts.settleMs;
  const leftMs = leftOf(facts, terms);
  const what = `${describeMetric(terms.expression)} ${describeLimit(terms.expression.comparison)} for ${describeDuration(terms.forMs)}`;
  if (leftMs > 0) return { kind: 'wait', sentence: `verifying ${what}: ${describeDuration(leftMs)} left` };
  const checked = checkDevices(facts, terms, sinceMs);
  const judged = judgeChecks(checked, terms, offline);
  const isLate = facts.nowMs >= Math.max(sinceMs + terms.forMs, facts.listeningSinceMs) + graceMs(facts, terms);
  if (judged.kind === 'verified' || isLate)
    return done({ ...base, ...judged, checks: checked.map(({ check }) => check) });
  return { kind: 'wait', sentence: `verifying ${what}: ${judged.sentence}` };
}

/** Whether windows are looked at. */
export function isDue(facts: Omit<VerifyFacts, 'devices'>): boolean {
  return facts.hasServed && facts.terms !== null && leftOf(facts, facts.terms) <= 0;
}

/** Whose windows are looked at: who is back, and the controls that say what the day did to them. */
export function isLookedAt(facts: Pick<VerifyFacts, 'terms' | 'devices'>): (device: VerifyDevice) => boolean {
  const placeOf = ({ history: { site, hardwareClass } }: VerifyDevice) => `${site}\u0000${hardwareClass}`;
  const isAlone = facts.terms?.expression.comparison.kind === 'absolute';
  const places = new Set(facts.devices.filter(({ online, hadCandidate }) => online && hadCandidate).map(placeOf));
  return (device) => device.online && (device.hadCandidate || (!isAlone && places.has(placeOf(device))));
}

function leftOf({ restoredAtMs, settleMs, nowMs }: Omit<VerifyFacts, 'devices'>, { forMs }: VerifyTerms): number {
  return restoredAtMs + settleMs + forMs - nowMs;
}

function done(verification: Verification): Verified {
  return { kind: 'done', verification };
}

/** As long again, and no shorter than windows take to arrive. */
function graceMs({ devices }: VerifyFacts, { forMs }: VerifyTerms): number {
  const longest = devices.reduce((longestMs, { history }) => {
    const last = history.since.at(-1) ?? history.before.at(-1);
    return Math.max(longestMs, last ? last.endAtMs - last.startAtMs : 0);
  }, 0);
  return Math.max(forMs, LATE_WINDOWS * longest);
}

type Change = { readonly value: number; readonly error: number | null };

/** A check with the change on the scale of the metric; null without evidence. */
type Checked = { readonly check: DeviceCheck; readonly value: number | null };

function checkDevices(facts: VerifyFacts, terms: VerifyTerms, sinceMs: number): readonly Checked[] {
  const reachable = facts.devices.filter(({ online }) => online);
  const changes = new Map(reachable.map(({ history }) => [keyOf(history), changeOf(history, terms, sinceMs)] as const));
  const controls = reachable.filter(({ hadCandidate }) => !hadCandidate).map(({ history }) => history);
  return reachable
    .filter(({ hadCandidate }) => hadCandidate)
    .map(({ history }) => {
      const found = changes.get(keyOf(history)) ?? 'no evidence';
      if (typeof found === 'string')
        return { value: null, check: { ...placeOf(history), change: null, result: 'no-data', detail: found } };
      const day = terms.expression.comparison.kind === 'absolute' ? 0 : dayChange(history, controls, changes);
      return judgeDevice(history, { ...found, value: found.value - day }, terms);
    });
}

/** What devices of the same site and hardware that stayed on their baseline did meanwhile. */
function dayChange(
  { site, hardwareClass }: DeviceHistory,
  controls: readonly DeviceHistory[],
  changes: ReadonlyMap<string, Change | string>,
): number {
  const alike = controls.filter((control) => control.site === site && control.hardwareClass === hardwareClass);
  const values = alike.flatMap((control) => {
    const change = changes.get(keyOf(control));
    return typeof change === 'object' ? [change.value] : [];
  });
  return values.length < CONTROLS_MIN ? 0 : mean(values);
}

function judgeDevice(history: DeviceHistory, { value, error }: Change, { expression }: VerifyTerms): Checked {
  const excess = excessOf(value, expression);
  const isSure = error !== null && excess > SURE_ERRORS * error;
  const result = excess <= 0 ? 'back' : isSure ? 'worse' : 'unclear';
  const scale = scaleOf(expression);
  return { value, check: { ...placeOf(history), change: scale.show(value), result, detail: showValue(scale, value) } };
}

/** The change on the scale of the metric, or why there is none. */
function changeOf(history: DeviceHistory, terms: VerifyTerms, sinceMs: number): Change | string {
  const { expression, forMs } = terms;
  const recent = lastOf(
    samplesOf(
      history.since.filter(({ startAtMs }) => startAtMs >= sinceMs),
      history,
    ),
    forMs,
  );
  if (lengthOf(recent) < forMs / 2) return history.since.at(-1)?.cameras.find(isBad)?.finding ?? 'no evidence since';
  const since = measureToVerify(recent, expression);
  if (since === null) return 'not measured since';
  if (expression.comparison.kind === 'absolute') return { value: since.value, error: errorOf(since, null) };
  const past = samplesOf(history.before, history);
  const before = measureToVerify(past.slice(Math.floor(past.length / 2)), expression);
  if (before === null) return 'no past of its own before the rollout';
  return { value: since.value - before.value, error: errorOf(since, before) };
}

function isBad({ healthy }: Window['cameras'][number]): boolean {
  return healthy === false;
}

function errorOf(since: Measured, before: Measured | null): number | null {
  const errors = [standardError(since.perWindow), before === null ? 0 : standardError(before.perWindow)];
  return errors.includes(null) ? null : Math.hypot(...errors.map((error) => error ?? 0));
}

function samplesOf(windows: readonly Window[], { baselineDigest }: DeviceHistory): readonly Sample[] {
  return windows
    .filter((window) => whyExcluded(window) === null)
    .flatMap((window) => {
      const arm = window.arms.find(({ role, digest }) => role === 'baseline' && digest === baselineDigest);
      return arm && arm.frames > 0 ? [{ window, arm }] : [];
    });
}

/** The newest windows that lie within `forMs` of the end of the last one. */
function lastOf(samples: readonly Sample[], forMs: number): readonly Sample[] {
  const endAtMs = samples.at(-1)?.window.endAtMs ?? 0;
  return samples.filter(({ window }) => window.endAtMs > endAtMs - forMs);
}

function lengthOf(samples: readonly Sample[]): number {
  return samples.reduce((lengthMs, { window }) => lengthMs + window.endAtMs - window.startAtMs, 0);
}

/** Verified: every reachable device has evidence, none is worse beyond its own scatter, and together they are within the limit. */
function judgeChecks(
  checked: readonly Checked[],
  { expression, forMs }: VerifyTerms,
  offline: readonly DeviceHistory[],
): Pick<Verification, 'kind' | 'sentence'> {
  const checks = checked.map(({ check }) => check);
  const measured = checked.flatMap(({ value }) => (value === null ? [] : [value]));
  const silent = checks.filter(({ result }) => result === 'no-data');
  const worse = checks.filter(({ result }) => result === 'worse');
  const away = offline.length === 0 ? '' : `; offline, counted when they are back: ${list(offline.map(keyOf))}`;
  const metric = describeMetric(expression);
  const against = expression.comparison.kind === 'absolute' ? '' : " against each device's own past";
  if (measured.length === 0)
    return { kind: 'not-verified', sentence: `not verified: ${tell(silent) || 'no device is reachable'}${away}` };
  const change = mean(measured);
  const figures = `${metric} ${showValue(scaleOf(expression), change)}${against} (limit ${describeLimit(expression.comparison)}), ${measured.length} of ${checks.length} reachable devices, last ${describeDuration(forMs)}`;
  const isWithin = excessOf(change, expression) <= 0;
  if (isWithin && worse.length === 0 && silent.length === 0)
    return { kind: 'verified', sentence: `verified: ${figures}${away}` };
  const trouble = [worse.length > 0 ? `still worse on ${tell(worse)}` : '', tell(silent)].filter(Boolean).join('; ');
  return { kind: 'not-verified', sentence: `not verified: ${figures}${trouble === '' ? '' : `; ${trouble}`}${away}` };
}

function tell(checks: readonly DeviceCheck[]): string {
  return list(checks.map((check) => `${keyOf(check)} (${check.detail})`));
}

function addressOf({ site, device }: DeviceHistory): { readonly site: string; readonly device: string } {
  return { site, device };
}

function placeOf({
  site,
  device,
  hardwareClass,
}: DeviceHistory): Pick<DeviceCheck, 'site' | 'device' | 'hardwareClass'> {
  return { site, device, hardwareClass };
}
