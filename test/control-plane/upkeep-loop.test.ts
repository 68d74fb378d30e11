// Upkeep: old windows and orphaned artifacts go, everything that is referenced or on record stays.
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepUp } from '../../control-plane/upkeep-loop.ts';
import { digestOf, tinyPackage } from '../builders/tiny-package.ts';
import { openRegistryBench, type RegistryBench } from './open-registry.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW_MS = 1_700_000_000_000;

let bench: RegistryBench;

beforeEach(async () => {
  bench = await openRegistryBench();
});

afterEach(() => bench.close());

function keepUpAt(nowMs: number) {
  return keepUp({
    database: bench.database,
    artifacts: bench.registry.artifacts,
    keepWindowsMs: 30 * DAY_MS,
    keepUnreferencedMs: 7 * DAY_MS,
    wallNow: () => nowMs,
    log: { info: () => {}, warn: () => {} },
  });
}

describe('keepUp', () => {
  it('removes windows that are old, in as many steps as it takes', async () => {
    const row = (seq: number, receivedAtMs: number) => ({
      site: 'plant-a',
      device: 'cam-01',
      boot: 'boot-0001',
      seq,
      start_at_ms: 0,
      end_at_ms: 1,
      received_at_ms: receivedAtMs,
      document: '{}',
    });
    for (let step = 0; step < 5; step += 1) {
      const rows = Array.from({ length: 1000 }, (_, index) => row(step * 1000 + index + 1, NOW_MS - 31 * DAY_MS));
      await bench.database.insertInto('windows').values(rows).execute();
    }
    await bench.database
      .insertInto('windows')
      .values(row(9999, NOW_MS - 29 * DAY_MS))
      .execute();
    expect(await keepUpAt(NOW_MS)).toMatchObject({ windows: 5000 });
    expect(await bench.database.selectFrom('windows').select('seq').execute()).toEqual([{ seq: 9999 }]);
  });

  it('removes artifacts that no release names, after a week, and never one that a release names', async () => {
    const release = tinyPackage();
    await bench.upload(release);
    await bench.post('/v1/releases', { manifest: release.manifest });
    const orphan = Buffer.from('never registered');
    await bench.registry.putArtifact(digestOf(orphan), Readable.from([orphan]));
    expect(await keepUpAt(NOW_MS + 6 * DAY_MS)).toMatchObject({ artifacts: 0 });
    expect(await keepUpAt(NOW_MS + 8 * DAY_MS)).toMatchObject({ artifacts: 1 });
    expect(await bench.registry.artifacts.size(digestOf(orphan))).toBeNull();
    for (const sha256 of release.artifacts.keys()) expect(await bench.registry.artifacts.size(sha256)).not.toBeNull();
  });
});
