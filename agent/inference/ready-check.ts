// What a release allows a runner to be, whoever wrote that runner: on which execution providers it may run, and which bytes
// it must have loaded. Pure. A release that was measured on an accelerator and runs on a CPU is another release.
import type { Manifest } from '../../shared/release/manifest.ts';
import { modelFile } from '../../shared/release/model-file.ts';
import type { RunnerReady } from './runner-protocol.ts';

type Provider = Manifest['runtime']['providers'][number];

export type ReadyFault = { readonly code: 'provider-unavailable' | 'wrong-digest'; readonly detail: string };

/** In the order in which they are tried. The CPU only where it is asked for first, or its owner allows to fall back on it. */
export function allowedProviders({ providers, allowCpuFallback }: Manifest['runtime']): readonly Provider[] {
  const allowed = providers.filter((name) => name !== 'cpu' || providers[0] === 'cpu' || allowCpuFallback);
  return allowCpuFallback && !allowed.includes('cpu') ? [...allowed, 'cpu'] : allowed;
}

/** What is wrong with a runner that says it is ready; null: nothing. */
export function readyFault(ready: RunnerReady, manifest: Manifest): ReadyFault | null {
  const { sha256 } = modelFile(manifest);
  if (ready.modelSha256 !== sha256) {
    const detail = `its runner has loaded a model with SHA-256 ${ready.modelSha256}, the manifest says ${sha256}`;
    return { code: 'wrong-digest', detail };
  }
  const allowed: readonly string[] = allowedProviders(manifest.runtime);
  if (allowed.includes(ready.provider.used)) return null;
  const detail = `its runner runs on ${ready.provider.used}, the release allows ${allowed.join(', ')}`;
  return { code: 'provider-unavailable', detail };
}
