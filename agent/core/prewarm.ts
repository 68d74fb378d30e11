// How a rollout wants its candidate warmed up, and how often its starts are measured. Without a word in the document: as the manifest
// says, and once. The baseline is started as often, so that the two can be compared.
import type { Manifest } from '../../shared/release/manifest.ts';
import type { CoreState } from './state.ts';

export type Prewarm = { readonly warmupFrames: number | null; readonly coldStartProbes: number };

export function prewarmOf({ desired }: Pick<CoreState, 'desired'>, digest: string): Prewarm {
  const { prewarm, digest: candidate } = desired?.candidate ?? {};
  const warmupFrames = digest === candidate ? (prewarm?.warmupFrames ?? null) : null;
  return { warmupFrames, coldStartProbes: prewarm?.coldStartProbes ?? 1 };
}

/** The manifest as its runner is to see it. */
export function warmedBy(manifest: Manifest, { warmupFrames }: Pick<Prewarm, 'warmupFrames'>): Manifest {
  return warmupFrames === null ? manifest : { ...manifest, warmup: { ...manifest.warmup, runs: warmupFrames } };
}
