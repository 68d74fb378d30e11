// The plan of a revision: the same devices in the same order with the same salt, and the stages and guardrails of the new words.
import { warningTexts } from '../../shared/rollout/file-warnings.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import { leaseWarnings } from '../../shared/rollout/lease-section.ts';
import type { Plan } from '../../shared/rollout/plan.ts';
import type { RolloutFile } from '../../shared/rollout/rollout-file.ts';
import { planGuardrails, planStages, soonestOf } from './plan.ts';

export type RevisedFacts = {
  readonly file: RolloutFile;
  readonly fileHash: string;
  readonly guardrails: readonly Guardrail[];
};

/** Its hash is another one, so that no approval of the plan before it counts. */
export function revisePlan(plan: Plan, facts: RevisedFacts, hashOf: (document: unknown) => string): Plan {
  const { file, fileHash } = facts;
  const { hash, plannedAtMs, closed, needsOverride, ...content } = plan;
  const devices = plan.devices.map((device) => ({
    ...device,
    cluster: plan.clusterBy === 'line' ? device.line : null,
    key: device.position,
    role: 'none' as const,
  }));
  const revised = {
    ...content,
    labels: file.metadata.labels,
    ticket: file.metadata.ticket,
    owners: file.spec.owners,
    stages: planStages({ file }, devices),
    guardrails: planGuardrails(facts),
    warnings: [...warningTexts(file), ...leaseWarnings(file.spec.lease)],
    soonestMs: soonestOf(file),
    fileHash,
    revisionOf: hash,
  };
  return { ...revised, plannedAtMs, closed, needsOverride, hash: hashOf(revised) };
}
