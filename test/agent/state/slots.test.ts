// The state slots: torn and damaged slots, and the largest state that must fit.
import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KEPT_KILLS_MAX } from '../../../agent/core/kills.ts';
import { QUARANTINE_MAX } from '../../../agent/core/quarantine.ts';
import { type DurableState, freshDurable } from '../../../agent/core/state.ts';
import { decodeSlot, encodeSlot, SLOT_BYTES } from '../../../agent/state/slot-codec.ts';
import { openSlots, readSlots } from '../../../agent/state/slots.ts';

const digest = (fill: string) => createHash('sha256').update(fill).digest('hex');
const FACTORY = { release: 'cv-detector:1.8.2+data=b4f7a1', digest: digest('f') };

const text = (length: number, salt: number) => digest(`t${salt}`).repeat(2).slice(0, length);

function at(boot: number): DurableState {
  return { ...freshDurable(FACTORY), bootCount: boot };
}

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-slots-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function writeStates(...boots: number[]): void {
  const slots = openSlots(dir);
  for (const boot of boots) slots.write(at(boot));
  slots.close();
}

describe('slots', () => {
  it('are fresh on a first start and keep the newest state', () => {
    const fresh = openSlots(dir);
    expect(fresh.reading).toEqual({ durable: null, found: 'fresh', savedAtMs: 0 });
    fresh.close();
    writeStates(1, 2, 3);
    expect(readSlots(dir)).toMatchObject({ found: 'whole', durable: { bootCount: 3 } });
  });

  it('go on by turns after a reopening: the newest slot is never the one overwritten', () => {
    for (let boot = 1; boot <= 7; boot += 1) {
      writeStates(boot);
      const contents = ['state.a', 'state.b'].map((name) => decodeSlot(readFileSync(join(dir, name))));
      const boots = contents.flatMap((content) => (content.kind === 'good' ? [content.durable.bootCount] : []));
      expect(boots.sort()).toEqual(boot === 1 ? [1] : [boot - 1, boot]);
    }
  });

  it('lose nothing but the torn write when one slot is damaged anywhere', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('state.a', 'state.b'),
        fc.nat(SLOT_BYTES - 1),
        fc.uint8Array({ minLength: 1, maxLength: 600 }),
        (name, offset, bytes) => {
          writeStates(1, 2);
          const before = readFileSync(join(dir, name));
          const file = openSync(join(dir, name), 'r+');
          writeSync(file, bytes, 0, Math.min(bytes.length, SLOT_BYTES - offset), offset);
          closeSync(file);
          const isChanged = !readFileSync(join(dir, name)).equals(before);
          const { durable, found } = readSlots(dir);
          expect([1, 2]).toContain(durable?.bootCount);
          if (!isChanged) expect(found).toBe('whole');
          rmSync(join(dir, 'state.a'));
          rmSync(join(dir, 'state.b'));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('survive a write that was cut at any byte', () => {
    fc.assert(
      fc.property(fc.nat(SLOT_BYTES), (cut) => {
        writeStates(1, 2, 3);
        const older = readFileSync(join(dir, 'state.b'));
        const torn = Buffer.concat([encodeSlot(4, at(4)).subarray(0, cut), older.subarray(cut)]);
        writeFileSync(join(dir, 'state.b'), torn);
        expect([3, 4]).toContain(readSlots(dir).durable?.bootCount);
        rmSync(join(dir, 'state.a'));
        rmSync(join(dir, 'state.b'));
      }),
      { numRuns: 25 },
    );
  });

  it('say so when both are lost, and can be written again', () => {
    writeStates(1, 2);
    truncateSync(join(dir, 'state.a'), 100);
    writeFileSync(join(dir, 'state.b'), Buffer.alloc(SLOT_BYTES, 0x55));
    const slots = openSlots(dir);
    expect(slots.reading).toMatchObject({ durable: null, found: 'both-lost' });
    slots.write(at(9));
    slots.close();
    expect(readSlots(dir).durable?.bootCount).toBe(9);
  });

  it('know when they were written last, and by touching are written again for their date alone', () => {
    let nowMs = 1000;
    const slots = openSlots(dir, () => nowMs);
    slots.touch();
    slots.write(at(1));
    nowMs = 5000;
    slots.touch();
    slots.close();
    expect(readSlots(dir)).toMatchObject({ savedAtMs: 5000, durable: { bootCount: 1 }, found: 'whole' });
  });

  it('take their space again when a power cut has left an empty file', () => {
    writeStates(1, 2, 3);
    truncateSync(join(dir, 'state.b'), 0);
    const slots = openSlots(dir);
    expect(slots.reading.durable?.bootCount).toBe(3);
    slots.close();
    expect(statSync(join(dir, 'state.b'))).toMatchObject({ size: SLOT_BYTES, blocks: SLOT_BYTES / 512 });
  });

  it('are read when they cannot be written, say so at each write, and are written again when that is over', () => {
    writeStates(1, 2);
    // Not even root writes to a folder: it stands where the other slot should be.
    renameSync(join(dir, 'state.a'), join(dir, 'aside'));
    mkdirSync(join(dir, 'state.a'));
    const slots = openSlots(dir);
    expect(slots.reading).toMatchObject({ durable: { bootCount: 2 } });
    expect(() => slots.write(at(3))).toThrow('state.a');
    rmSync(join(dir, 'state.a'), { recursive: true });
    slots.write(at(4));
    slots.close();
    expect(readSlots(dir).durable?.bootCount).toBe(4);
  });

  it('hold the largest state that the core can make', () => {
    const release = 'line-inspection-detector:100.200.300+data=b4f7a1c9d2';
    const kills = (['fleet', 'site', 'device', 'local'] as const).map((topic) => ({
      topic,
      epoch: 99_999,
      documentDigest: digest(topic),
      acked: false,
      overflow: true,
      sinceMs: 1_800_000_000_000,
      entries: Array.from({ length: topic === 'local' ? 1 : KEPT_KILLS_MAX }, (_, n) => ({
        id: digest(`id${topic}${n}`),
        reason: text(60, n),
        digest: digest(`${topic}${n}`),
      })),
    }));
    const quarantine = Array.from({ length: QUARANTINE_MAX }, (_, n) => ({
      release,
      digest: digest(`q${n}`),
      kind: 'proof-failed' as const,
      reason: text(100, n),
      sinceMs: 1_800_000_000_000,
      generation: 12_345,
    }));
    const attempts = Array.from({ length: 6 }, (_, n) => ({ digest: digest(`a${n}`), starts: 2, strikes: 1 }));
    const full: DurableState = {
      ...at(123_456),
      previous: FACTORY,
      desired: { generation: 12_345, documentDigest: digest('2') },
      kills,
      quarantine,
      attempts,
    };
    const slots = openSlots(dir);
    slots.write(full);
    slots.close();
    const kept = readSlots(dir).durable;
    const bare = (state: DurableState | null) =>
      JSON.parse(JSON.stringify(state, (key, value) => (key === 'reason' ? '' : value)));
    expect(bare(kept)).toEqual(bare(full));
  });
});
