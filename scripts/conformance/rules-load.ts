// Rules of the beginning: hello, ready, what must be refused, and which execution provider is used and told.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Manifest } from '../../shared/release/manifest.ts';
import { modelFile } from '../../shared/release/model-file.ts';
import type { RunnerSession } from './runner-session.ts';
import { describeState, expectRefusal, type Rule, RuleBroken, type Subject } from './subject.ts';

/** Long enough for a runner that speaks without being asked. */
const QUIET_MS = 150;
const PROTOCOL_NOT_SPOKEN = 999;

type Provider = Manifest['runtime']['providers'][number];

export const loadRules: readonly Rule[] = [
  {
    id: 'ready',
    says: 'after hello it loads and warms up the release, says ready once, and is quiet until a frame comes',
    check: async (subject) => {
      const session = await subject.openReady();
      await session.await(() => session.said.length > 1, QUIET_MS);
      if (session.said.length !== 1 || session.ended !== null) throw new RuleBroken(describeState(session));
    },
  },
  {
    id: 'ready-digest',
    says: 'ready names the SHA-256 of the model that was loaded',
    check: async (subject) => {
      const { modelSha256 } = readyOf(await subject.openReady());
      const { sha256 } = modelFile(subject.manifest);
      if (modelSha256 !== sha256) throw new RuleBroken(`it says ${modelSha256}, the manifest says ${sha256}`);
    },
  },
  {
    id: 'unknown-fields',
    says: 'fields that it does not know are ignored, in hello and inside of it',
    check: async (subject) => {
      const manifest = { ...subject.manifest, fromTheFuture: { nested: [1, 2] } };
      await subject.openReady({ hello: { manifest, alsoFromTheFuture: true } });
    },
  },
  {
    id: 'foreign-protocol',
    says: 'a hello of a protocol number that it does not speak is refused with bad-hello',
    check: (subject) => refuses(subject, ['bad-hello'], (session) => session.hello({ protocol: PROTOCOL_NOT_SPOKEN })),
  },
  {
    id: 'bad-hello',
    says: 'a hello without a manifest is refused with bad-hello',
    check: (subject) => refuses(subject, ['bad-hello'], (session) => session.hello({ manifest: undefined })),
  },
  {
    id: 'wrong-digest',
    says: 'a model file of which one bit has flipped is refused with wrong-digest',
    check: async (subject) => {
      const packageDir = damagedCopy(subject);
      const session = subject.open({ packageDir });
      session.hello();
      await expectRefusal(session, ['wrong-digest'], subject.coldMs);
    },
  },
  {
    id: 'missing-file',
    says: 'a model file that is not there is refused with load-failed',
    check: async (subject) => {
      const session = subject.open({ packageDir: subject.folder() });
      session.hello();
      await expectRefusal(session, ['load-failed'], subject.coldMs);
    },
  },
  {
    id: 'ring-size',
    says: 'a ring whose frames are not those of the input contract is refused with contract-mismatch',
    check: (subject) =>
      refuses(subject, ['contract-mismatch'], (session) =>
        session.hello({ ring: { ...session.ring, frameBytes: session.ring.frameBytes - 1 } }),
      ),
  },
  {
    id: 'provider-told',
    says: 'ready names the provider that was asked for first and the one in use, which is one that the release allows',
    check: async (subject) => {
      const { provider } = readyOf(await subject.openReady());
      const { providers, allowCpuFallback } = subject.manifest.runtime;
      const allowed = allowedProviders(providers, allowCpuFallback);
      if (provider.asked !== providers[0] || !allowed.includes(provider.used))
        throw new RuleBroken(
          `asked for ${providers}, allowed ${allowed}; it says asked ${provider.asked}, used ${provider.used}`,
        );
    },
  },
  {
    id: 'provider-refused',
    says: 'without allowCpuFallback it never falls back from an accelerator to the CPU: provider-unavailable',
    check: async (subject) => {
      const session = subject.open({ manifest: asking(subject.manifest, false) });
      session.hello();
      await session.await(() => session.said.length > 0, subject.coldMs);
      const [first] = session.said;
      // A runner that has the accelerator uses it.
      if (first?.type === 'ready' && first.provider.used === 'cuda') return;
      await expectRefusal(session, ['provider-unavailable'], subject.coldMs);
    },
  },
  {
    id: 'provider-fallback',
    says: 'with allowCpuFallback it runs on what is there, and tells what was asked for and what is used',
    check: async (subject) => {
      const { provider } = readyOf(await subject.openReady({ manifest: asking(subject.manifest, true) }));
      if (provider.asked !== 'cuda' || !['cuda', 'cpu'].includes(provider.used))
        throw new RuleBroken(`it says asked ${provider.asked}, used ${provider.used}`);
    },
  },
];

async function refuses(
  subject: Subject,
  codes: Parameters<typeof expectRefusal>[1],
  say: (session: RunnerSession) => void,
): Promise<void> {
  const session = subject.open();
  say(session);
  await expectRefusal(session, codes, subject.coldMs);
}

function readyOf(session: RunnerSession) {
  const [ready] = session.said;
  if (ready?.type !== 'ready') throw new RuleBroken(describeState(session));
  return ready;
}

/** The CPU is used where it is asked for first or the release allows to fall back to it. */
function allowedProviders(providers: readonly Provider[], allowCpuFallback: boolean): readonly string[] {
  const accelerators = providers.filter((name) => name !== 'cpu');
  return providers[0] === 'cpu' || allowCpuFallback ? [...accelerators, 'cpu'] : accelerators;
}

function asking(manifest: Manifest, allowCpuFallback: boolean): Manifest {
  return { ...manifest, runtime: { ...manifest.runtime, providers: ['cuda'], allowCpuFallback } };
}

/** The package with one bit of its model flipped. */
function damagedCopy({ packageDir, manifest, folder }: Subject): string {
  const copy = folder();
  const { path: model } = modelFile(manifest);
  cpSync(path.join(packageDir, model), path.join(copy, model), { recursive: true });
  const bytes = readFileSync(path.join(copy, model));
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(path.join(copy, model), bytes);
  return copy;
}
