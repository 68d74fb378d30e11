// The release of a drill: the manifest of a baseline with a declared fault. The model, its files and its golden set stay the
// same, so whatever it answers is what the baseline would have answered.
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import type { DeclaredFault } from '../../shared/release/drill.ts';

/** Below every version that people give, so that it is never the newest of its name. */
export function drillManifest(
  baseline: { readonly text: string; readonly ref: ReleaseRef },
  {
    fault,
    number,
    createdAtMs,
  }: { readonly fault: DeclaredFault; readonly number: number; readonly createdAtMs: number },
): Record<string, unknown> {
  const manifest = JSON.parse(baseline.text) as Record<string, unknown> & {
    readonly version: string;
    readonly provenance: Record<string, unknown>;
  };
  return {
    ...manifest,
    version: `0.0.${number}`,
    changelog: `Drill: ${baseline.ref.release}, made to fail on purpose (${fault.failure}). Never a baseline.`,
    provenance: {
      ...manifest.provenance,
      dataTag: `drill${fault.failure.replaceAll('-', '')}`,
      createdAtMs,
      parent: manifest.version,
    },
    drill: fault,
  };
}
