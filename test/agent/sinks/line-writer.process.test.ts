// A process that answers as fast as it can into real pipes and files: readers that stop, leave or never come, disks that
// are full. It must never wait, never write half a line, and count what is lost.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mountSmallDisk, openPipe } from '../pipes.ts';
import type { Report } from './stdout-child.ts';

const SCRIPT = new URL('./stdout-child.ts', import.meta.url).pathname;
const DEADLINE = { timeout: 20_000 };
/** A blocked write would stand still for as long as the reader does: seconds. */
const PAUSE_MS_MAX = 1500;

let folder = '';
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-stdout-'));
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true });
});

function openReader() {
  const opened = openPipe(folder, 'pipe');
  children.push(opened.reader);
  return opened;
}

function answerInto(fd: number) {
  const child = spawn(process.execPath, [SCRIPT], { stdio: ['ignore', fd, 'inherit', 'ipc'] });
  children.push(child);
  closeSync(fd);
  let last: Report | null = null;
  child.on('message', (message) => {
    last = message as Report;
  });
  return {
    child,
    last: (): Report => last ?? { published: 0, sent: 0, dropped: {}, trouble: null, longestPauseMs: 0 },
  };
}

function linesOf(file: string): readonly { readonly request_id: string }[] {
  const text = readFileSync(file, 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line));
}

async function stop(child: ChildProcess): Promise<void> {
  child.send('stop');
  await once(child, 'exit');
  expect(child.exitCode).toBe(0);
}

describe('answers into a pipe', () => {
  it('whose reader is stopped: nothing waits, losses are counted, and whole lines flow again when it goes on', async () => {
    const { reader, pipe } = openReader();
    const file = join(folder, 'pipe.read');
    const { child, last } = answerInto(pipe);
    await expect.poll(() => last().sent, DEADLINE).toBeGreaterThan(1000);
    reader.kill('SIGSTOP');
    await expect.poll(() => last().dropped['queue-full'] ?? 0, DEADLINE).toBeGreaterThan(5000);
    const stuckAt = last().sent;
    reader.kill('SIGCONT');
    await expect.poll(() => last().sent, DEADLINE).toBeGreaterThan(stuckAt + 5000);
    expect(last().longestPauseMs).toBeLessThan(PAUSE_MS_MAX);
    const { sent } = last();
    const ended = once(reader, 'exit');
    await stop(child);
    await ended;
    expect(linesOf(file).length).toBeGreaterThanOrEqual(sent);
  });

  it('whose reader has gone: the process goes on, and says why nothing is read', async () => {
    const { reader, pipe } = openReader();
    const { child, last } = answerInto(pipe);
    await expect.poll(() => last().sent, DEADLINE).toBeGreaterThan(100);
    reader.kill('SIGKILL');
    await expect.poll(() => last().dropped['reader-gone'] ?? 0, DEADLINE).toBeGreaterThan(1000);
    expect(last().trouble).toContain('EPIPE');
    await stop(child);
  });
});

describe('answers into a file', () => {
  it('that is always full: the process goes on and says so', async () => {
    const { child, last } = answerInto(openSync('/dev/full', 'w'));
    await expect.poll(() => last().dropped['queue-full'] ?? 0, DEADLINE).toBeGreaterThan(1000);
    expect(last()).toMatchObject({ sent: 0, trouble: expect.stringContaining('ENOSPC') });
    await stop(child);
  });

  it('that has room again later: goes on there, without half a line', async ({ skip }) => {
    const disk = join(folder, 'disk');
    if (!mountSmallDisk(disk)) skip('mounting a small disk needs root');
    try {
      const [file, ballast] = [join(disk, 'answers.ndjson'), join(disk, 'ballast')];
      writeFileSync(ballast, Buffer.alloc(512 * 1024));
      const { child, last } = answerInto(openSync(file, 'a'));
      await expect.poll(() => last().trouble, DEADLINE).toContain('ENOSPC');
      const before = last().sent;
      rmSync(ballast);
      await expect.poll(() => last().sent, DEADLINE).toBeGreaterThan(before);
      expect(last().longestPauseMs).toBeLessThan(PAUSE_MS_MAX);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const whole = readFileSync(file, 'utf8').split('\n').slice(0, -1);
      expect(() => whole.map((line) => JSON.parse(line))).not.toThrow();
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });
});
