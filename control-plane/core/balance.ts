// Who went silent: when silence hits the candidates more often than chance allows, the missing data are themselves the finding.
import { describeDuration } from '../../shared/rollout/durations.ts';
import type { AnalysisSpec } from '../../shared/rollout/rollout-file.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';
import { silentChance } from './always-valid.ts';
import { emptyDraft, round } from './verdict-draft.ts';

export type BalanceDevice = { readonly device: string; readonly isCandidate: boolean; readonly isSilent: boolean };

/** Of devices that were heard in this stage. Null while silence is spread as chance would spread it. */
export function judgeBalance(
  devices: readonly BalanceDevice[],
  analysis: Pick<AnalysisSpec, 'balance' | 'missing'>,
): Verdict | null {
  const { alpha, action } = analysis.balance;
  const candidates = devices.filter(({ isCandidate }) => isCandidate);
  const silent = devices.filter(({ isSilent }) => isSilent);
  const candidatesSilent = silent.filter(({ isCandidate }) => isCandidate).length;
  const counts = { devices: devices.length, candidates: candidates.length, silent: silent.length, candidatesSilent };
  if (silent.length === 0 || candidates.length === devices.length) return null;
  const chance = silentChance(counts);
  if (chance > alpha) return null;
  const draft = {
    id: 'balance',
    title: 'who went silent',
    limitText: `chance ≥ ${alpha}`,
    enforce: action,
    stages: null,
    forMs: 0,
  };
  return {
    ...emptyDraft(draft),
    verdict: 'inconclusive',
    sentence: `${candidatesSilent} of ${silent.length} devices that went silent for more than ${describeDuration(analysis.missing.stale)} are candidates, which are ${candidates.length} of ${devices.length}: by chance once in ${round(Math.round(1 / chance))}`,
    n: candidates.length,
    controls: devices.length - candidates.length,
    count: silent.length,
    estimate: candidatesSilent,
    limitHigh: round((candidates.length / devices.length) * silent.length),
    alpha,
    boundary: 'exact',
  };
}
