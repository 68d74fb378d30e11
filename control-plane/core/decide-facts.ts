// The facts of a decision, put together from what was assessed, what the file says and what a person asks.
import type { RolloutState } from '../../shared/protocol/api-rollouts.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import type { Progress } from './advance.ts';
import type { Assessment } from './assess.ts';
import type { DecideFacts, PersonRequest } from './decide.ts';

export type DecisionSources = {
  readonly nowMs: number;
  readonly state: RolloutState;
  readonly spec: RolloutSpec;
  readonly guardrails: readonly Guardrail[];
  readonly progress: Progress;
  readonly assessment: Assessment;
  readonly kill: string | null;
  readonly request: PersonRequest | null;
};

export function factsToDecide(sources: DecisionSources): DecideFacts {
  const { nowMs, state, spec, progress, assessment, kill, request } = sources;
  const stage = spec.stages[progress.stageIndex];
  if (!stage) throw new TypeError(`a rollout has no stage ${progress.stageIndex}`);
  return {
    nowMs,
    state,
    phase: progress.phase,
    holdKind: progress.holdKind,
    stage: { name: stage.name, isLast: progress.stageIndex === spec.stages.length - 1, promote: stage.promote },
    lookAtMs: progress.lookAtMs,
    extensionsLeft: Math.max(0, stage.extend.times - progress.extensionsUsed),
    extendMs: stage.extend.eachMs,
    kill,
    reverts: {
      devices: assessment.reverted,
      exposed: assessment.everExposed,
      assigned: assessment.exposure.assigned,
      ...spec.abort.deviceReverts,
    },
    request,
    verdicts: assessment.verdicts,
    sustained: sustainedBreaches(sources),
    missing: assessment.missing,
    pending: assessment.pending,
    exposed: assessment.exposure.exposed,
  };
}

/** Breaches that have lasted as long as their guardrail says; a breach without "for" counts at once. */
function sustainedBreaches({ guardrails, progress, nowMs }: DecisionSources): ReadonlySet<string> {
  const forMsOf = (id: string) => guardrails.find((guardrail) => guardrail.id === id)?.forMs ?? 0;
  const lasting = Object.entries(progress.breachingSince).filter(([id, sinceMs]) => nowMs - sinceMs >= forMsOf(id));
  return new Set(lasting.map(([id]) => id));
}
