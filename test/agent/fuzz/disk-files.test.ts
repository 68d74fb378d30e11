// What the agent keeps on its disk and reads again: state slots, proofs, its last report, references of cameras. Damaged, they
// are forgotten with a word, never believed; and `explain` still explains.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPace } from '../../../agent/artifacts/pace.ts';
import type { AgentConfig } from '../../../agent/config.ts';
import type { DurableState } from '../../../agent/core/state.ts';
import { freshDurable } from '../../../agent/core/state.ts';
import { explainDevice } from '../../../agent/explain-device.ts';
import { openProofFile } from '../../../agent/proof-file.ts';
import { decodeSlot, encodeSlot } from '../../../agent/state/slot-codec.ts';
import { openSlots, readSlots } from '../../../agent/state/slots.ts';
import type { HealthReference } from '../../../agent/telemetry/camera-health.ts';
import { openReferenceFile } from '../../../agent/telemetry/camera-reference-file.ts';
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

const REFERENCES = {
  v: 1,
  cameras: [
    {
      cameraId: 'camera-1',
      source: 'kept',
      reference: { lumaHistogram: Array(16).fill(1 / 16), sharpness: 200, saturatedShare: 0, redBlueRatio: 1 },
    },
  ],
};

describe('references of cameras', () => {
  it('that are damaged are learned anew, or are numbers that a picture can have', () => {
    const log = openRecordingLog();
    const cameras = [{ id: 'camera-1', source: { kind: 'folder', path: '/data', fps: 5 } }];
    writeFileSync(at('camera-references.json'), '');
    const fresh = openReferenceFile({ dataDir: join(folder, 'data'), cameras, log });
    fresh.keep(new Map([['camera-1', REFERENCES.cameras[0]?.reference as HealthReference]]));
    const valid = JSON.parse(readFileSync(at('camera-references.json'), 'utf8')) as unknown;
    fc.assert(
      fc.property(damagedJson(valid), (bytes) => {
        writeFileSync(at('camera-references.json'), bytes);
        const { known } = openReferenceFile({ dataDir: join(folder, 'data'), cameras, log });
        for (const { lumaHistogram, sharpness } of known.values()) {
          expect(lumaHistogram.every((share) => share >= 0 && share <= 1)).toBe(true);
          expect(Number.isFinite(sharpness)).toBe(true);
        }
      }),
      { numRuns: 1500 },
    );
    expect(log.entries.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('the budget of downloads', () => {
  it('that is damaged begins a new day, and never allows more than one', () => {
    const options = { bytesPerSecondMax: null, bytesPerDayMax: 1000 };
    const clocks = { monotonicNow: () => 0, wallNow: () => 1_700_000_000_000, wait: async () => undefined };
    fc.assert(
      fc.property(damagedJson({ sinceMs: 1_700_000_000_000 - 1000, bytes: 400 }), (bytes) => {
        writeFileSync(at('download-budget.json'), bytes);
        const pace = openPace({ options, path: at('download-budget.json'), ...clocks });
        expect(pace.left()).toBeLessThanOrEqual(1000);
        expect(Number.isFinite(pace.renewsAtMs())).toBe(true);
      }),
      { numRuns: 1500 },
    );
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
