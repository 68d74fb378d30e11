// Right denominators: success is what a device reports, and it is un-counted when the device goes back.
import { describe, expect, it } from 'vitest';
import {
  countExposure,
  type ExposureFacts,
  notYetActive,
  standingOf,
  standingOnceBack,
} from '../../../control-plane/core/exposure.ts';
import { type EndingDevice, judgeCommit, judgeRollback } from '../../../control-plane/core/finish.ts';
import { coveringKill } from '../../../control-plane/core/kill-cover.ts';
import { type Reported, reportedSchema } from '../../../shared/protocol/reports.ts';
import { BASELINE, CANDIDATE } from './builders.ts';

const OLD = { release: 'cv-detector:1.8.2+data=aaaa', digest: BASELINE };
const NEW = { release: 'cv-detector:2.0.0+data=bbbb', digest: CANDIDATE };

function reportOf(more: Partial<Reported> = {}): Reported {
  return reportedSchema.parse({
    v: 1,
    site: 'plant-a',
    device: 'dev-1',
    boot: 'boot-0001',
    atMs: 1,
    agentVersion: '1',
    hardwareClass: 'orin-nx',
    line: null,
    generation: 1,
    killEpoch: 0,
    phase: 'baseline',
    serving: OLD,
    servedFrames: 10,
    servingBecause: 'x',
    committed: OLD,
    previous: null,
    candidate: { ...NEW, role: 'serve', state: 'ready' },
    mode: 'warm',
    provider: null,
    proofs: [],
    quarantine: [],
    kills: [],
    blocked: [],
    ...more,
  });
}

const standing = (more: Partial<ExposureFacts> = {}) =>
  standingOf(
    {
      site: 'plant-a',
      device: 'dev-1',
      role: 'serve',
      online: true,
      lastSeenAtMs: 1000,
      reported: reportOf({ serving: NEW, phase: 'candidate' }),
      wasActive: true,
      hasRevertEvent: false,
      ...more,
    },
    CANDIDATE,
    { nowMs: 2000, staleMs: 5000 },
  );

const proof = { ...NEW, passed: true, reason: '', atMs: 1, frames: 1, loadMs: 1, coldStartMs: 1, scores: [] };
const quarantine = [{ ...NEW, reason: 'NaN answers', kind: 'non-finite', sinceMs: 1 }];

describe('standingOf', () => {
  it.each<[string, Partial<ExposureFacts>, Partial<ReturnType<typeof standing>>]>([
    ['answers with the candidate', {}, { isActive: true, isReverted: false, isDark: false }],
    [
      'has taken over and answered nothing yet',
      { reported: reportOf({ serving: NEW, servedFrames: 0 }) },
      { isActive: false },
    ],
    ['still answers with the baseline', { reported: reportOf() }, { isActive: false, isReverted: false }],
    [
      'quarantined it',
      { reported: reportOf({ quarantine }) },
      { isActive: false, isReverted: true, detail: 'quarantined the candidate: NaN answers' },
    ],
    [
      'cannot load it',
      { reported: reportOf({ blocked: [{ kind: 'load-failed', reason: 'no memory', sinceMs: 1 }] }) },
      { isReverted: true, detail: 'load-failed: no memory' },
    ],
    [
      'cannot download it yet',
      { reported: reportOf({ blocked: [{ kind: 'download-failed', reason: 'no route', sinceMs: 1 }] }) },
      { isReverted: false, detail: 'download-failed: no route' },
    ],
    ['went back and tries again', { hasRevertEvent: true }, { isActive: false, isReverted: true }],
    ['is offline after it was exposed', { online: false }, { isActive: true, isDark: true }],
    ['is silent though connected', { lastSeenAtMs: -4000 }, { isDark: true }],
    [
      'was never exposed and is offline',
      { online: false, wasActive: false, reported: reportOf() },
      { isDark: false, detail: 'not reachable' },
    ],
    ['proved it', { role: 'prove', reported: reportOf({ proofs: [proof] }) }, { isActive: true }],
    [
      'failed the proof',
      { role: 'prove', reported: reportOf({ proofs: [{ ...proof, passed: false }] }) },
      { isActive: false },
    ],
    ['shadows', { role: 'shadow', reported: reportOf({ phase: 'shadow' }) }, { isActive: true }],
    ['is a control', { role: 'none', hasRevertEvent: true }, { isActive: false, isReverted: false, detail: 'control' }],
    ['has never reported', { reported: null }, { isActive: false, detail: 'has not reported yet' }],
  ])('%s', (_name, facts, expected) => {
    expect(standing(facts)).toMatchObject(expected);
  });
});

describe('countExposure', () => {
  it('counts only what holds', () => {
    const all = [
      standing(),
      standing({ online: false }),
      standing({ reported: reportOf({ quarantine }) }),
      standing({ reported: reportOf() }),
      standing({ role: 'none' }),
    ];
    expect(countExposure(all, 1)).toEqual({
      assigned: 4,
      reachable: 3,
      exposed: 2,
      reporting: 1,
      evaluated: 1,
      reverted: 1,
      dark: 1,
    });
    expect(notYetActive(all)).toHaveLength(1);
  });
});

