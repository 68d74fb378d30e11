// A ring that cannot be made says nothing about a release: it is tried again, and never a strike.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freshDurable } from '../../agent/core/state.ts';
import { createRing } from '../../agent/frames/ring.ts';
import { isRingFault } from '../../agent/ring-fault.ts';
import { inputContractSchema } from '../../shared/release/manifest.ts';
import { CoreWorld, desired, FACTORY, ref } from './core/core-world.ts';

describe('a ring that cannot be made', () => {
  it('is told from a fault of a release', () => {
    const folder = mkdtempSync(join(tmpdir(), 'belay-ring-'));
    try {
      const contract = inputContractSchema.parse({
        name: 'image',
        dtype: 'uint8',
        layout: 'NHWC',
        shape: [1, 8, 8, 3],
        color: 'rgb',
        fit: 'letterbox',
        normalise: 'in-graph',
      });
      writeFileSync(join(folder, 'file'), '');
      const place = { ringDir: join(folder, 'file', 'no-folder'), device: 'd', cameraId: 'c', contract };
      let caught: unknown = null;
      try {
        createRing(place, 4);
      } catch (error) {
        caught = error;
      }
      expect(isRingFault(caught)).toBe(true);
      expect(isRingFault(new Error('ring-make'))).toBe(false);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('keeps a candidate waiting without a strike, and counts for a baseline like any other failed load', () => {
    const world = new CoreWorld({ ...freshDurable(FACTORY), committed: ref('b'), previous: ref('a') }).settle();
    world.order(desired(1, 'b', { name: 'c', role: 'serve' }));
    for (let round = 0; round < 5; round += 1) {
      for (const [digest, what] of [...world.open]) {
        if (what === 'load')
          world.send({ kind: 'load-failed', digest, failure: 'starved', reason: 'no room in /dev/shm' });
        else world.finish(digest);
      }
      world.open.clear();
      world.wait(30_000);
    }
    expect(world.disk.quarantine).toEqual([]);
    expect(world.disk.attempts.every(({ strikes }) => strikes === 0)).toBe(true);
    expect(world.servingDigest()).toBe(ref('b').digest);
  });
});
