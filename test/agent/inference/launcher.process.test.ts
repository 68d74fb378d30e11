// Runners within their memory: real processes under a real limit, and a model that takes more than it was granted.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type FrameToken,
  type Launcher,
  openLauncher,
  type Runner,
  type RunnerRole,
} from '../../../agent/inference/inference.ts';
import { dataBytesMax } from '../../../agent/inference/launcher.ts';
import { childrenRunning } from '../../../scripts/bench/machine.ts';
import { hoarding, hoardingWhenBright } from '../../../scripts/models/faults.ts';
import { type TinyRelease, tinyModel } from '../../builders/tiny-release.ts';
import { type Bench, openBench, until } from './runner-bench.ts';

const GRANTED_MB = 200;
const HOARD_MB = 600;

let bench: Bench;
let runners: Runner[];
beforeEach(() => {
  bench = openBench();
  runners = [];
});
afterEach(async () => {
  await Promise.all(runners.map((runner) => runner.kill()));
  await bench.close();
});

function launcherOf(options: { memoryLimit?: boolean; env?: Record<string, string> } = {}): Launcher {
  const { memoryLimit = true, env = {} } = options;
  return openLauncher({ dataDir: join(bench.dir, 'data'), runner: { env }, memoryLimit, log: bench.log });
}

async function launch(launcher: Launcher, release: TinyRelease, role: RunnerRole, brightness = [10, 255]) {
  const runner = await launcher.launch<FrameToken>({
    manifest: release.manifest,
    packageDir: release.packageDir,
    ring: bench.ring(release, brightness),
    role,
    threads: 1,
    log: bench.log,
    coldMs: 20_000,
    onResult: (answer) => bench.answers.push(answer),
    onFault: (fault) => bench.faults.push(fault),
    onExit: (exit) => bench.exits.push(exit),
  });
  runners.push(runner);
  return runner;
}

/** A sound little release whose model's bytes are replaced. */
function releaseOf(model: Uint8Array): TinyRelease {
  const change = (manifest: Record<string, unknown>) => {
    manifest.limits = { memoryMb: GRANTED_MB };
    const [file] = manifest.files as Record<string, unknown>[];
    Object.assign(file!, { sha256: createHash('sha256').update(model).digest('hex'), bytes: model.length });
  };
  const release = bench.release({ change });
  writeFileSync(release.modelPath, model);
  return release;
}

