// The outbox of desired documents: generations only grow, a failed decision leaves nothing, old news never counts as sent.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../../control-plane/database/database.ts';
import {
  type DesiredChange,
  markPublished,
  readAllDesired,
  readDesired,
  readUnpublished,
  writeDesired,
} from '../../../control-plane/devices/desired-store.ts';
import { DEFAULT_LIMITS } from '../../../shared/protocol/limits.ts';

const ADDRESS = { site: 'plant-a', device: 'cam-01' };
const BASELINE = { release: 'cv-detector:1.8.2+data=b4f7a1', digest: 'a'.repeat(64) };

let folder: string;
let database: Database;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-desired-'));
  database = await openDatabase(join(folder, 'belay.db'));
});

afterEach(async () => {
  await database.destroy();
  await rm(folder, { recursive: true });
});

function write(part: Partial<DesiredChange> = {}) {
  const choice = {
    baseline: BASELINE,
    candidate: null,
    cohortId: 'baseline',
    limits: DEFAULT_LIMITS,
    liftQuarantine: [],
  };
  return database.transaction().execute((transaction) => {
    return writeDesired(transaction, { ...ADDRESS, change: () => choice, nowMs: 1000, ...part });
  });
}

describe('the outbox', () => {
  it('grows the generation by one, from what was desired before', async () => {
    expect((await write()).generation).toBe(1);
    const second = await write({
      change: (previous) => ({
        ...(previous ??
          (() => {
            throw new Error('nothing before');
          })()),
        cohortId: 'ro-1/candidate',
      }),
      nowMs: 2000,
    });
    expect(second).toMatchObject({ generation: 2, cohortId: 'ro-1/candidate', issuedAtMs: 2000, baseline: BASELINE });
    expect(await readDesired(database, ADDRESS)).toEqual(second);
  });

  it('goes above a device that is ahead', async () => {
    expect((await write({ generationAbove: 40 })).generation).toBe(41);
    expect((await write({ generationAbove: 7 })).generation).toBe(42);
  });

  it('holds what was not sent, and only that', async () => {
    const first = await write();
    const other = await write({ device: 'cam-02' });
    await markPublished(database, [first]);
    expect(await readUnpublished(database, 10)).toEqual([other]);
    const second = await write();
    await markPublished(database, [first, other]); // late news of the older one
    expect(await readUnpublished(database, 10)).toEqual([second]);
    expect(await readAllDesired(database)).toHaveLength(2);
  });

  it('keeps nothing of a decision that failed', async () => {
    const failing = database.transaction().execute(async (transaction) => {
      await writeDesired(transaction, {
        ...ADDRESS,
        nowMs: 1,
        change: () => ({
          baseline: BASELINE,
          candidate: null,
          cohortId: 'x',
          limits: DEFAULT_LIMITS,
          liftQuarantine: [],
        }),
      });
      throw new Error('compare-and-set lost');
    });
    await expect(failing).rejects.toThrow('compare-and-set lost');
    expect(await readDesired(database, ADDRESS)).toBeNull();
  });

  it('refuses to store what a device would refuse', async () => {
    await expect(write({ change: () => ({ baseline: BASELINE }) as never })).rejects.toThrow();
    expect(await readDesired(database, ADDRESS)).toBeNull();
  });
});
