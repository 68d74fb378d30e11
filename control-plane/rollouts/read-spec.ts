// The words that a rollout follows, from its stored text, and its guardrails with the classes that the candidate knows.
import type { Manifest } from '../../shared/release/manifest.ts';
import { expandGuardrails, type Guardrail } from '../../shared/rollout/guardrails.ts';
import { readRolloutFile } from '../../shared/rollout/read-rollout-file.ts';
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import type { RolloutParts } from './parts.ts';
import type { Rollout } from './rollout-rows.ts';

/** The stored text is read again, so that a restart judges by exactly what was started. */
export async function readSpec(
  parts: Pick<RolloutParts, 'registry'>,
  rollout: Rollout,
): Promise<{ readonly spec: RolloutSpec; readonly guardrails: readonly Guardrail[] }> {
  const read = readRolloutFile(rollout.fileText);
  if (!read.ok) throw new TypeError(`the stored file of rollout ${rollout.id} can no longer be read`);
  const { spec } = read.value;
  return { spec, guardrails: (await guardrailsOf(parts, rollout, spec)).guardrails };
}

/** With the classes that the candidate knows. */
export async function guardrailsOf(
  parts: Pick<RolloutParts, 'registry'>,
  { candidate }: Pick<Rollout, 'candidate'>,
  spec: RolloutSpec,
): Promise<ReturnType<typeof expandGuardrails>> {
  const release = await parts.registry.get(candidate.digest);
  const labels = release === null ? [] : (release.manifest as Manifest).labels.map(({ name }) => name);
  return expandGuardrails(spec, labels);
}
