// The boundary that may be looked at all the time: a normal mixture (mSPRT), carried over to Student's t. However often somebody
// looks, a change that is inside its limit crosses it with probability alpha at most. Pure numbers; what they mean is judged elsewhere.
import { normalTail, tQuantileOfTail } from './student-t.ts';

/** How much an estimate may be off. */
export type Precision = { readonly standardError: number; readonly df: number };

/** One-sided boundary in standard errors for a normal estimate; `tau` is the size of change that matters. */
export function zMix(standardError: number, tau: number, alpha: number): number {
  const eta = (standardError / tau) ** 2;
  return Math.sqrt(2 * (1 + eta) * Math.log(1 + Math.sqrt(1 + 1 / eta) / (2 * alpha)));
}

/** Smallest standard error that is believed; and a tail below the smallest number decides nothing. */
const ERROR_MIN = 1e-9;
const TAIL_MIN = 1e-300;

/** How far beyond the limit an estimate must lie at any look to be a breach: c · SE with c = t⁻¹(Φ(z)). */
export function alwaysValidReach({ standardError, df }: Precision, tau: number, alpha: number): number {
  const error = Math.max(standardError, ERROR_MIN);
  const tail = normalTail(zMix(error, tau, alpha));
  return tail < TAIL_MIN ? Infinity : tQuantileOfTail(tail, df) * error;
}

/** How far an estimate may be off at one planned look. */
export function fixedReach({ standardError, df }: Precision, alpha: number): number {
  return tQuantileOfTail(alpha, df) * standardError;
}

/**
 * The share of `alpha` of the k-th finished window (from 1). The planned ones share nine tenths of it; a stage that is held or
 * extended beyond its plan goes on with the last tenth, in parts that never add up to more.
 */
export function windowAlpha(k: number, planned: number, alpha: number): number {
  const beyond = k - planned;
  return beyond <= 0 ? (0.9 * alpha) / planned : (0.1 * alpha) / (beyond * (beyond + 1));
}

/** Rates of incidents on candidates, times the tolerated one, that the test bets on. */
const BETS = [2, 4, 8, 16, 32] as const;

/**
 * Evidence that candidates have more than their share of incidents: each is a raffle ticket that a candidate should win with
 * probability `share`. A martingale when they do, so that 1/alpha is reached with probability alpha at most, however often one looks.
 * `wonByCandidate` in any order: true for an incident of a candidate.
 */
export function incidentE(wonByCandidate: readonly boolean[], share: number): number {
  const won = wonByCandidate.filter((isWon) => isWon).length;
  const others = wonByCandidate.length - won;
  const bets = BETS.map((bet) => {
    const chance = (share * bet) / (share * bet + 1 - share);
    return (chance / share) ** won * (share < 1 ? ((1 - chance) / (1 - share)) ** others : 1);
  });
  return bets.reduce((total, bet) => total + bet, 0) / BETS.length;
}

/** Chance that `candidatesSilent` or more of all silent devices are candidates when silence does not depend on the release. */
export function silentChance(counts: {
  readonly devices: number;
  readonly candidates: number;
  readonly silent: number;
  readonly candidatesSilent: number;
}): number {
  const { devices, candidates, silent, candidatesSilent } = counts;
  const logChoose = logChooser(devices);
  const most = Math.min(candidates, silent);
  let chance = 0;
  for (let x = candidatesSilent; x <= most; x += 1)
    if (silent - x <= devices - candidates)
      chance += Math.exp(
        logChoose(candidates, x) + logChoose(devices - candidates, silent - x) - logChoose(devices, silent),
      );
  return Math.min(1, chance);
}

function logChooser(most: number): (n: number, k: number) => number {
  const logFactorial = [0];
  for (let n = 1; n <= most; n += 1) logFactorial.push((logFactorial[n - 1] ?? 0) + Math.log(n));
  const of = (n: number) => logFactorial[n] ?? 0;
  return (n, k) => of(n) - of(k) - of(n - k);
}
