// Why a device does what it does: the sentences an operator reads, most important first.
import { describe, expect, it } from 'vitest';
import type { Device } from '../../../control-plane/devices/device.ts';
import { type DeviceFacts, explainDevice, tellSpan } from '../../../control-plane/devices/explain.ts';
import { desiredSchema } from '../../../shared/protocol/documents.ts';
import { eventSchema, reportedSchema } from '../../../shared/protocol/reports.ts';

const NOW_MS = 1_700_000_000_000;
const BASELINE = { release: 'cv-detector:1.8.2+data=b4f7a1', digest: 'a'.repeat(64) };
const CANDIDATE = { release: 'cv-detector:2.0.0+data=b4f7a1', digest: 'b'.repeat(64) };
const HEADER = { v: 1, site: 'plant-a', device: 'cam-01' };

const REPORTED = reportedSchema.parse({
  ...HEADER,
  boot: 'boot-0001',
  atMs: NOW_MS - 5000,
  agentVersion: '0.1.0',
  hardwareClass: 'x86-64',
  line: null,
  generation: 3,
  killEpoch: 9,
  phase: 'baseline',
  serving: BASELINE,
  servedFrames: 120,
  servingBecause: 'a kill is in force',
  committed: BASELINE,
  previous: null,
  candidate: null,
  mode: 'cold-baseline',
  modeBecause: 'both do not fit for long',
  swapMs: 1400,
  provider: null,
  proofs: [],
  quarantine: [{ ...CANDIDATE, reason: 'crashed on load', kind: 'crash', sinceMs: NOW_MS - 600_000 }],
  kills: [{ id: 'k-1', reason: 'false alarms' }],
  blocked: [{ kind: 'killed', reason: 'kill k-1: false alarms', sinceMs: NOW_MS - 60_000 }],
  refused: { 'bad-signature': 2, 'older-epoch': 0 },
});

const DESIRED = desiredSchema.parse({
  ...HEADER,
  generation: 4,
  issuedAtMs: NOW_MS,
  baseline: BASELINE,
  candidate: { ...CANDIDATE, role: 'serve', rolloutId: 'ro-1', stage: 'five' },
  cohortId: 'ro-1/candidate',
  limits: {},
});

const DEVICE: Device = {
  site: 'plant-a',
  device: 'cam-01',
  hardwareClass: 'x86-64',
  line: null,
  online: true,
  firstSeenAtMs: 0,
  lastSeenAtMs: NOW_MS - 4000,
  boot: 'boot-0001',
  hello: null,
  reported: REPORTED,
  desired: DESIRED,
};

const KILL = {
  id: 'k-1',
  scope: { kind: 'fleet' as const },
  reason: 'false alarms',
  actor: 'on-call',
  epoch: 9,
  raisedAtMs: NOW_MS - 60_000,
  active: true,
  clearedAtMs: null,
  clearedBy: null,
  clearedReason: null,
};

const EVENT = eventSchema.parse({ ...HEADER, boot: 'boot-0001', seq: 7, kind: 'reverted', atMs: 0, reason: 'too hot' });

function facts(device: Partial<Device> = {}, rest: Partial<DeviceFacts> = {}): DeviceFacts {
  const events = [{ id: 1, receivedAtMs: NOW_MS - 70_000, event: EVENT }];
  return {
    device: { ...DEVICE, ...device },
    kills: [KILL],
    events,
    isCommittedRegistered: true,
    nowMs: NOW_MS,
    ...rest,
  };
}

