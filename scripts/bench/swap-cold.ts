// The cold swap: from the wish for a baseline that is not loaded to its first answer, beside a bare process that starts Node,
// loads the same model and runs it once. By turns, on an otherwise idle device.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRing, type RingInfo } from '../../agent/frames/ring.ts';
import { type FrameToken, openLauncher } from '../../agent/inference/inference.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import { assemblePackage } from '../fleet/package-folder.ts';
import { MODEL_PATH, readRelease } from '../models/release-store.ts';
import { alternate, type Figure } from './figure.ts';
import { describeLoad, noteOf } from './machine.ts';
import { type Workspace, withWorkspace } from './workspace.ts';

const ROUNDS = 9;
const RELEASE = 'cv-detector/2.3.0';
const BARE = fileURLToPath(new URL('./swap-cold-process.ts', import.meta.url));
const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export const swapCold: Figure = {
  id: 'swap.cold',
  measure: (progress) =>
    withWorkspace(async (workspace) => {
      const packageDir = await assemblePackage(RELEASE, path.join(workspace.folder, 'release'));
      const { manifest } = readRelease(RELEASE);
      const ours = await openOurs(workspace, manifest, packageDir);
      const limit = () => bareColdStart(path.join(packageDir, MODEL_PATH), manifest);
      progress(`${ROUNDS} cold starts each`);
      // The first ones find nothing in the page cache.
      await ours();
      await limit();
      const measured = await alternate(ROUNDS, { ours, limit });
      return [
        {
          id: 'swap.cold',
          ours: measured.ours,
          limit: measured.limit,
          ratio: measured.ours / measured.limit,
          unit: 'ms',
          goal: '≤ 1.2 × (Node start + load + first run)',
          note: noteOf(
            'from the start of a runner to its first answer, digest, warm-up and memory limit included',
            'limit: a bare process that runs the model (2.3.0) once',
            describeLoad(),
          ),
        },
      ];
    }),
};

/** As the agent starts a baseline that it has not kept loaded. */
async function openOurs(workspace: Workspace, manifest: Manifest, packageDir: string): Promise<() => Promise<number>> {
  const dataDir = path.join(workspace.folder, 'agent');
  const launcher = openLauncher({ dataDir, runner: { env: {} }, memoryLimit: true, log: QUIET });
  await launcher.prepare();
  const place = { ringDir: workspace.ringFolder, device: 'bench', cameraId: 'cold', contract: manifest.input };
  const ring: RingInfo = createRing(place, 2);
  return async () => {
    const answered = Promise.withResolvers<void>();
    const startedAtMs = performance.now();
    const runner = await launcher.launch<FrameToken>({
      manifest,
      packageDir,
      ring,
      role: 'baseline',
      urgent: true,
      threads: 1,
      log: QUIET,
      coldMs: manifest.limits.coldMs,
      onResult: () => answered.resolve(),
      onFault: (fault) => answered.reject(new Error(`${fault.code}: ${fault.detail}`)),
      onExit: (exit) => answered.reject(new Error(exit.reason)),
    });
    runner.submit({ seq: 1, slot: 0 });
    await answered.promise;
    const tookMs = performance.now() - startedAtMs;
    await runner.kill();
    return tookMs;
  };
}

async function bareColdStart(model: string, { input }: Manifest): Promise<number> {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, [BARE, model, input.name, input.shape.join(',')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => Promise.reject(new Error('the bare process failed'))),
  ]);
  const tookMs = performance.now() - startedAtMs;
  await ended;
  return tookMs;
}
