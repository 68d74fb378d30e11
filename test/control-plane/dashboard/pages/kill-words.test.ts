// When the kill button may be pressed, and what is said about a kill that goes out.
import { describe, expect, it } from 'vitest';
import {
  acknowledgedShare,
  pollMs,
  progressText,
  reachText,
  whyNotYet,
} from '../../../../control-plane/dashboard/pages/kill/kill-words.ts';
import type { SessionAnswer } from '../../../../shared/protocol/api-identity.ts';
import type { KillProgress } from '../../../../shared/protocol/api-kill-page.ts';

const FLEET = { kind: 'fleet' } as const;

function signedIn(mayKill: boolean): SessionAnswer {
  const identity = { name: 'on-call', kind: 'person' as const, grants: [], mayKill };
  return { identity, csrf: 'x', expiresAtMs: null, open: false };
}

function progress(part: Partial<KillProgress> = {}): KillProgress {
  return {
    id: 'k-1',
    scope: FLEET,
    reason: 'smoke',
    actor: 'on-call',
    epoch: 1,
    raisedAtMs: 0,
    active: true,
    clearedAtMs: null,
    clearedBy: null,
    clearedReason: null,
    sent: 200,
    acknowledged: 190,
    reverted: 12,
    p50Ms: 10,
    p95Ms: 20,
    p99Ms: 30,
    maxMs: 40,
    stragglers: [],
    offline: [],
    stragglerCount: 7,
    offlineCount: 3,
    leavesAlone: null,
    recorded: true,
    comesBack: '',
    fault: null,
    ...part,
  };
}

describe('whyNotYet', () => {
  it.each([
    [{ scope: null, reason: 'smoke', typed: '' }, 'Choose what to kill'],
    [{ scope: FLEET, reason: '  ', typed: 'fleet' }, 'a reason is needed'],
    [{ scope: FLEET, reason: 'smoke', typed: 'plant' }, 'Type fleet'],
  ])('names what is missing: %j', (draft, says) => {
    expect(whyNotYet(draft, null)).toContain(says);
  });

  it('lets go as soon as everything is said, also while nobody knows yet who is signed in', () => {
    const draft = { scope: { kind: 'site', site: 'plant-a' }, reason: 'smoke', typed: '' } as const;
    expect(whyNotYet(draft, null)).toBeNull();
    expect(whyNotYet(draft, signedIn(true))).toBeNull();
    expect(whyNotYet(draft, signedIn(false))).toContain('no kill right');
  });
});

describe('progressText', () => {
  it('counts those that can be reached, and tells the rest apart', () => {
    expect(progressText(progress())).toBe(
      '190 of 197 reachable devices have acknowledged; 3 offline will obey on reconnect',
    );
    expect(progressText(progress({ acknowledged: 197, stragglerCount: 0 }))).toContain('All 197 reachable');
    expect(acknowledgedShare(progress())).toBeCloseTo(190 / 197);
  });

  it('never claims success where no device is known', () => {
    expect(progressText(progress({ sent: 0, acknowledged: 0, stragglerCount: 0, offlineCount: 0 }))).toContain(
      'No device is known yet',
    );
  });
});

describe('reachText', () => {
  it('does not make anybody wait for the counts', () => {
    expect(reachText(FLEET, null, 'fleet')).toContain('the kill works without them');
  });
});

describe('pollMs', () => {
  it('looks often while devices are still to answer, and rarely after', () => {
    expect(pollMs(progress())).toBe(500);
    expect(pollMs(progress({ stragglerCount: 0 }))).toBe(5000);
  });
});
