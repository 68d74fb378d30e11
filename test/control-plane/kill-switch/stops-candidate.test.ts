// Which kills keep a lease away: those that reach this device and this candidate, as long as they are in force.
import { describe, expect, it } from 'vitest';
import { type KillRecord, stopsCandidate, topicOfScope } from '../../../control-plane/kill-switch/kill-records.ts';
import type { KillScope } from '../../../shared/protocol/documents.ts';

const ADDRESS = { site: 'plant-a', device: 'cam-01' };
const TRIAL = { rolloutId: 'ro-1', digest: 'b'.repeat(64) };
const OTHER = 'c'.repeat(64);
const RELEASE = 'cv-detector:2.0.0+data=b4f7a1';

function record(scope: KillScope): KillRecord {
  const words = { id: 'k-1', reason: 'smoke', actor: 'on-call', epoch: 1, raisedAtMs: 1, recipients: [] };
  return { ...words, scope, topic: topicOfScope(scope), cleared: null };
}

describe('stopsCandidate', () => {
  it.each<[boolean, KillScope]>([
    [true, { kind: 'fleet' }],
    [true, { kind: 'site', site: 'plant-a' }],
    [false, { kind: 'site', site: 'plant-b' }],
    [true, { kind: 'device', ...ADDRESS }],
    [false, { kind: 'device', site: 'plant-a', device: 'cam-02' }],
    [true, { kind: 'release', digest: TRIAL.digest, release: RELEASE }],
    [false, { kind: 'release', digest: OTHER, release: RELEASE }],
    [true, { kind: 'rollout', rolloutId: 'ro-1', digest: OTHER }],
    [true, { kind: 'rollout', rolloutId: 'ro-9', digest: TRIAL.digest }],
    [false, { kind: 'rollout', rolloutId: 'ro-9', digest: OTHER }],
  ])('is %s for %j', (stops, scope) => {
    expect(stopsCandidate([record(scope)], ADDRESS, TRIAL)).toBe(stops);
  });

  it('is over when the kill is', () => {
    const cleared = { atMs: 2, by: 'on-call', reason: 'over', epoch: 2 };
    expect(stopsCandidate([{ ...record({ kind: 'fleet' }), cleared }], ADDRESS, TRIAL)).toBe(false);
  });
});
