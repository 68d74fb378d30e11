// How sure an estimate is. The unit is the device: frames and windows of one device are never counted as independent devices.
// Only where there are too few devices for a spread between them is the spread between windows used, and said so.
import type { ControlLevel, Verdict } from '../../shared/rollout/verdict.ts';
import {
  averageOf,
  controlsOf,
  countControls,
  type GroupsOf,
  type Matched,
  match,
  rememberGroups,
  squares,
} from './control-groups.ts';
import { mean, sum } from './device-metrics.ts';
import type { DeviceChange, DeviceShare } from './evidence.ts';
import type { GoldenValue } from './golden-evidence.ts';
import { pixelVariance } from './golden-pixels.ts';
import { squaresAround } from './scatter.ts';

export type Interval = {
  readonly estimate: number;
  readonly standardError: number;
  readonly df: number;
  /**
   * Variance that the data cannot show: what a device, or with no controls a whole site, moves by itself. Only a breach
   * must exceed it too: nobody is rolled back for it.
   */
  readonly unseen: number;
  readonly n: number;
  readonly controls: number;
  readonly level: ControlLevel;
  readonly spread: Verdict['spread'];
};

/** Below this many degrees of freedom the spread between devices is not known well enough to be used alone. */
const DF_MIN = 8;
/**
 * On the logarithmic scale: what one device, and what all devices of a site together, move by themselves between two spans of
 * time. Assumed where there are too few devices, or no controls, to measure it; 6 % is what fleets were seen to do.
 */
const DEVICE_DRIFT = 0.06;
const SITE_SHOCK = 0.06;
/** A share has a floor that counting sets, so its windows may speak until there are eight devices; the larger spread counts. */
const SHARE_DF_MIN = 7;
/** Degrees of freedom that windows or devices of a share may claim; more would claim more than they know. */
const DF_EXTRA_MAX = 20;
/**
 * Degrees of freedom that controls add: they vouch for a spread that candidates, who may answer differently, can show only by
 * themselves. So many for each of the candidates' own, or so many at least: fewer for one part of several, where a handful of devices
 * that happen to agree would be believed too often (shared/decisions/0020).
 */
const DF_OF_CONTROLS_EACH = 4;
const DF_OF_CONTROLS = { whole: 20, part: 7 } as const;
/**
 * Correlation of two releases' answers on the same pictures. Measured 0.58 and above on paired image sets; only marginal
 * counts reach us, so the lower, safer value is assumed.
 */
const GOLDEN_CORRELATION = 0.5;

type Basis = 'self' | 'paired' | 'absolute';

type Comparing = {
  readonly groupsOf?: GroupsOf | undefined;
  /** A part of the fleet is one of several that are tried. */
  readonly scope?: 'whole' | 'part';
};

/** Mean change of the candidates minus what their controls did meanwhile; null when a lone device has too few windows. */
export function changeInterval(
  candidates: readonly DeviceChange[],
  controls: readonly DeviceChange[],
  basis: Basis,
  { groupsOf = rememberGroups(), scope = 'whole' }: Comparing = {},
): Interval | null {
  const n = candidates.length;
  const matched = match(candidates, groupsOf(controls));
  const controlCount = countControls(matched.users);
  const between = spreadBetween(matched, controlCount, DF_OF_CONTROLS[scope]);
  const within = spreadWithin(candidates, () => controlsOf(matched.users));
  const isEnough = between.df >= DF_MIN;
  if (!isEnough && within === null) return null;
  return {
    estimate: between.estimate,
    standardError: Math.sqrt(Math.max(between.variance, within?.variance ?? 0)),
    df: isEnough ? between.df : Math.max(between.df, within?.df ?? 1),
    unseen: basis === 'self' ? unseenVariance({ candidates, controls: controlCount, isEnough }) : 0,
    n,
    controls: controlCount,
    level: levelOf(matched.users, basis),
    spread: isEnough ? 'between devices' : 'between windows',
  };
}

/** The mean of these very devices by what their windows scatter; null when some device has fewer than two windows. */
export function windowInterval(devices: readonly DeviceChange[]): Interval | null {
  const within = devices.length === 0 ? null : spreadWithin(devices, () => []);
  if (within === null) return null;
  return {
    estimate: mean(devices.map(({ change }) => change)),
    standardError: Math.sqrt(within.variance),
    df: within.df,
    unseen: 0,
    n: devices.length,
    controls: 0,
    level: 'absolute',
    spread: 'between windows',
  };
}

/** Pooled share with a device-clustered standard error, never smaller than counting alone allows. */
export function shareInterval(devices: readonly DeviceShare[], basis: 'paired' | 'absolute'): Interval {
  const hits = sum(devices, (device) => device.hits);
  const total = sum(devices, (device) => device.total);
  const share = hits / total;
  const smoothed = (hits + 0.5) / (total + 1);
  const counting = (smoothed * (1 - smoothed)) / total;
  const isEnough = devices.length - 1 >= SHARE_DF_MIN;
  const windows = sum(devices, (device) => device.windows.windows);
  const ofDevices = sum(devices, (device) => (device.hits - share * device.total) ** 2);
  const ofWindows = isEnough ? 0 : sum(devices, (device) => squaresAround(share, device.windows));
  const spread = isEnough
    ? clusterVariance(devices.length, ofDevices, total)
    : Math.max(clusterVariance(devices.length, ofDevices, total), clusterVariance(windows, ofWindows, total));
  return {
    estimate: share,
    standardError: Math.sqrt(Math.max(counting, spread)),
    df: Math.max(1, Math.min(DF_EXTRA_MAX, isEnough ? devices.length - 1 : windows - 1)),
    unseen: 0,
    n: devices.length,
    controls: 0,
    level: basis === 'paired' ? 'same frames' : 'absolute',
    spread: isEnough ? 'between devices' : 'between windows',
  };
}

