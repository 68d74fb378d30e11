// What a figure says about the machine it was measured on.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { anonymousMb, childrenRunning, noteOf, pssMb, rssMb } from '../../../scripts/bench/machine.ts';
import { startProgram } from '../../../scripts/fleet/program.ts';

const logFolder = mkdtempSync(path.join(tmpdir(), 'belay-test-'));
afterAll(() => rmSync(logFolder, { recursive: true }));

describe('memory of a process', () => {
  it('grows by what the process takes, and the private part is within the proportional within the whole', () => {
    const before = anonymousMb(process.pid);
    const taken = Buffer.alloc(50_000_000, 1);
    expect(anonymousMb(process.pid) - before).toBeGreaterThan(40);
    expect(taken[0]).toBe(1);
    expect(pssMb(process.pid)).toBeGreaterThan(anonymousMb(process.pid) - 5);
    expect(rssMb(process.pid)).toBeGreaterThanOrEqual(pssMb(process.pid) - 5);
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
