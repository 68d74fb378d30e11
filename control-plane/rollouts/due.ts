// When a rollout is looked at. Pure: what is on record and a moment in, yes or no out.
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import type { Rollout } from './rollout-rows.ts';

/** A rollback is followed up at every tick; what is judged may be judged less often. */
export function isDue(rollout: Rollout, spec: RolloutSpec | null, nowMs: number): boolean {
  const everyMs = spec?.analysis.tick ?? null;
  const isJudging = rollout.state !== 'rolling_back' && rollout.progress.phase === 'baking';
  return everyMs === null || !isJudging || nowMs - rollout.latest.atMs >= everyMs;
}
