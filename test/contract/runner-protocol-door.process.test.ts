// What the frame loop may rely on in a runner: the same cases against a real process and against the fake of the unit tests.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRing } from '../../agent/frames/ring.ts';
import {
  type FrameToken,
  openRunner,
  type Runner,
  type RunnerAnswer,
  type RunnerExit,
} from '../../agent/inference/inference.ts';
import { writeTinyRelease } from '../builders/tiny-release.ts';
import { openFakeRunner } from '../fakes/fake-runner.ts';
import { openRecordingLog } from '../fakes/recording-log.ts';

let dir: string;
let answers: RunnerAnswer<FrameToken>[];
let exits: RunnerExit<FrameToken>[];
let opened: Runner[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-door-'));
  answers = [];
  exits = [];
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((runner) => runner.kill()));
  rmSync(dir, { recursive: true, force: true });
});

const hear = {
  onResult: (answer: RunnerAnswer<FrameToken>) => void answers.push(answer),
  onFault: () => undefined,
  onExit: (exit: RunnerExit<FrameToken>) => void exits.push(exit),
};

/** `answering`: frames are answered by themselves; otherwise they are held for ever. */
type Open = (isAnswering: boolean) => Promise<Runner>;

async function openReal(isAnswering: boolean): Promise<Runner> {
  const release = writeTinyRelease({ dir: join(dir, 'package') });
  const ring = createRing({ ringDir: dir, device: 'dev', cameraId: 'cam', contract: release.manifest.input }, 2);
  const { manifest, packageDir } = release;
  const log = openRecordingLog();
  const runner = await openRunner({
    manifest,
    packageDir,
    ring,
    role: 'baseline',
    threads: 1,
    log,
    coldMs: 15_000,
    ...hear,
  });
  if (!isAnswering) process.kill(runner.pid, 'SIGSTOP');
  return runner;
}

async function openFake(isAnswering: boolean): Promise<Runner> {
  const fake = openFakeRunner<FrameToken>(hear);
  if (!isAnswering) return fake;
  const submit = (token: FrameToken): boolean => {
    const isTaken = fake.submit(token);
    if (isTaken) setImmediate(() => fake.answer());
    return isTaken;
  };
  return { ...fake, submit };
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const startedAt = performance.now();
  while (!isTrue()) {
    if (performance.now() - startedAt > 10_000) throw new Error(`still waiting for: ${what}`);
    await delay(5);
  }
}

describe.each<[string, Open]>([
  ['a runner process', openReal],
  ['the fake runner', openFake],
])('%s', (_name, open) => {
  const start = async (isAnswering: boolean): Promise<Runner> => {
    const runner = await open(isAnswering);
    opened.push(runner);
    return runner;
  };

  it('holds at most two tokens, each once, and knows them until they are answered', async () => {
    const runner = await start(false);
    expect([1, 1, 2, 3].map((seq) => runner.submit({ seq, slot: 0 }))).toEqual([true, false, true, false]);
    expect(runner.outstanding().map((token) => token.seq)).toEqual([1, 2]);
  });

  it('answers in order and gives back the very token', async () => {
    const runner = await start(true);
    const tokens = [
      { seq: 7, slot: 1 },
      { seq: 9, slot: 0 },
    ];
    for (const token of tokens) runner.submit(token);
    await until('the answers', () => answers.length === 2);
    expect(answers.map((answer) => answer.token === tokens[answers.indexOf(answer)])).toEqual([true, true]);
    expect(runner.outstanding()).toEqual([]);
  });

  it('says its end once, with what it held, and takes nothing after', async () => {
    const runner = await start(false);
    runner.submit({ seq: 1, slot: 0 });
    await Promise.all([runner.kill(), runner.kill()]);
    expect(exits).toMatchObject([{ signal: 'SIGKILL', outstanding: [{ seq: 1 }] }]);
    expect(runner.submit({ seq: 2, slot: 0 })).toBe(false);
  });

  it('does not answer once it is stopped, and can be killed then', async () => {
    const runner = await start(true);
    const other = await start(true);
    runner.stop();
    runner.submit({ seq: 1, slot: 0 });
    // By the time another has answered twice, this one would have answered too.
    for (const seq of [101, 102]) other.submit({ seq, slot: 0 });
    await until('the other answers', () => answers.length >= 2);
    expect(answers.map((answer) => answer.token.seq)).toEqual([101, 102]);
    await runner.kill();
    expect(exits).toMatchObject([{ outstanding: [{ seq: 1 }] }]);
  });

  it('answers what it holds before a drain ends it', async () => {
    const runner = await start(true);
    runner.submit({ seq: 1, slot: 0 });
    await runner.drain(10_000);
    expect(answers.map((answer) => answer.token.seq)).toEqual([1]);
    expect(exits).toMatchObject([{ code: 0, outstanding: [] }]);
  });
});
