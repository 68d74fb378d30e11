// What other tools do, written anew from their descriptions, for a fair comparison: each rule sees the same fleet, minute by
// minute, and says whether it would roll back now. The limit is +10 % p95, as for the production judge.

/** One device: logarithms of its p95, one per minute of its past and one per minute of data. */
export type DeviceSeries = {
  readonly isCandidate: boolean;
  readonly past: readonly number[];
  readonly since: readonly number[];
};

/** True: it would roll back after `minutes` minutes of data (1 and up). Asked in order, once for each minute. */
export type OtherRule = {
  readonly name: string;
  readonly flags: (fleet: readonly DeviceSeries[]) => readonly boolean[];
};

const LIMIT = Math.log(1.1);
/** Per stage: 5 % over a rollout of four. */
const ALPHA = 0.0125;
/** Size of a change that matters, on the logarithmic scale. */
const TAU = 0.1;
const CONSECUTIVE = 10;
/** Kayenta's interval and confidence. */
const INTERVAL_MINUTES = 5;
const MANN_WHITNEY_Z = 2.326;
const FAILED_SHARE_MAX = 0.1;

export const OTHER_RULES: readonly OtherRule[] = [
  { name: 'point estimate against the rest, any check', flags: (fleet) => checks(fleet, againstRest) },
  { name: 'the same, 10 checks in a row', flags: (fleet) => inARow(checks(fleet, againstRest)) },
  { name: 'point estimate against its own past, any check', flags: (fleet) => checks(fleet, againstPast) },
  { name: 'the same, 10 checks in a row', flags: (fleet) => inARow(checks(fleet, againstPast)) },
  { name: 'Mann-Whitney each 5 min (Kayenta), +10 % allowed', flags: (fleet) => checks(fleet, mannWhitney) },
  { name: 'always-valid, unpaired', flags: (fleet) => checks(fleet, unpaired) },
  { name: 'always-valid, windows as independent', flags: (fleet) => checks(fleet, windowsIndependent) },
  { name: 'failed devices / targeted devices > 10 %', flags: (fleet) => checks(fleet, failedOfTargeted) },
];

type Check = (fleet: readonly DeviceSeries[], minute: number) => boolean;

function checks(fleet: readonly DeviceSeries[], check: Check): readonly boolean[] {
  const minutes = Math.min(...fleet.map(({ since }) => since.length));
  return Array.from({ length: minutes }, (_, minute) => check(fleet, minute));
}

function inARow(found: readonly boolean[]): readonly boolean[] {
  let run = 0;
  return found.map((isFound) => {
    run = isFound ? run + 1 : 0;
    return run >= CONSECUTIVE;
  });
}

/** Argo and Flagger style: what the last minute shows is what is. */
const againstRest: Check = (fleet, minute) => {
  const level = (isCandidate: boolean) =>
    mean(fleet.filter((each) => each.isCandidate === isCandidate).map(({ since }) => Math.exp(since[minute] ?? 0)));
  return level(true) > level(false) * Math.exp(LIMIT);
};

const againstPast: Check = (fleet, minute) => {
  const candidates = fleet.filter(({ isCandidate }) => isCandidate);
  const now = mean(candidates.map(({ since }) => Math.exp(since[minute] ?? 0)));
  return now > mean(candidates.map(({ past }) => Math.exp(mean(past)))) * Math.exp(LIMIT);
};

/** Ranks of the values of one interval, candidate values lowered by what is allowed; normal approximation. */
const mannWhitney: Check = (fleet, minute) => {
  if ((minute + 1) % INTERVAL_MINUTES !== 0) return false;
  const values = fleet.flatMap(({ isCandidate, since }) =>
    since
      .slice(minute + 1 - INTERVAL_MINUTES, minute + 1)
      .map((value) => ({ isCandidate, value: isCandidate ? value - LIMIT : value })),
  );
  const sorted = values.toSorted((a, b) => a.value - b.value);
  const n = values.filter(({ isCandidate }) => isCandidate).length;
  const others = values.length - n;
  const rankSum = sorted.reduce((total, { isCandidate }, at) => total + (isCandidate ? at + 1 : 0), 0);
  const expected = (n * (values.length + 1)) / 2;
  return (rankSum - expected) / Math.sqrt((n * others * (values.length + 1)) / 12) > MANN_WHITNEY_Z;
};

/** Levels of devices against levels of others: how much devices differ hides what they do. */
const unpaired: Check = (fleet, minute) => {
  const levels = (isCandidate: boolean) =>
    fleet.filter((each) => each.isCandidate === isCandidate).map(({ since }) => mean(since.slice(0, minute + 1)));
  const [candidates, controls] = [levels(true), levels(false)];
  const squaredError = variance(candidates) / candidates.length + variance(controls) / controls.length;
  return mean(candidates) - mean(controls) - alwaysValid(squaredError) > LIMIT;
};

/** Paired as it should be, but a device that stands high for an hour counts as sixty pieces of evidence. */
const windowsIndependent: Check = (fleet, minute) => {
  const changes = (isCandidate: boolean) =>
    fleet
      .filter((each) => each.isCandidate === isCandidate)
      .flatMap(({ since, past }) => since.slice(0, minute + 1).map((value) => value - mean(past)));
  const [candidates, controls] = [changes(true), changes(false)];
  if (candidates.length < 2) return false;
  const squaredError = variance(candidates) / candidates.length + variance(controls) / controls.length;
  return mean(candidates) - mean(controls) - alwaysValid(squaredError) > LIMIT;
};

/** A device fails after ten minutes beyond the limit; divided by all that the rollout is meant for. */
const failedOfTargeted: Check = (fleet, minute) => {
  if (minute + 1 < CONSECUTIVE) return false;
  const failed = fleet.filter(
    ({ isCandidate, since, past }) =>
      isCandidate && since.slice(minute + 1 - CONSECUTIVE, minute + 1).every((value) => value - mean(past) > LIMIT),
  );
  return failed.length / fleet.length > FAILED_SHARE_MAX;
};

/** One-sided normal mixture: valid at every look. */
function alwaysValid(squaredError: number): number {
  const eta = squaredError / TAU ** 2;
  const z = Math.sqrt(2 * (1 + eta) * Math.log(1 + Math.sqrt(1 + 1 / eta) / (2 * ALPHA)));
  return z * Math.sqrt(squaredError);
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

function variance(values: readonly number[]): number {
  const average = mean(values);
  return values.reduce((total, value) => total + (value - average) ** 2, 0) / (values.length - 1);
}
