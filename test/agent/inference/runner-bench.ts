// What the runner tests share: a ring with frames of known brightness, a runner that is always ended, and waiting.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRing, openRing, type RingInfo } from '../../../agent/frames/ring.ts';
import {
  type FrameToken,
  openRunner,
  type Runner,
  type RunnerAnswer,
  type RunnerExit,
  type RunnerFaultReport,
  type RunnerOptions,
} from '../../../agent/inference/inference.ts';
import { type TinyRelease, writeTinyRelease } from '../../builders/tiny-release.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';

export type Bench = Awaited<ReturnType<typeof openBench>>;

/** A temporary folder with packages in it, and a list of what to end afterwards. */
export function openBench() {
  const dir = mkdtempSync(join(tmpdir(), 'belay-runner-'));
  const runners: Runner[] = [];
  const log = openRecordingLog();
  const answers: RunnerAnswer<FrameToken>[] = [];
  const faults: RunnerFaultReport<FrameToken>[] = [];
  const exits: RunnerExit<FrameToken>[] = [];
  return {
    dir,
    log,
    answers,
    faults,
    exits,
    release: (options: Partial<Parameters<typeof writeTinyRelease>[0]> = {}) =>
      writeTinyRelease({ dir: join(dir, 'package'), ...options }),
    ring: (release: TinyRelease, brightness: readonly number[]) => ringOf(dir, release, brightness),
    async open(release: TinyRelease, ring: RingInfo, overrides: Partial<RunnerOptions<FrameToken>> = {}) {
      const runner = await openRunner<FrameToken>({
        manifest: release.manifest,
        packageDir: release.packageDir,
        ring,
        role: 'candidate',
        threads: 1,
        log,
        coldMs: 15_000,
        onResult: (answer) => answers.push(answer),
        onFault: (fault) => faults.push(fault),
        onExit: (exit) => exits.push(exit),
        ...overrides,
      });
      runners.push(runner);
      return runner;
    },
    async close() {
      await Promise.all(runners.map((runner) => runner.kill()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** One slot per given brightness (at least two). */
function ringOf(ringDir: string, release: TinyRelease, brightness: readonly number[]): RingInfo {
  const place = { ringDir, device: 'dev-1', cameraId: 'cam-1', contract: release.manifest.input };
  const info = createRing(place, Math.max(2, brightness.length));
  const ring = openRing(info, 'w');
  for (const [slot, value] of brightness.entries()) ring.write(slot, new Uint8Array(info.frameBytes).fill(value));
  ring.close();
  return info;
}

/** Waits for a condition, level-triggered, with a deadline. */
export async function until(what: string, isTrue: () => boolean, deadlineMs = 10_000): Promise<void> {
  const startedAt = performance.now();
  while (!isTrue()) {
    if (performance.now() - startedAt > deadlineMs) throw new Error(`still waiting for: ${what}`);
    await delay(5);
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
