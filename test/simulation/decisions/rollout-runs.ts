// Runs one simulated rollout to its end and says how it ended. A rollout that is held waits for a person: that is an end here.
import { openFleet } from '../../../control-plane/core/simulated/fleet.ts';
import type { Treatment } from '../../../control-plane/core/simulated/treatments.ts';
import { MINUTE_MS, type WindowMaker } from '../../../control-plane/core/simulated/windows.ts';
import { openRolloutLife, type Tick } from './rollout-life.ts';
import { type FileParts, readRules } from './rollout-texts.ts';

export type RunInput = {
  readonly seed: number;
  readonly file: FileParts;
  readonly treatment: Treatment;
  /** It is looked at for so long at most. */
  readonly minutesMax: number;
};

export type RunEnd = {
  readonly end: 'completed' | 'rolled_back' | 'held' | 'open';
  /** Minutes since the start of the rollout, and minutes of data of its last stage: after the switch and the settling. */
  readonly minute: number;
  readonly dataMinutes: number;
  readonly stage: string;
  readonly reason: string;
};

export function runRollout({ seed, file, treatment, minutesMax }: RunInput, makeWindow: WindowMaker): RunEnd {
  const rules = readRules(file);
  const life = openRolloutLife(openFleet(seed, treatment), rules, makeWindow);
  for (;;) {
    const tick = life.tick();
    const end = endOf(tick, minutesMax);
    if (end === null) continue;
    const { progress, nowMs, minute, decision } = tick;
    const startedAtMs = progress.stageTimes.at(-1)?.startedAtMs ?? nowMs;
    return {
      end,
      minute,
      dataMinutes: (nowMs - startedAtMs - rules.spec.analysis.settle) / MINUTE_MS,
      stage: rules.spec.stages[progress.stageIndex]?.name ?? '',
      reason: decision.reason,
    };
  }
}

function endOf({ state, decision, minute }: Tick, minutesMax: number): RunEnd['end'] | null {
  if (decision.kind === 'complete') return 'completed';
  if (state === 'rolling_back') return 'rolled_back';
  if (state === 'holding') return 'held';
  return minute >= minutesMax ? 'open' : null;
}
