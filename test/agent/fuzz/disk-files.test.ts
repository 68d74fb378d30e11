// What the agent keeps on its disk and reads again: state slots, proofs, its last report, references of cameras. Damaged, they
// are forgotten with a word, never believed; and `explain` still explains.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentConfig } from '../../../agent/config.ts';
import type { DurableState } from '../../../agent/core/state.ts';
import { freshDurable } from '../../../agent/core/state.ts';
import { explainDevice } from '../../../agent/explain-device.ts';
import { openProofFile } from '../../../agent/proof-file.ts';
import { decodeSlot, encodeSlot } from '../../../agent/state/slot-codec.ts';
import { openSlots, readSlots } from '../../../agent/state/slots.ts';
import { reportedSchema } from '../../../shared/protocol/reports.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';
import { FACTORY, ref } from '../core/core-world.ts';
import { damaged, damagedJson } from './mutations.ts';

let folder = '';
beforeAll(() => {
  // In memory where there is such a folder: thousands of small writes are not what this is about.
  folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'belay-fuzz-'));
  mkdirSync(join(folder, 'data'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, 'data', name);
const OLDER: DurableState = { ...freshDurable(FACTORY), bootCount: 3 };
const NEWER: DurableState = {
  ...freshDurable(FACTORY),
  bootCount: 4,
  committed: ref('b'),
  desired: { generation: 7, documentDigest: 'd' },
  quarantine: [{ ...ref('c'), kind: 'breach', reason: 'slow', sinceMs: 1, generation: 7 }],
  kills: [
    {
      topic: 'fleet',
      epoch: 9,
      documentDigest: 'k',
      acked: true,
      overflow: false,
      sinceMs: 1,
      entries: [{ id: 'k-1', reason: 'line stopped', digest: null }],
    },
  ],
};
const SLOT_A = encodeSlot(1, OLDER);
const SLOT_B = encodeSlot(2, NEWER);

function config(): AgentConfig {
  const folders = { dataDir: join(folder, 'data'), sysRoot: '/nowhere', procRoot: '/nowhere' };
  return { site: 'site-a', device: 'device-1', hardwareClass: 'linux-x64', ...folders } as unknown as AgentConfig;
}

/** Short lines, one sentence each, and nothing that a terminal would obey. */
function checkedExplanation(): string {
  const text = explainDevice(config());
  expect(text.replaceAll('\n', ' ')).not.toMatch(/\p{Cc}/u);
  return text;
}

describe('state slots', () => {
  it('damaged in any way are lost or what was written, never a third state', () => {
    fc.assert(
      fc.property(damaged(SLOT_A), damaged(SLOT_B), fc.nat(2), (a, b, which) => {
        const [first, second] = [which === 1 ? SLOT_A : a, which === 2 ? SLOT_B : b];
        writeFileSync(at('state.a'), first);
        writeFileSync(at('state.b'), second);
        const { durable, found } = readSlots(join(folder, 'data'));
        if (durable !== null) expect([OLDER, NEWER]).toContainEqual(durable);
        if (which === 1) expect(durable).not.toBeNull();
        expect(checkedExplanation()).toContain(durable === null ? `slots ${found}` : 'committed');
      }),
      { numRuns: 1500 },
    );
  });

  it('can be written again, whatever lay there', () => {
    fc.assert(
      fc.property(damaged(SLOT_A), damaged(SLOT_B), (a, b) => {
        writeFileSync(at('state.a'), a);
        writeFileSync(at('state.b'), b);
        const slots = openSlots(join(folder, 'data'));
        slots.write(NEWER);
        slots.close();
        expect(readSlots(join(folder, 'data')).durable).toEqual(NEWER);
      }),
      { numRuns: 200 },
    );
  });

  it('are decoded in time, also when their body is a bomb', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
        expect(['empty', 'lost', 'good']).toContain(decodeSlot(bytes).kind);
      }),
      { numRuns: 3000 },
    );
  });
});

const PROOF = {
  ...ref('c'),
  passed: true,
  reason: 'all met',
  atMs: 1,
  frames: 3,
  loadMs: 1,
  coldStartMs: 1,
  scores: [{ label: 'dent', size: 'small', found: 3, missed: 0, extra: 0 }],
};

describe('proof results', () => {
  it('that are damaged are made again, and can be kept again', () => {
    const log = openRecordingLog();
    fc.assert(
      fc.property(damagedJson({ agentVersion: '1.0.0', proofs: [{ ...PROOF, scores: [] }] }), (bytes) => {
        writeFileSync(at('proofs.json'), bytes);
        const file = openProofFile(join(folder, 'data'), '1.0.0', log);
        for (const proof of file.proofs)
          expect(proof).toMatchObject({ digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
        file.keep({ ...PROOF, scores: [] });
        expect(openProofFile(join(folder, 'data'), '1.0.0', log).proofs.at(-1)?.digest).toBe(PROOF.digest);
      }),
      { numRuns: 500 },
    );
    expect(log.entries.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

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
  killEpoch: 9,
  phase: 'baseline',
  serving: ref('b'),
  servedFrames: 12,
  servingBecause: 'it is the committed baseline',
  committed: ref('b'),
  previous: null,
  candidate: { ...ref('c'), role: 'shadow', state: 'quarantined' },
  mode: 'warm',
  provider: { asked: 'cpu', used: 'cpu' },
  proofs: [],
  quarantine: [],
  kills: [],
  blocked: [{ kind: 'killed', reason: 'line stopped', sinceMs: 1 }],
  refused: { 'bad-signature': 3 },
});

describe('the last report', () => {
  it('that is damaged still leaves an explanation', () => {
    writeFileSync(at('state.a'), SLOT_A);
    writeFileSync(at('state.b'), SLOT_B);
    fc.assert(
      fc.property(damagedJson(REPORTED), (bytes) => {
        writeFileSync(at('reported.json'), bytes);
        const text = checkedExplanation();
        expect(text).toContain('committed   cv-detector');
        expect(text).toContain('reported    ');
      }),
      { numRuns: 1500 },
    );
  });

  it('shows what was refused, and how often', () => {
    writeFileSync(at('reported.json'), JSON.stringify(REPORTED));
    expect(checkedExplanation()).toMatch(/^refused {5}3 × bad-signature$/m);
  });
});
