// Reads what the readiness checklist needs beyond the file: the release as it is registered, what devices say, the last drill.
import type { Release } from '../../shared/protocol/api-releases.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import type { RolloutFile } from '../../shared/rollout/rollout-file.ts';
import type { PassedDrill, ReadinessFacts } from '../core/readiness.ts';
import type { Queryable } from '../database/database.ts';
import type { Device } from '../devices/device.ts';

type Sources = {
  readonly file: RolloutFile;
  readonly release: Release;
  readonly guardrails: readonly Guardrail[];
  readonly devices: readonly Device[];
  readonly nowMs: number;
};

export async function readReadiness(database: Queryable, sources: Sources): Promise<ReadinessFacts> {
  const { file, release, guardrails, devices, nowMs } = sources;
  const { factories, exclude } = file.spec.cohort;
  const { provenance, golden } = release.manifest as Manifest;
  const { codeCommit, dataTag, trainConfigSha256 } = provenance;
  const { id, digest, state, registeredAtMs } = release;
  return {
    file,
    nowMs,
    release: { id, digest, state, registeredAtMs, codeCommit, dataTag, trainConfigSha256, goldenFile: golden.frames },
    rollbackGuardrails: guardrails.filter(({ enforce }) => enforce === 'rollback').map((each) => each.id),
    devices: devices
      .filter(({ site, device }) => (factories?.includes(site) ?? true) && !exclude.devices.includes(device))
      .map(({ device, reported }) => ({
        device,
        hasReported: reported?.committed != null,
        failedProof: reported?.proofs.find((proof) => proof.digest === digest && !proof.passed)?.reason ?? null,
      })),
    drill: await newestPassedDrill(database),
  };
}

async function newestPassedDrill(database: Queryable): Promise<PassedDrill | null> {
  const row = await database
    .selectFrom('drills')
    .select(['id', 'failure', 'mode', 'ended_at_ms'])
    .where('state', '=', 'passed')
    .orderBy('ended_at_ms', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ? { id: row.id, failure: row.failure, mode: row.mode, endedAtMs: row.ended_at_ms ?? 0 } : null;
}
