// What a figure says about the machine it was measured on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { anonymousMb, childrenRunning, noteOf, pssMb, rssMb } from '../../../scripts/bench/machine.ts';
import { startProgram } from '../../../scripts/fleet/program.ts';

/** Takes 50 MB when it is told to. */
const HOARDER = `const taken = []; process.stdin.on('data', () => {
  taken.push(Buffer.alloc(50_000_000, 1)); process.stdout.write('taken'); }); process.stdout.write('up');`;

const logFolder = mkdtempSync(path.join(tmpdir(), 'belay-test-'));
afterAll(() => rmSync(logFolder, { recursive: true }));

describe('memory of a process', () => {
  it('grows by what the process takes, and the private part is within the proportional within the whole', async () => {
    const child = spawn(process.execPath, ['-e', HOARDER], { stdio: ['pipe', 'pipe', 'inherit'] });
    const pid = child.pid ?? -1;
    try {
      await once(child.stdout, 'data');
      const before = anonymousMb(pid);
      child.stdin.write('take');
      await once(child.stdout, 'data');
      expect(anonymousMb(pid) - before).toBeGreaterThan(40);
      expect(pssMb(pid)).toBeGreaterThan(anonymousMb(pid) - 5);
      expect(rssMb(pid)).toBeGreaterThanOrEqual(pssMb(pid) - 5);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it('of a process that is gone is an error, not 0', () => {
    expect(() => pssMb(2 ** 22 + 1)).toThrow('ENOENT');
  });
});

describe('childrenRunning', () => {
  it('finds the child that runs this file, and only under its own parent', async () => {
    const program = startProgram({
      name: 'blocking',
      entry: 'test/scripts/bench/programs/blocking.ts',
      args: [],
      logFolder,
    });
    try {
      expect(childrenRunning(process.pid, 'programs/blocking.ts')).toEqual([program.pid]);
      expect(childrenRunning(process.pid, 'programs/other.ts')).toEqual([]);
      expect(childrenRunning(program.pid, 'programs/blocking.ts')).toEqual([]);
    } finally {
      await program.stop();
    }
    expect(childrenRunning(process.pid, 'programs/blocking.ts')).toEqual([]);
  });
});

describe('noteOf', () => {
  it('leaves out what has nothing to say', () => {
    expect(noteOf('seven kills', '', 'load 6.0 on 2 cores')).toBe('seven kills; load 6.0 on 2 cores');
    expect(noteOf('', '')).toBe('');
  });
});
