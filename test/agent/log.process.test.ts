// The agent's own log into everything that can go wrong behind it: nothing of it may stop answers or keep the agent from
// ending. Real processes; the log is one that talks all the time.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AgentRig, type PackedRelease } from './agent-rig.ts';
import { fillDisk, fillPipe, mountSmallDisk, openPipe } from './pipes.ts';

const SLOW_MS = 90_000;
const ANSWERS = 20;
const STOP_MS_MAX = 5_000;

/** As the agent's own report file says. */
function servedFrames(rig: AgentRig): number {
  try {
    const text = readFileSync(join(rig.folder, 'data', 'reported.json'), 'utf8');
    return (JSON.parse(text) as { readonly servedFrames: number }).servedFrames;
  } catch {
    // Not yet, or just being written.
    return 0;
  }
}

describe('the agent, whatever becomes of its log', () => {
  const rig = new AgentRig();
  let baseline: PackedRelease;

  beforeAll(async () => {
    baseline = await rig.open('cv-detector/1.8.2');
    rig.configure({ controlPlane: null, logLevel: 'debug' });
  }, SLOW_MS);
  afterEach(() => rig.stop('SIGKILL'));
  afterAll(() => rig.close(), SLOW_MS);

  async function answersAndEnds(): Promise<void> {
    await rig.until('the first answers', () => rig.answers.length >= ANSWERS, 40_000);
    expect(rig.answeredBy(baseline, 0)).toBe(true);
    const startedMs = performance.now();
    expect(await rig.stop()).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(STOP_MS_MAX);
  }

  it(
    'answers with a log on a full disk',
    async () => {
      const full = openSync('/dev/full', 'w');
      rig.start({ stderr: full });
      closeSync(full);
      await answersAndEnds();
    },
    SLOW_MS,
  );

  it(
    'answers with a log that nobody has ever read and nobody will',
    async () => {
      const { reader, pipe } = openPipe(rig.folder, 'unread');
      reader.kill('SIGSTOP');
      // What the agent says goes into a pipe that is full already.
      fillPipe(rig.folder, 'unread');
      rig.start({ stderr: pipe });
      closeSync(pipe);
      await answersAndEnds();
      reader.kill('SIGKILL');
    },
    SLOW_MS,
  );

  it(
    'answers with a log whose reader has died',
    async () => {
      const { reader, pipe } = openPipe(rig.folder, 'dead');
      rig.start({ stderr: pipe });
      closeSync(pipe);
      reader.kill('SIGKILL');
      await once(reader, 'exit');
      await answersAndEnds();
    },
    SLOW_MS,
  );

  it(
    'answers with standard output and log in one pipe that is full',
    async () => {
      const { reader, pipe } = openPipe(rig.folder, 'both');
      reader.kill('SIGSTOP');
      fillPipe(rig.folder, 'both');
      rig.start({ stdout: pipe, stderr: pipe });
      closeSync(pipe);
      await rig.until('frames that are answered', () => servedFrames(rig) > ANSWERS, 40_000);
      reader.kill('SIGCONT');
      await rig.until('answers that are read', () =>
        readFileSync(join(rig.folder, 'both.read'), 'utf8').includes('request_id'),
      );
      const read = once(reader, 'exit');
      expect(await rig.stop()).toBe(0);
      await read;
      const lines = readFileSync(join(rig.folder, 'both.read'), 'utf8')
        .split('\n')
        .filter((line) => !/^\.*$/.test(line));
      expect(() => lines.map((line) => JSON.parse(line))).not.toThrow();
    },
    SLOW_MS,
  );

  it(
    'answers with its log on a small disk that is full, and goes on logging there when it has room again',
    async ({ skip }) => {
      const disk = join(rig.folder, 'disk');
      if (!mountSmallDisk(disk)) skip('mounting a small disk needs root');
      try {
        const [file, ballast] = [join(disk, 'agent.log'), join(disk, 'ballast')];
        const log = openSync(file, 'a');
        fillDisk(ballast);
        rig.start({ stderr: log });
        closeSync(log);
        await rig.until('the first answers', () => rig.answers.length >= ANSWERS, 40_000);
        rmSync(ballast);
        await rig.until('lines', () => readFileSync(file, 'utf8').includes('"msg":"serving"'));
        await answersAndEnds();
        const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
        expect(() => lines.map((line) => JSON.parse(line))).not.toThrow();
        expect(lines.slice(-3).join()).toContain('"msg":"stopping"');
      } finally {
        await rig.stop('SIGKILL');
        execFileSync('umount', ['-l', disk]);
      }
    },
    SLOW_MS,
  );
});
