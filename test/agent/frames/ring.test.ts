// Frame rings: what is written is read, sizes are held to, full and dead places are named, stale rings go.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contractHash, frameBytesOf } from '../../../agent/frames/input-contract.ts';
import { createRing, openRing, RingError, removeRing, ringPath, sweepRings } from '../../../agent/frames/ring.ts';
import { type InputContract, inputContractSchema } from '../../../shared/release/manifest.ts';

const CONTRACT: InputContract = inputContractSchema.parse({
  name: 'image_u8',
  dtype: 'uint8',
  layout: 'NHWC',
  shape: [1, 8, 8, 3],
  color: 'rgb',
  fit: 'letterbox',
  normalise: 'in-graph',
});

let ringDir: string;
beforeEach(() => {
  ringDir = mkdtempSync(join(tmpdir(), 'belay-ring-'));
});
afterEach(() => rmSync(ringDir, { recursive: true, force: true }));

function place(cameraId = 'cam-1', contract = CONTRACT) {
  return { ringDir, device: 'dev-1', cameraId, contract };
}

describe('a ring', () => {
  it('gives back the last frame written to each slot', () => {
    const info = createRing(place(), 4);
    const writer = openRing(info, 'w');
    const reader = openRing(info, 'r');
    const frame = new Uint8Array(info.frameBytes);
    const bytesArb = fc.uint8Array({ minLength: info.frameBytes, maxLength: info.frameBytes });
    const last = new Map<number, Uint8Array>();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), bytesArb), { maxLength: 10 }), (writes) => {
        for (const [slot, bytes] of writes) {
          writer.write(slot, bytes);
          last.set(slot, bytes);
        }
        for (const [slot, bytes] of last) {
          reader.read(slot, frame);
          expect(frame).toEqual(bytes);
        }
      }),
    );
    writer.close();
    reader.close();
  });

  it('has its full size from the start, for the owner alone', () => {
    const info = createRing(place(), 4);
    expect(info.frameBytes).toBe(192);
    expect(statSync(info.path)).toMatchObject({ size: 768 });
    expect(statSync(info.path).blocks).toBeGreaterThan(0);
    expect(statSync(info.path).mode & 0o777).toBe(0o600);
  });

  it('refuses a slot or a frame that does not fit', () => {
    const ring = openRing(createRing(place(), 4), 'w');
    expect(() => ring.write(4, new Uint8Array(192))).toThrow(/slot 4 of a ring with 4/);
    expect(() => ring.read(-1, new Uint8Array(192))).toThrow(RangeError);
    expect(() => ring.write(0, new Uint8Array(191))).toThrow(/191 bytes in a ring of 192/);
    ring.close();
  });

  it('that cannot be made says so as a ring, and leaves the reason readable', () => {
    writeFileSync(join(ringDir, 'file'), '');
    const nowhere = { ...place(), ringDir: join(ringDir, 'file', 'no-folder') };
    expect(() => createRing(nowhere, 4)).toThrow(RingError);
    expect(() => createRing(nowhere, 4)).toThrow(/ENOTDIR/);
  });

  it('names a full disk as what it is, at a frame too', () => {
    const ring = openRing({ path: '/dev/full', slots: 4, frameBytes: 192 }, 'w');
    expect(() => ring.write(0, new Uint8Array(192))).toThrow(/ring-write on \/dev\/full: ENOSPC/);
    ring.close();
  });

  it('names a ring that was cut short', () => {
    const info = createRing(place(), 4);
    const ring = openRing(info, 'r');
    writeFileSync(info.path, new Uint8Array(100));
    expect(() => ring.read(0, new Uint8Array(192))).toThrow(/100 of 192 bytes at slot 0/);
    ring.close();
  });

  it('names a directory that is not there', () => {
    expect(() => createRing({ ...place(), ringDir: join(ringDir, 'no') }, 4)).toThrow(/making the frame ring .*ENOENT/);
    expect(() => openRing({ path: join(ringDir, 'no'), slots: 4, frameBytes: 1 }, 'r')).toThrow(
      /opening the frame ring/,
    );
  });

  it('cannot be named out of its directory', () => {
    expect(() => ringPath(place('../cam'))).toThrow(/cannot name a ring/);
  });
});

describe('contractHash', () => {
  it('is equal for equal contracts, whatever the order of their members, and not for others', () => {
    const turned = Object.fromEntries(Object.entries(CONTRACT).reverse()) as InputContract;
    expect(contractHash(turned)).toBe(contractHash(CONTRACT));
    expect(contractHash(CONTRACT)).toMatch(/^[0-9a-f]{16}$/);
    expect(contractHash({ ...CONTRACT, color: 'bgr' })).not.toBe(contractHash(CONTRACT));
    expect(frameBytesOf({ ...CONTRACT, shape: [1, 3, 640, 640] })).toBe(1_228_800);
  });
});

describe('sweepRings', () => {
  it('removes rings of processes that are gone, or whose pid now belongs to another, and leaves the living', async () => {
    const mine = createRing(place('mine'), 2);
    const dead = createRing(place('dead'), 2);
    const reused = createRing(place('reused'), 2);
    const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' });
    await new Promise((resolve) => child.once('exit', resolve));
    writeFileSync(`${dead.path}.owner`, JSON.stringify({ pid: child.pid, startedAt: '1' }));
    writeFileSync(`${reused.path}.owner`, JSON.stringify({ pid: process.ppid, startedAt: '1' }));
    writeFileSync(join(ringDir, 'belay-not-a-ring'), '');
    expect([...sweepRings(ringDir)].sort()).toEqual([dead.path, reused.path]);
    expect(existsSync(mine.path)).toBe(true);
    expect(readdirSync(ringDir).sort()).toEqual(['belay-not-a-ring', ...ringFiles(mine.path)].sort());
    removeRing(mine);
    removeRing(mine);
    expect(readdirSync(ringDir)).toEqual(['belay-not-a-ring']);
  });

  it('does not let two agents make the same ring', () => {
    const info = createRing(place(), 2);
    const start = (pid: number) =>
      writeFileSync(`${info.path}.owner`, JSON.stringify({ pid, startedAt: startTime(pid) }));
    start(process.ppid);
    expect(() => createRing(place(), 2)).toThrow(/already serves this camera/);
    expect(existsSync(info.path)).toBe(true);
  });
});

function ringFiles(path: string): string[] {
  const name = path.slice(ringDir.length + 1);
  return [name, `${name}.owner`];
}

function startTime(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
}