function limitOf(pid: number): number {
  return Number(
    /Max data size +(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? Number.POSITIVE_INFINITY,
  );
}

describe('a launcher', () => {
  it('grants a candidate what a runner takes by itself and what its release may, and measures that once', async () => {
    const release = releaseOf(tinyModel('sound'));
    const launcher = launcherOf();
    expect(launcher.memory()).toMatchObject({ enforced: false, reason: expect.stringMatching(/not measured yet/) });
    const runner = await launch(launcher, release, 'candidate');
    const file = join(bench.dir, 'data', 'runner-memory.json');
    const { floorBytes } = JSON.parse(readFileSync(file, 'utf8')) as { floorBytes: number };
    expect(limitOf(runner.pid)).toBe(dataBytesMax(floorBytes, release.manifest, 1));
    expect(launcher.memory()).toMatchObject({ enforced: true, reason: expect.stringMatching(/MB of its own/) });
    const { mtimeMs } = statSync(file);
    const again = launcherOf();
    expect(again.memory().enforced).toBe(true);
    await again.prepare();
    expect(statSync(file).mtimeMs).toBe(mtimeMs);
    expect(readdirSync(join(bench.dir, 'data')).toSorted()).toEqual(['compile-cache', 'runner-memory.json']);
    // Filled by a runner that was killed: the next one starts in less time.
    expect(readdirSync(join(bench.dir, 'data', 'compile-cache'), { recursive: true }).length).toBeGreaterThan(10);
    // Another runtime is another floor.
    expect(launcherOf({ env: { OTHER: '1' } }).memory().enforced).toBe(false);
  });

  it('does not keep a first baseline waiting, and limits it afterwards', async () => {
    const launcher = launcherOf();
    const runner = await launch(launcher, releaseOf(tinyModel('sound')), 'baseline');
    expect(limitOf(runner.pid)).toBe(Number.POSITIVE_INFINITY);
    await until('the limit', () => Number.isFinite(limitOf(runner.pid)));
    runner.submit({ seq: 1, slot: 0 });
    await until('an answer within it', () => bench.answers.length === 1);
  });

  it('keeps a process standing by for a baseline, gives it the model when it is wanted, and ends it when it is not', async () => {
    const release = releaseOf(tinyModel('sound'));
    const launcher = launcherOf();
    await launcher.prepare();
    const before = new Set(childrenRunning(process.pid, 'runner-process.ts'));
    const standing = () => childrenRunning(process.pid, 'runner-process.ts').filter((pid) => !before.has(pid));
    const baseline = { manifest: release.manifest, threads: 1 };
    launcher.standBy(1, baseline);
    launcher.standBy(1, baseline);
    await until('a process that stands by', () => standing().length === 1);
    const [pid] = standing();
    // One on trial never takes it.
    const candidate = await launch(launcher, release, 'candidate');
    expect(candidate.pid).not.toBe(pid);
    const limit = limitOf(candidate.pid);
    expect(limit).toBeLessThan(Number.POSITIVE_INFINITY);
    await candidate.kill();
    const runner = await launch(launcher, release, 'baseline');
    expect(runner.pid).toBe(pid);
    expect(limitOf(runner.pid)).toBe(limit);
    runner.submit({ seq: 1, slot: 0 });
    await until('an answer', () => bench.answers.length === 1);
    // What was given away is nobody's to end.
    launcher.standBy(0, baseline);
    runner.submit({ seq: 2, slot: 1 });
    await until('another answer', () => bench.answers.length === 2);
    launcher.standBy(1, baseline);
    await until('another one', () => standing().some((one) => one !== pid));
    launcher.standBy(0, baseline);
    await until('its end', () => standing().every((one) => one === pid));
  });

  it('starts another when the one that stood by has died', async () => {
    const release = releaseOf(tinyModel('sound'));
    const launcher = launcherOf({ memoryLimit: false });
    const before = new Set(childrenRunning(process.pid, 'runner-process.ts'));
    const standing = () => childrenRunning(process.pid, 'runner-process.ts').filter((pid) => !before.has(pid));
    launcher.standBy(1, { manifest: release.manifest, threads: 1 });
    await until('a process that stands by', () => standing().length === 1);
    process.kill(standing()[0]!, 'SIGKILL');
    const runner = await launch(launcher, release, 'baseline');
    runner.submit({ seq: 1, slot: 0 });
    await until('an answer', () => bench.answers.length === 1);
  });

  it('limits nobody when that is switched off, and says so', async () => {
    const launcher = launcherOf({ memoryLimit: false });
    const runner = await launch(launcher, releaseOf(tinyModel('sound')), 'candidate');
    expect(limitOf(runner.pid)).toBe(Number.POSITIVE_INFINITY);
    expect(launcher.memory()).toEqual({ enforced: false, reason: 'memoryLimit is off in the configuration' });
  });

  it('gives its program the variables of the configuration, and them alone', async () => {
    const launcher = launcherOf({ memoryLimit: false, env: { BELAY_TEST_PLUGGED: 'yes' } });
    const runner = await launch(launcher, releaseOf(tinyModel('sound')), 'candidate');
    const environment = readFileSync(`/proc/${runner.pid}/environ`, 'utf8').split('\0').filter(Boolean);
    const ours = environment.filter(
      (one) => !/^(PATH|NODE_COMPILE_CACHE|LD_LIBRARY_PATH|TZ|LANG|MALLOC_ARENA_MAX)=/.test(one),
    );
    expect(ours).toEqual(['BELAY_TEST_PLUGGED=yes']);
  });
});

describe('a release that takes more memory than it was granted', () => {
  it('is refused as out of memory when it does so while it warms up', async () => {
    const release = releaseOf(hoarding(tinyModel('sound'), HOARD_MB));
    await expect(launch(launcherOf(), release, 'candidate')).rejects.toMatchObject({ code: 'out-of-memory' });
    // The limit is what stops it: without one it loads.
    await launch(launcherOf({ memoryLimit: false }), release, 'candidate');
  });

  it('dies alone when it does so on a frame: the baseline beside it answers', async () => {
    const launcher = launcherOf();
    const baseline = await launch(launcher, releaseOf(tinyModel('sound')), 'baseline');
    const hog = await launch(launcher, releaseOf(hoardingWhenBright(tinyModel('sound'), HOARD_MB)), 'candidate');
    hog.submit({ seq: 1, slot: 0 });
    await until('a sound answer', () => bench.answers.length === 1);
    hog.submit({ seq: 2, slot: 1 });
    await until('its end', () => bench.exits.length === 1);
    expect(bench.exits[0]).toMatchObject({ how: 'oom', outstanding: [{ seq: 2 }] });
    expect(bench.exits[0]?.reason).toMatch(/ran out of memory/);
    baseline.submit({ seq: 2, slot: 1 });
    await until('the answer of the baseline', () => bench.answers.length === 2);
  });
});

describe('how readily the kernel may take a runner', () => {
  it.each([
    ['baseline', '300'],
    ['candidate', '800'],
    ['shadow', '900'],
  ] as const)('%s: %s', async (role, score) => {
    const runner = await launch(launcherOf({ memoryLimit: false }), releaseOf(tinyModel('sound')), role);
    expect(readFileSync(`/proc/${runner.pid}/oom_score_adj`, 'utf8').trim()).toBe(score);
  });
});
