// Starts every runner of this device alike: with the program that the configuration names, and within a memory limit made
// of what any runner takes here and what the release was granted. Decides nothing about releases.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { describeError } from '../../shared/basics/errors.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import type { RoomLog } from '../frames/child-log.ts';
import { PRLIMIT } from './limited-command.ts';
import { type MemoryFloorParts, measureMemoryFloor, readMemoryFloor } from './memory-floor.ts';
import { openRunner, type Runner } from './open-runner.ts';
import { type FrameToken, RunnerError, type RunnerErrorCode, type RunnerOptions } from './runner.ts';
import { OWN_RUNNER } from './runner-program.ts';
import { openStandby } from './standing-runner.ts';

/** `runner` of the agent's configuration: another runtime than ours. */
export const runnerOptionsSchema = z.strictObject({
  /** Program and arguments. */
  command: z
    .array(z.string().min(1))
    .min(1)
    .refine(
      ([program = '']) => program.startsWith('/') || !program.includes('/'),
      'must begin with an absolute path or a name on PATH',
    )
    .optional(),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).default({}),
});

export type LauncherParts = {
  readonly dataDir: string;
  readonly runner: z.infer<typeof runnerOptionsSchema>;
  readonly memoryLimit: boolean;
  readonly log: RoomLog;
};

export type LaunchOptions<T extends FrameToken> = Omit<RunnerOptions<T>, 'command' | 'env' | 'dataBytesMax'>;

/** Whether runners are limited in memory, and how, in a sentence for people. */
export type MemoryFacts = { readonly enforced: boolean; readonly reason: string };

export type Launcher = {
  /** Resolves when a runner that is launched now starts at once. */
  prepare(): Promise<void>;
  /**
   * How many runners without a model stand by for this baseline, which rests; 0: none, those that stand are ended. Called again
   * and again: one that has been used or has died is replaced. A foreign runner may read its hello at once, so it never stands by.
   */
  standBy(count: number, release: { readonly manifest: Manifest; readonly threads: number }): void;
  /** As openRunner. A baseline never waits for the floor to be measured: it is limited as soon as that is known. */
  launch<T extends FrameToken>(options: LaunchOptions<T>): Promise<Runner<T>>;
  memory(): MemoryFacts;
};

/** What a runner gains by itself over hours: heap and caches of its runtime. */
const GROWTH_BYTES = 64 * 2 ** 20;
const DEATHS: ReadonlySet<RunnerErrorCode> = new Set(['crashed-on-load', 'out-of-memory']);
/** Stack of a thread. */
const THREAD_BYTES = 8 * 2 ** 20;

/** Bytes of private memory that a runner of this release may map, given what a runner without one maps. */
export function dataBytesMax(floorBytes: number, manifest: Pick<Manifest, 'limits'>, threads: number): number {
  return floorBytes + GROWTH_BYTES + threads * THREAD_BYTES + manifest.limits.memoryMb * 2 ** 20;
}

export function openLauncher(parts: LauncherParts): Launcher {
  const { command = OWN_RUNNER } = parts.runner;
  // What Node has compiled once is read from there: a third of a cold start.
  const env = { NODE_COMPILE_CACHE: join(parts.dataDir, 'compile-cache'), ...parts.runner.env };
  const floor = openFloor(parts, { command, env });
  const standby = openStandby({ role: 'baseline', command, env }, parts.log);
  const limitOf = (manifest: Manifest, threads: number): number | undefined => {
    const known = floor.known();
    return known === null ? undefined : dataBytesMax(known, manifest, threads);
  };
  return {
    standBy(count, { manifest, threads }) {
      const isKnown = floor.known() !== null || !parts.memoryLimit;
      if (parts.runner.command === undefined && isKnown) standby.keep(count, limitOf(manifest, threads));
    },
    prepare: async () => void (await floor.measured()),
    memory: () => floor.facts(),
    async launch<T extends FrameToken>(options: LaunchOptions<T>): Promise<Runner<T>> {
      if (options.role !== 'baseline') await floor.measured();
      const limit = limitOf(options.manifest, options.threads);
      const standing = options.role === 'baseline' ? standby.take(limit) : null;
      const asked = { ...options, command, env };
      const open = (more: Pick<RunnerOptions<T>, 'standing'>): Promise<Runner<T>> =>
        limit === undefined
          ? openUnlimited({ ...asked, ...more }, floor)
          : openRunner({ ...asked, ...more, dataBytesMax: limit });
      if (standing === null) return open({});
      try {
        return await open({ standing });
      } catch (error) {
        // It may have been dying before it was taken, which says nothing of the release.
        if (!(error instanceof RunnerError) || !DEATHS.has(error.code)) throw error;
        options.log.warn({ error: error.message }, 'the runner that stood by died; another is started');
        return open({});
      }
    },
  };
}

/** A baseline that was wanted before the floor was known. */
async function openUnlimited<T extends FrameToken>(options: RunnerOptions<T>, floor: Floor): Promise<Runner<T>> {
  let isGone = false;
  const onExit: RunnerOptions<T>['onExit'] = (exit) => {
    isGone = true;
    options.onExit(exit);
  };
  const runner = await openRunner({ ...options, onExit });
  void floor.measured().then((floorBytes) => {
    if (floorBytes === null || isGone) return;
    const bytesMax = dataBytesMax(floorBytes, options.manifest, options.threads);
    execFile(PRLIMIT, ['--pid', String(runner.pid), `--data=${bytesMax}`], (error) => {
      if (error && !isGone)
        options.log.warn({ pid: runner.pid, error: describeError(error) }, 'a runner stays unlimited');
    });
  });
  return runner;
}

type Floor = {
  known(): number | null;
  /** Measures it the first time; null when runners are not limited. */
  measured(): Promise<number | null>;
  facts(): MemoryFacts;
};

function openFloor(parts: LauncherParts, program: Pick<MemoryFloorParts, 'command' | 'env'>): Floor {
  const { dataDir, log } = parts;
  const probe = { dataDir, ...program, log };
  let why = whyUnlimited(parts);
  let bytes = why === null ? readMemoryFloor(probe) : null;
  let measuring: Promise<void> | null = null;
  if (why !== null && parts.memoryLimit) log.warn({ reason: why }, 'memory of runners is not limited');
  const measure = async (): Promise<void> => {
    try {
      bytes = await measureMemoryFloor(probe);
      log.info({ floorMb: megabytes(bytes) }, 'measured what a runner maps without a model');
    } catch (error) {
      why = `what a runner takes by itself could not be measured: ${describeError(error)}`;
      log.warn({ reason: why }, 'memory of runners is not limited');
    }
  };
  return {
    known: () => bytes,
    async measured() {
      if (bytes !== null || why !== null) return bytes;
      measuring ??= measure();
      await measuring;
      return bytes;
    },
    facts() {
      if (bytes === null)
        return { enforced: false, reason: why ?? 'what a runner takes by itself is not measured yet' };
      return { enforced: true, reason: `${megabytes(bytes)} MB of its own, and limits.memoryMb of its release` };
    },
  };
}

function whyUnlimited({ memoryLimit }: LauncherParts): string | null {
  if (!memoryLimit) return 'memoryLimit is off in the configuration';
  return existsSync(PRLIMIT) ? null : `there is no ${PRLIMIT}: install the package util-linux`;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
