// Whether a device that asks gets a lease: only for what the newest order wants, and never against a kill.
import { describe, expect, it } from 'vitest';
import { decideLease, type LeaseFacts, type LeaseOrder } from '../../../control-plane/core/grant-lease.ts';
import { type Desired, leaseSchema } from '../../../shared/protocol/documents.ts';
import { helloSchema } from '../../../shared/protocol/reports.ts';
import { BASELINE, CANDIDATE } from './builders.ts';

const HELLO = helloSchema.parse({
  v: 1,
  site: 'plant-a',
  device: 'cam-01',
  boot: 'boot-0001',
  agentVersion: '0.1.0',
  hardwareClass: 'x86-64',
  line: null,
  generation: 7,
  killEpoch: 0,
  seq: 0,
  lease: { nonce: 12, digest: CANDIDATE },
});

function order(generation: number, change: Partial<NonNullable<Desired['candidate']>> | null = {}): LeaseOrder {
  if (change === null) return { generation, candidate: null };
  const release = { release: 'cv-detector:2.0.0+data=bbbb', digest: CANDIDATE };
  const trial = { role: 'serve' as const, rolloutId: 'ro-1', stage: 'one', sampleEvery: 1, requireWarm: false };
  const lease = { ttlMs: 900_000, onLapse: 'revert' as const };
  return { generation, candidate: { ...release, ...trial, lease, ...change } };
}

const decide = (facts: Partial<LeaseFacts>) =>
  decideLease({ hello: HELLO, order: order(7), isKilled: false, nowMs: 1000, ...facts });

describe('a lease', () => {
  it('answers one hello of one boot, for the time that the order gives', () => {
    const decision = decide({});
    expect(decision).toEqual({
      kind: 'grant',
      lease: {
        v: 1,
        site: 'plant-a',
        device: 'cam-01',
        boot: 'boot-0001',
        nonce: 12,
        digest: CANDIDATE,
        generation: 7,
        ttlMs: 900_000,
        issuedAtMs: 1000,
      },
    });
    if (decision.kind === 'grant') expect(leaseSchema.parse(decision.lease)).toEqual(decision.lease);
  });

  it('is granted to a device that has not reached the newest order yet, when that wants the same', () => {
    expect(decide({ order: order(8) })).toMatchObject({ kind: 'grant', lease: { generation: 8 } });
  });

  it.each<[string, Partial<LeaseFacts>]>([
    ['unknown-device', { order: null }],
    ['no-candidate', { order: order(8, null) }],
    ['other-release', { order: order(8, { digest: BASELINE }) }],
    ['not-to-serve', { order: order(8, { role: 'shadow', lease: null }) }],
    ['needs-none', { order: order(7, { lease: null }) }],
    ['needs-none', { hello: { ...HELLO, lease: null } }],
    ['ahead-of-us', { order: order(6) }],
    ['killed', { isKilled: true }],
  ])('is withheld, and why: %s', (reason, facts) => {
    expect(decide(facts)).toEqual({ kind: 'withhold', reason });
  });
});
