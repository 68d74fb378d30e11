// A plan in lines: what a person must know before it is started, and the mistakes of a file where they are.
import type { RolloutPlanAnswer } from '../../../../shared/protocol/api-rollouts.ts';
import { describeDuration } from '../../../../shared/rollout/durations.ts';
import { count, momentText } from './words.ts';

export type FileProblem = RolloutPlanAnswer['problems'][number];

/** The line itself stands beside its mistake, so that nobody has to count. */
export type Mistake = { readonly line: number; readonly text: string; readonly messages: readonly string[] };

export function mistakesOf(file: string, problems: readonly FileProblem[]): readonly Mistake[] {
  const lines = file.split('\n');
  return [...Map.groupBy(problems, ({ line }) => line)]
    .sort(([a], [b]) => a - b)
    .map(([line, of]) => ({
      line,
      text: lines[line - 1]?.trim() ?? '',
      messages: of.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)),
    }));
}

export type PlanFacts = {
  /** Why it cannot start; empty: it can. */
  readonly refusals: readonly string[];
  /** Why it may only start with an override. */
  readonly needsOverride: readonly string[];
  readonly warnings: readonly string[];
  readonly lines: readonly string[];
  readonly stages: readonly { readonly name: string; readonly sites: string; readonly sees: string }[];
};

export function factsOf({ plan, outlook, outlookMissing }: RolloutPlanAnswer): PlanFacts | null {
  if (plan === null) return null;
  const blocked = plan.devices.filter((device) => device.blocked.length > 0).length;
  const from = plan.baselines.map(({ release, devices }) => `${release} (${devices})`).join(', ');
  const gates = plan.gates.filter(({ ok }) => !ok);
  return {
    refusals: plan.refusals,
    needsOverride: plan.needsOverride,
    warnings: [
      ...plan.warnings,
      ...(outlook?.conflicts.map(({ text }) => text) ?? []),
      ...gates.map(({ gate, detail, next }) => [`${gate}: ${detail}`, next].filter(Boolean).join('; ')),
      ...(plan.closed === null ? [] : [plan.closed]),
    ],
    lines: [
      `${count(plan.devices.length, 'device')} from ${from || 'nothing known'} to ${plan.candidate.release}`,
      ...(blocked === 0 ? [] : [`${count(blocked, 'device')} cannot take part now`]),
      `soonest end after ${describeDuration(plan.soonestMs)}${finishText(outlook)}`,
      ...(outlookMissing === null ? [] : [`no outlook: ${outlookMissing}`]),
    ],
    stages: plan.stages.map((stage) => ({
      name: `${stage.name}, ${stage.mode}, ${describeDuration(stage.bakeMs)}`,
      sites: stage.sites.map(({ site, devices, eligible }) => `${site} ${devices.length} of ${eligible}`).join(', '),
      sees: seesText(outlook, stage.name),
    })),
  };
}

function finishText(outlook: RolloutPlanAnswer['outlook']): string {
  const { soonestAtMs, latestAtMs } = outlook?.finish ?? { soonestAtMs: null, latestAtMs: null };
  if (soonestAtMs === null) return '';
  const latest =
    latestAtMs === null || latestAtMs === soonestAtMs ? '' : `, with every extension ${momentText(latestAtMs)}`;
  return ` (${momentText(soonestAtMs)}${latest})`;
}

/** The smallest regression that the stage would find. */
function seesText(outlook: RolloutPlanAnswer['outlook'], name: string): string {
  const stage = outlook?.stages.find((one) => one.stage === name);
  return stage?.visible.map(({ guardrail, text }) => `${guardrail} ${text}`).join(', ') ?? '';
}
