// The cold swap: from the wish for a baseline that rests to its first answer, beside a bare process that starts Node, loads
// the same model and runs it once. By turns, on an otherwise idle device. As on a device in cold-baseline mode a runner without
// the model stands by; the note says what it takes without one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createRing, type RingInfo } from '../../agent/frames/ring.ts';
import { type FrameToken, openLauncher } from '../../agent/inference/inference.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import { assemblePackage } from '../fleet/package-folder.ts';
import { MODEL_PATH, readRelease } from '../models/release-store.ts';
import { alternate, type Figure } from './figure.ts';
import { childrenRunning, describeLoad, noteOf } from './machine.ts';
import { type Workspace, withWorkspace } from './workspace.ts';

const ROUNDS = 9;
const IDLE_MS = 150;
const RELEASE = 'cv-detector/2.3.0';
const BARE = fileURLToPath(new URL('./swap-cold-process.ts', import.meta.url));
const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export const swapCold: Figure = {
  id: 'swap.cold',
  measure: (progress) =>
    withWorkspace(async (workspace) => {
      const packageDir = await assemblePackage(RELEASE, path.join(workspace.folder, 'release'));
      const { manifest } = readRelease(RELEASE);
      const start = await openOurs(workspace, manifest, packageDir);
      const [ours, alone] = [() => start('standing by'), () => start('from nothing')];
      const limit = () => bareColdStart(path.join(packageDir, MODEL_PATH), manifest);
      progress(`${ROUNDS} cold starts each`);
      // The first ones find nothing in the page cache.
      await ours();
      await limit();
      const measured = await alternate(ROUNDS, { ours, limit });
      const fromNothing = await alternate(ROUNDS, { ours: alone, limit });
      return [
        {
          id: 'swap.cold',
          ours: measured.ours,
          limit: measured.limit,
          ratio: measured.ours / measured.limit,
          unit: 'ms',
          goal: '≤ 1.2 × (Node start + load + first run)',
          note: noteOf(
            'from the wish to the first answer, digest and memory limit included, a runner without a model standing by',
            `with none standing by ${fromNothing.ours.toFixed(0)} ms, ${(fromNothing.ours / fromNothing.limit).toFixed(2)} of the limit beside it`,
            'limit: a bare process that runs the model (2.3.0) once',
            describeLoad(),
          ),
        },
      ];
    }),
};

/** As the agent starts a baseline that it has not kept loaded. */
async function openOurs(
  workspace: Workspace,
  manifest: Manifest,
  packageDir: string,
): Promise<(how: 'standing by' | 'from nothing') => Promise<number>> {
  const dataDir = path.join(workspace.folder, 'agent');
  const launcher = openLauncher({ dataDir, runner: { env: {} }, memoryLimit: true, log: QUIET });
  await launcher.prepare();
  const place = { ringDir: workspace.ringFolder, device: 'bench', cameraId: 'cold', contract: manifest.input };
  const ring: RingInfo = createRing(place, 2);
  return async (how) => {
    launcher.standBy(how === 'standing by' ? 1 : 0, { manifest, threads: 1 });
    if (how === 'standing by') await untilIdle();
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

/** The process that stands by has read its runtime and waits: it takes no processor time any more. */
async function untilIdle(): Promise<void> {
  for (let before = -1; ; ) {
    await wait(IDLE_MS);
    const [pid] = childrenRunning(process.pid, 'runner-process.ts');
    const used = pid === undefined ? -1 : cpuTicks(pid);
    if (used > 0 && used === before) return;
    before = used;
  }
}

/** Processor time of a process in ticks of the kernel (proc(5), fields 14 and 15 of stat). */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
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