/** Difference of two shares on the same labelled pictures (or, without a baseline, the plain share). */
export function goldenInterval(candidate: GoldenValue, baseline: GoldenValue | null, devices: number): Interval {
  const whole = { estimate: candidate.share - (baseline?.share ?? 0), unseen: 0, n: devices, controls: 0 };
  const { pixels } = candidate;
  if (pixels !== undefined)
    return {
      ...whole,
      // Answers that are all alike are no certainty either.
      standardError: Math.sqrt(Math.max(pixelVariance(pixels, baseline?.pixels ?? null), LEAST / candidate.objects)),
      df: Math.max(1, pixels.groups - 1),
      level: 'labelled frames',
      spread: 'between pictures',
    };
  const variance = binomialVariance(candidate) + (baseline ? binomialVariance(baseline) : 0);
  return {
    ...whole,
    standardError: Math.sqrt(variance * (baseline ? 1 - GOLDEN_CORRELATION : 1)),
    df: Math.max(1, Math.min(200, candidate.objects - 1)),
    level: 'labelled frames',
    spread: 'between objects',
  };
}

/** Variance of one object: less than a hundredth each way is never claimed. */
const LEAST = 1e-4;

type Seen = { readonly candidates: readonly DeviceChange[]; readonly controls: number; readonly isEnough: boolean };

function unseenVariance({ candidates, controls, isEnough }: Seen): number {
  const sites = new Set(candidates.map(({ site }) => site)).size;
  const ofDevices = isEnough ? 0 : DEVICE_DRIFT ** 2 * (1 / candidates.length + (controls > 0 ? 1 / controls : 0));
  return ofDevices + (controls > 0 ? 0 : SITE_SHOCK ** 2 / sites);
}

function levelOf(users: Matched['users'], basis: Basis): ControlLevel {
  if (basis === 'paired') return 'same frames';
  if (basis === 'absolute') return 'absolute';
  const order: readonly ControlLevel[] = ['own baseline only', 'fleet', 'hardware', 'site and hardware'];
  const levels = new Set([...users.keys()].map(({ level }) => level));
  return order.find((level) => levels.has(level)) ?? 'own baseline only';
}

type Between = Spread & { readonly estimate: number };
type Spread = { readonly variance: number; readonly df: number };

/**
 * max(candidate, control variance)/n plus what the means of the controls add, weighted by who uses them. The larger variance
 * counts there as well: the few controls of a late stage hardly show their own, and one alone shows none.
 */
function spreadBetween({ changes, users }: Matched, controls: number, dfLeast: number): Between {
  const n = changes.length;
  const groups = [...users.keys()];
  const freedom = sum(groups, ({ devices }) => Math.max(0, devices.length - 1));
  const controlDf = Math.min(freedom, controls - 1);
  const scatter = sum(groups, (group) => group.squares);
  const controlVariance = freedom > 0 ? scatter / freedom : 0;
  const variance = Math.max(n > 1 ? squares(changes) / (n - 1) : 0, controlVariance);
  const fromControls = sum([...users], ([{ devices }, { count }]) =>
    devices.length === 0 ? 0 : ((count / n) ** 2 * variance) / devices.length,
  );
  return {
    estimate: averageOf(changes),
    variance: variance / n + fromControls,
    df: n - 1 + Math.min(Math.max(dfLeast, DF_OF_CONTROLS_EACH * (n - 1)), Math.max(0, controlDf)),
  };
}

/** What the scatter of windows alone makes of the mean; null when some candidate has fewer than two windows. */
function spreadWithin(candidates: readonly DeviceChange[], controls: () => readonly DeviceChange[]): Spread | null {
  if (candidates.some(({ since }) => since.windows < 2)) return null;
  const n = candidates.length;
  const usable = controls().filter(({ since }) => since.windows >= 2);
  const own = sum(candidates, windowVariance) / n ** 2;
  const others = usable.length === 0 ? 0 : sum(usable, windowVariance) / usable.length ** 2;
  const df = sum(candidates, ({ since }) => since.effectiveWindows - 1);
  return { variance: own + others, df: Math.max(1, Math.min(DF_EXTRA_MAX, Math.floor(df))) };
}

function windowVariance({ since, before }: DeviceChange): number {
  return since.varianceOfMean + before.varianceOfMean;
}

/** Variance of a pooled share when whole clusters (devices or windows) vary together. */
function clusterVariance(clusters: number, residuals: number, total: number): number {
  return clusters < 2 ? 0 : ((clusters / (clusters - 1)) * residuals) / total ** 2;
}

/** Smoothed by one hit and one miss: 20 of 20 does not prove certainty. */
function binomialVariance({ share, objects, variance }: GoldenValue): number {
  // One object that was looked at twice is no certainty either.
  if (variance !== undefined) return Math.max(variance, LEAST) / objects;
  const smoothed = (share * objects + 1) / (objects + 2);
  return (smoothed * (1 - smoothed)) / objects;
}
