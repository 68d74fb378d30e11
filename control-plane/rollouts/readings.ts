// What the judge reads beside windows: reverts, incidents, and kills in force.

import { killScopeSchema } from '../../shared/protocol/documents.ts';
import { eventKindSchema } from '../../shared/protocol/reports.ts';
import { ENDED } from '../../shared/protocol/rollout-states.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import { INCIDENT_EVENTS } from '../../shared/rollout/incidents.ts';
import type { Incident } from '../core/incident-verdict.ts';
import { coveringKill, type KillFacts, type RolloutScope } from '../core/kill-cover.ts';
import { keyOf } from '../core/stages.ts';
import type { Queryable } from '../database/database.ts';
import type { Rollout } from './rollout-rows.ts';

/** `site/device` of devices that told us, since then, that they took the candidate back by themselves, and when they first did. */
export async function readReverted(
  database: Queryable,
  digest: string,
  sinceMs: number,
): Promise<ReadonlyMap<string, number>> {
  const rows = await database
    .selectFrom('events')
    .select(({ fn }) => ['site', 'device', fn.min('received_at_ms').as('atMs')])
    .where('kind', 'in', ['reverted', 'quarantined'])
    .where('digest', '=', digest)
    .where('received_at_ms', '>=', sinceMs)
    .groupBy(['site', 'device'])
    .execute();
  return new Map(rows.map(({ site, device, atMs }) => [`${site}/${device}`, Number(atMs)]));
}

/** Events that a guardrail counts as incidents, since the stage began, of the rollout's devices: also of those that joined. */
export async function readIncidents(
  database: Queryable,
  { devices, progress }: Pick<Rollout, 'progress'> & { readonly devices: readonly DeviceAddress[] },
  guardrails: readonly Guardrail[],
): Promise<readonly Incident[]> {
  const kinds = guardrails.flatMap(({ incident }) => (incident?.kinds ?? []).flatMap((kind) => INCIDENT_EVENTS[kind]));
  if (kinds.length === 0) return [];
  const rows = await database
    .selectFrom('events')
    .select(['site', 'device', 'kind', 'digest', 'received_at_ms'])
    .where('site', 'in', [...new Set(devices.map(({ site }) => site))])
    .where('kind', 'in', [...new Set(kinds)])
    .where('received_at_ms', '>=', progress.stageStartedAtMs)
    .execute();
  const ours = new Set(devices.map(keyOf));
  return rows
    .filter((row) => ours.has(keyOf(row)))
    .map(({ site, device, kind, digest, received_at_ms: atMs }) => {
      return { site, device, kind: eventKindSchema.parse(kind), digest, atMs };
    });
}

/** Rollouts in whose place it was started and whose devices are still on their way back, in words; null: none. */
export async function readWaitsFor(
  database: Queryable,
  { progress: { supersedes = [] } }: Pick<Rollout, 'progress'>,
): Promise<string | null> {
  if (supersedes.length === 0) return null;
  const rows = await database
    .selectFrom('rollouts')
    .select('id')
    .where('id', 'in', supersedes)
    .where('state', 'not in', ENDED)
    .orderBy('id')
    .execute();
  if (rows.length === 0) return null;
  return `waits until ${rows.map(({ id }) => id).join(', ')} is rolled back, in whose place it was started`;
}

/** Kills in force. */
export async function readActiveKills(database: Queryable): Promise<readonly KillFacts[]> {
  const rows = await database
    .selectFrom('kills')
    .select(['id', 'scope', 'reason', 'actor', 'raised_at_ms'])
    .where('cleared_at_ms', 'is', null)
    .execute();
  return rows.map(({ scope, raised_at_ms: raisedAtMs, ...kill }) => {
    return { ...kill, raisedAtMs, scope: killScopeSchema.parse(JSON.parse(scope)) };
  });
}

/** The kill in force that covers the rollout, in words; null when there is none. */
export function killOf(kills: readonly KillFacts[], rollout: Rollout): string | null {
  return coveringKill(kills, scopeOfKills(rollout));
}

export function scopeOfKills({ id, candidate, plan, endedAtMs }: Rollout): RolloutScope {
  const sites = [...new Set(plan.devices.map(({ site }) => site))];
  return { rolloutId: id, candidateDigest: candidate.digest, sites, endedAtMs };
}
