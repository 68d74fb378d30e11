// The kept floor of a runner's memory: as it was written, or not at all. A smaller one would end every release.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepMemoryFloor, readMemoryFloor } from '../../../agent/inference/memory-floor.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';
import { damagedJson } from '../fuzz/mutations.ts';

const FLOOR_BYTES = 1_283_457_024;

let dataDir = '';
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'belay-floor-'));
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const parts = () => ({ dataDir, command: ['runner'], env: {}, log: openRecordingLog() });
const path = () => join(dataDir, 'runner-memory.json');

describe('the memory floor', () => {
  it('is kept for this runner, and unknown for another', () => {
    expect(readMemoryFloor(parts())).toBeNull();
    keepMemoryFloor(parts(), FLOOR_BYTES);
    expect(readMemoryFloor(parts())).toBe(FLOOR_BYTES);
    expect(readMemoryFloor({ ...parts(), command: ['other'] })).toBeNull();
  });

  it('is never another number than was measured, whatever becomes of its file', () => {
    keepMemoryFloor(parts(), FLOOR_BYTES);
    const valid = JSON.parse(readFileSync(path(), 'utf8')) as object;
    fc.assert(
      fc.property(damagedJson(valid), (bytes) => {
        writeFileSync(path(), bytes);
        expect([null, FLOOR_BYTES]).toContain(readMemoryFloor(parts()));
      }),
      { numRuns: 1000 },
    );
    writeFileSync(path(), JSON.stringify({ ...valid, floorBytes: 283_457_024 }));
    expect(readMemoryFloor(parts())).toBeNull();
  });

  it('keeps nobody from starting when its file cannot be read', () => {
    rmSync(path(), { force: true });
    mkdirSync(path());
    expect(readMemoryFloor(parts())).toBeNull();
    keepMemoryFloor(parts(), FLOOR_BYTES);
    rmSync(path(), { recursive: true });
  });
});
