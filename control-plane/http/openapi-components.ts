// Documents that many operations speak of, by name: in /openapi.json each stands once, and generators make one type of it.
import { z } from 'zod';
import { deviceSchema, storedEventSchema } from '../../shared/protocol/api-devices.ts';
import { drillSchema } from '../../shared/protocol/api-drills.ts';
import { dryRunSchema } from '../../shared/protocol/api-dry-run.ts';
import { rehearsalSchema } from '../../shared/protocol/api-foresight.ts';
import { incidentSchema, incidentSummarySchema } from '../../shared/protocol/api-incidents.ts';
import { killSchema, killScopeInputSchema, killSummarySchema } from '../../shared/protocol/api-kills.ts';
import { problemSchema } from '../../shared/protocol/api-problems.ts';
import { checkReportSchema, releaseSchema, releaseSummarySchema } from '../../shared/protocol/api-releases.ts';
import { rolloutReportSchema } from '../../shared/protocol/api-reports.ts';
import { revisionSchema, rolloutEditedSchema } from '../../shared/protocol/api-revisions.ts';
import { rolloutDecisionSchema, rolloutSummarySchema, rolloutViewSchema } from '../../shared/protocol/api-rollouts.ts';
import { desiredSchema, killScopeSchema, releaseRefSchema } from '../../shared/protocol/documents.ts';
import { reportedSchema } from '../../shared/protocol/reports.ts';
import { outlookSchema } from '../../shared/rollout/outlook.ts';
import { planSchema } from '../../shared/rollout/plan.ts';
import { verdictSchema } from '../../shared/rollout/verdict.ts';
import { verificationSchema } from '../../shared/rollout/verification.ts';
import { keySetSchema } from '../../shared/signing/signed-document.ts';

const NAMED: Readonly<Record<string, z.ZodType>> = {
  CheckReport: checkReportSchema,
  Decision: rolloutDecisionSchema,
  Desired: desiredSchema,
  Device: deviceSchema,
  Drill: drillSchema,
  DryRun: dryRunSchema,
  Incident: incidentSchema,
  IncidentSummary: incidentSummarySchema,
  KeySet: keySetSchema,
  Kill: killSchema,
  KillScope: killScopeSchema,
  KillScopeAsked: killScopeInputSchema,
  KillSummary: killSummarySchema,
  Outlook: outlookSchema,
  Plan: planSchema,
  Problem: problemSchema,
  Rehearsal: rehearsalSchema,
  Release: releaseSchema,
  ReleaseRef: releaseRefSchema,
  ReleaseSummary: releaseSummarySchema,
  Reported: reportedSchema,
  Revision: revisionSchema,
  Rollout: rolloutViewSchema,
  RolloutEdited: rolloutEditedSchema,
  RolloutReport: rolloutReportSchema,
  RolloutSummary: rolloutSummarySchema,
  StoredEvent: storedEventSchema,
  Verdict: verdictSchema,
  Verification: verificationSchema,
};

export function nameComponents(): z.core.$ZodRegistry<{ id: string }> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMED)) registry.add(schema, { id });
  return registry;
}

type Components = Readonly<Record<string, unknown>>;

/** Only those that something refers to, by their names. */
export function usedComponents(components: Components, description: unknown): Components {
  const used = new Set<string>();
  const open: unknown[] = [description];
  while (open.length > 0) {
    for (const name of namesIn(open.pop())) {
      if (used.has(name)) continue;
      used.add(name);
      open.push(components[name]);
    }
  }
  return Object.fromEntries([...used].toSorted().map((name) => [name, components[name]]));
}

function namesIn(value: unknown): readonly string[] {
  const text = JSON.stringify(value) ?? '';
  return [...text.matchAll(/"#\/components\/schemas\/([^"/]+)/g)].map((match) => match[1] ?? '');
}