const ending = (more: Partial<EndingDevice> = {}): EndingDevice => ({
  device: 'dev-1',
  online: true,
  reported: reportOf({ candidate: null }),
  baseline: OLD,
  isReverted: false,
  ...more,
});

describe('judgeRollback', () => {
  it('is done when every reachable device answers with what it ran before', () => {
    expect(judgeRollback([ending(), ending()], CANDIDATE).isDone).toBe(true);
    const back = judgeRollback(
      [ending(), ending({ device: 'dev-2', online: false, reported: reportOf({ serving: NEW }) })],
      CANDIDATE,
    );
    expect(back).toMatchObject({ isDone: true, offline: ['dev-2'] });
    expect(back.sentence).toBe(
      '1 of 1 reachable devices answer with the release that each ran before; offline, revert when they are back: dev-2',
    );
  });

  it.each<[string, Partial<EndingDevice>]>([
    [
      'another release answers',
      { reported: reportOf({ candidate: null, serving: { ...OLD, digest: 'd'.repeat(64) } }) },
    ],
    ['no frame was answered yet', { reported: reportOf({ candidate: null, servedFrames: 0 }) }],
    ['the candidate still shadows', { reported: reportOf() }],
    ['nothing was reported', { reported: null }],
  ])('waits while %s', (_name, more) => {
    expect(judgeRollback([ending(), ending({ device: 'dev-2', ...more })], CANDIDATE)).toMatchObject({
      isDone: false,
      stragglers: ['dev-2'],
    });
  });

  it('proves nothing while nobody can be reached', () => {
    expect(judgeRollback([ending({ online: false, reported: null })], CANDIDATE).isDone).toBe(false);
    expect(judgeRollback([], CANDIDATE).isDone).toBe(true);
  });
});

describe('judgeCommit', () => {
  it('is done when every reachable device has committed, or went back by itself', () => {
    const committed = ending({ reported: reportOf({ committed: NEW }) });
    expect(judgeCommit([committed, ending({ isReverted: true })], CANDIDATE).isDone).toBe(true);
    expect(judgeCommit([committed, ending()], CANDIDATE).isDone).toBe(false);
  });
});

describe('coveringKill', () => {
  const rollout = { rolloutId: 'r-1', candidateDigest: CANDIDATE, sites: ['plant-a'], endedAtMs: null };
  const kill = (scope: Parameters<typeof coveringKill>[0][number]['scope']) => [
    { id: 'k', reason: 'smoke', actor: 'on-call', raisedAtMs: 2000, scope },
  ];
  it.each([
    [{ kind: 'fleet' }, true],
    [{ kind: 'site', site: 'plant-a' }, true],
    [{ kind: 'site', site: 'plant-b' }, false],
    [{ kind: 'device', site: 'plant-a', device: 'dev-1' }, false],
    [{ kind: 'rollout', rolloutId: 'r-1', digest: BASELINE }, true],
    [{ kind: 'rollout', rolloutId: 'r-2', digest: BASELINE }, false],
    [{ kind: 'release', digest: CANDIDATE, release: NEW.release }, true],
    [{ kind: 'release', digest: BASELINE, release: OLD.release }, false],
  ] as const)('%o covers it: %s', (scope, covers) => {
    expect(coveringKill(kill(scope), rollout) !== null).toBe(covers);
  });

  it.each([
    ['a later kill of the fleet leaves an ended rollout alone', { kind: 'fleet' }, 1000, false],
    ['one that was in force when it ended does not', { kind: 'fleet' }, 3000, true],
    [
      'a later kill of its release does not either',
      { kind: 'release', digest: CANDIDATE, release: NEW.release },
      1000,
      true,
    ],
  ] as const)('%s', (_case, scope, endedAtMs, covers) => {
    expect(coveringKill(kill(scope), { ...rollout, endedAtMs }) !== null).toBe(covers);
  });
});

describe('a device that goes back, or is back', () => {
  const once = (more: Partial<Parameters<typeof standingOnceBack>[0]> = {}) =>
    standingOnceBack(
      {
        site: 'plant-a',
        device: 'dev-1',
        role: 'serve',
        online: true,
        reported: reportOf(),
        isReverted: false,
        ...more,
      },
      CANDIDATE,
    );

  it('is what it reports, and not what it was in the rollout', () => {
    expect(once()).toMatchObject({ isActive: false, detail: `answers with ${OLD.release}` });
    const late = once({ reported: reportOf({ serving: NEW, phase: 'candidate' }) });
    expect(late).toMatchObject({ isActive: true, detail: 'still answers with the candidate' });
    expect(once({ online: false })).toMatchObject({ isActive: false, detail: `offline; answers with ${OLD.release}` });
    expect(countExposure([once(), late], 0)).toMatchObject({ assigned: 2, exposed: 1 });
  });

  it('has the candidate no more because it once proved it', () => {
    expect(once({ role: 'prove', reported: reportOf({ proofs: [proof] }) }).isActive).toBe(false);
  });
});
