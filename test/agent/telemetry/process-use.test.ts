// How processes of releases are followed: as many as run, however many there have been.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openProcessUses } from '../../../agent/telemetry/process-use.ts';

let proc = '';
beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'belay-proc-'));
});
afterEach(() => rmSync(proc, { recursive: true }));

function begin(pid: number): void {
  mkdirSync(join(proc, String(pid)));
  const fields = Array.from({ length: 50 }, () => pid).join(' ');
  writeFileSync(join(proc, String(pid), 'stat'), `${pid} (node) S ${fields}`);
  writeFileSync(join(proc, String(pid), 'status'), 'Name:\tnode\nVmRSS:\t    2048 kB\n');
}

function end(pid: number): void {
  rmSync(join(proc, String(pid)), { recursive: true });
}

describe('openProcessUses', () => {
  it('after a hundred candidates follows the baseline and the last one', () => {
    const uses = openProcessUses(proc);
    begin(1);
    uses.follow({ digest: 'base', role: 'baseline', pid: 1 });
    for (let pid = 2; pid <= 101; pid += 1) {
      begin(pid);
      uses.follow({ digest: `candidate-${pid}`, role: 'candidate', pid });
      if (pid < 101) end(pid);
    }
    expect(uses.count()).toBe(2);
    expect(uses.take('base', 'baseline').rssBytes).toBe(2048 * 1024);
    expect(uses.take('candidate-101', 'candidate').rssBytes).toBe(2048 * 1024);
  });
});
