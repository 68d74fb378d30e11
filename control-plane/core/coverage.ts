// Coverage of a shadow: the share of offered frames that both releases answered. Too little, and its silence proves nothing.
import type { Verdict } from '../../shared/rollout/verdict.ts';
import { sum } from './device-metrics.ts';
import type { Selected } from './selected.ts';

export function judgeCoverage(candidates: readonly Selected[], minCoveragePct: number): Verdict {
  const offered = sum(candidates, ({ paired }) => paired.offered);
  const compared = sum(candidates, ({ paired }) => paired.compared);
  const sharePct = offered === 0 ? null : (compared / offered) * 100;
  const isCovered = sharePct !== null && sharePct >= minCoveragePct;
  return {
    guardrail: 'shadow-coverage',
    title: 'shadow coverage',
    limitText: `≥ ${minCoveragePct} %`,
    enforce: 'hold',
    verdict: sharePct === null ? 'no-data' : isCovered ? 'pass' : 'inconclusive',
    sentence:
      sharePct === null
        ? 'shadow coverage: no evidence: no frame was offered to the shadow'
        : `shadow coverage ${sharePct.toFixed(0)} % (${compared} of ${offered} frames, needs ${minCoveragePct} %)`,
    n: candidates.length,
    controls: 0,
    level: 'same frames',
    spread: 'between devices',
    estimate: sharePct,
    low: sharePct,
    high: sharePct,
    limitLow: minCoveragePct,
    limitHigh: null,
    unit: '%',
    count: offered,
    minimums: [],
    excluded: {},
    blind: [],
  };
}