describe('explainDevice', () => {
  it('tells all that bears on what it does, in order of weight', () => {
    expect(explainDevice(facts())).toMatchInlineSnapshot(`
      {
        "sentences": [
          "It answers with cv-detector:1.8.2+data=b4f7a1 because a kill is in force (120 frames so far). Its baseline is not kept loaded (both do not fit for long), so going back takes 1.4 s, as measured here.",
          "Kill k-1 (fleet) by on-call is in force: false alarms. It has obeyed.",
          "Desired (generation 4): baseline cv-detector:1.8.2+data=b4f7a1, candidate cv-detector:2.0.0+data=b4f7a1 to serve (rollout ro-1, stage five). It has reached generation 3 only.",
          "Blocked (killed) for 60 s: kill k-1: false alarms",
          "cv-detector:2.0.0+data=b4f7a1 is in quarantine here (crash) for 10 min: crashed on load",
          "It stays there until a person lifts it: belay device lift plant-a/cam-01 --reason "…"",
          "It refused documents from here since it booted: 2 × bad-signature.",
          "70 s ago: reverted: too hot",
          "It was heard 4 s ago and counts as online; its last report is 5 s old by its own clock.",
        ],
        "summary": "answers with cv-detector:1.8.2+data=b4f7a1; 1 kill in force",
      }
    `);
  });

  it('says of a silent device how old everything is', () => {
    const { summary, sentences } = explainDevice(
      facts({ online: false, lastSeenAtMs: NOW_MS - 7_200_000 }, { kills: [] }),
    );
    expect(summary).toBe('offline for 2 h; it answered last with cv-detector:1.8.2+data=b4f7a1');
    expect(sentences.at(-1)).toContain('counts as offline');
  });

  it('says so when a kill is not yet reported, and when nothing is known', () => {
    const device = { reported: { ...REPORTED, kills: [] } };
    expect(explainDevice(facts(device)).sentences[1]).toContain('has not reported this kill yet');
    const { summary, sentences } = explainDevice(facts({ reported: null, desired: null }, { kills: [] }));
    expect(summary).toBe('answers with nothing');
    expect(sentences[0]).toContain('has not reported yet');
  });
});

describe('a lease', () => {
  const candidate = { ...CANDIDATE, role: 'serve', state: 'serving', provider: null };
  it.each([
    ['none', 'needs a lease to answer frames and has none in this boot yet'],
    ['running', 'runs: from its last report it may answer for another 10 min without hearing from here'],
    ['lapsed', 'has lapsed: the baseline answers until it is renewed. The candidate is not blamed'],
    ['held', 'has lapsed, and this site holds: the candidate goes on answering'],
  ] as const)('is told when it is %s', (state, words) => {
    const reported = { ...REPORTED, candidate, lease: { state, leftMs: 600_000 } };
    expect(explainDevice(facts({ reported })).sentences.join('\n')).toContain(words);
  });

  it('is not spoken of where none is needed', () => {
    expect(explainDevice(facts()).sentences.join('\n')).not.toContain('lease');
  });
});

describe('an execution provider', () => {
  const said = (reported: Partial<typeof REPORTED>) =>
    explainDevice(facts({ reported: { ...REPORTED, ...reported } })).sentences.filter((one) => one.includes('runs on'));
  const fallback = { asked: 'tensorrt', used: 'cpu' };
  const candidate = { ...CANDIDATE, role: 'shadow', state: 'shadow', provider: fallback };

  it('is told when it is not the one asked for, of a shadow too, and once for a candidate that serves', () => {
    const sentence = `${CANDIDATE.release} asks for tensorrt and runs on cpu, as its manifest allows.`;
    expect(said({ candidate })).toEqual([sentence]);
    expect(said({ candidate, serving: CANDIDATE, provider: fallback })).toEqual([sentence]);
  });

  it('is not spoken of when it is the one asked for', () => {
    const asked = { asked: 'cpu', used: 'cpu' };
    expect(said({ provider: asked, candidate: { ...candidate, provider: asked } })).toEqual([]);
  });
});

describe('tellSpan', () => {
  it.each([
    [-5000, '0 s'],
    [4400, '4 s'],
    [119_000, '119 s'],
    [180_000, '3 min'],
    [7_200_000, '2 h'],
    [400_000_000, '5 d'],
  ])('%d ms is %s', (ms, text) => {
    expect(tellSpan(ms)).toBe(text);
  });
});
