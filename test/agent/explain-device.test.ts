// What `explain` says of the disk, the warm modes and the proofs, for whoever stands before the box.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentConfig } from '../../agent/config.ts';
import { explainDevice } from '../../agent/explain-device.ts';
import { reportedSchema } from '../../shared/protocol/reports.ts';
import { ref } from './core/core-world.ts';

const REPORTED = reportedSchema.parse({
  v: 1,
  site: 'site-a',
  device: 'device-1',
  boot: 'boot-0001',
  atMs: 1,
  agentVersion: '1.0.0',
  hardwareClass: 'linux-x64',
  line: null,
  generation: 7,
  killEpoch: 0,
  phase: 'candidate',
  serving: ref('c'),
  servedFrames: 12,
  servingBecause: 'it shall',
  committed: ref('b'),
  previous: null,
  candidate: { ...ref('c'), role: 'serve', state: 'serving' },
  mode: 'cold-baseline',
  modeBecause: 'both do not fit for long',
  swapMs: 1420,
  provider: null,
  proofs: [
    { ...ref('b'), passed: true, reason: 'all met', atMs: 1, frames: 4, loadMs: 300, coldStartMs: 1420, scores: [] },
  ],
  quarantine: [],
  kills: [],
  blocked: [],
  refused: {},
});

let dataDir = '';
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'belay-explain-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

function explain(folder = dataDir): string {
  const folders = { dataDir: folder, sysRoot: '/nowhere', procRoot: '/nowhere' };
  return explainDevice({
    site: 'site-a',
    device: 'device-1',
    hardwareClass: 'linux-x64',
    ...folders,
  } as never as AgentConfig);
}

describe('explain', () => {
  it('says how cold the baseline is, what going back takes, and how long each release takes to its first answer', () => {
    writeFileSync(join(dataDir, 'reported.json'), JSON.stringify(REPORTED));
    const text = explain();
    expect(text).toMatch(/^mode {8}cold-baseline: both do not fit for long; going back takes 1\.4 s$/m);
    expect(text).toMatch(/^proof {7}.* passed, first answer 1\.4 s after its start: all met$/m);
    writeFileSync(join(dataDir, 'reported.json'), JSON.stringify({ ...REPORTED, mode: 'warm', swapMs: null }));
    expect(explain()).not.toMatch(/^mode/m);
  });

  it('says that a spool was set aside, and nothing of the disk while all is well', () => {
    expect(explain()).not.toMatch(/^(disk|spool)/m);
    writeFileSync(join(dataDir, 'spool.db.broken'), 'x');
    expect(explain()).toMatch(/^spool {7}a broken one was set aside as spool\.db\.broken; last written \d{4}-/m);
  });

  it('says that the folder cannot be written, because the report may be old then', () => {
    const gone = join(dataDir, 'gone');
    expect(explain(gone)).toMatch(/^disk {8}.*gone cannot be written \(.*ENOENT.*\): the report above may be old$/m);
    mkdirSync(gone);
    expect(explain(gone)).not.toMatch(/^disk/m);
  });
});
