// What the documents of the protocol accept, fill in and refuse.
import { describe, expect, it } from 'vitest';
import { parseValue } from '../../../shared/basics/parsing.ts';
import { desiredSchema, killDocumentSchema } from '../../../shared/protocol/documents.ts';
import { DEFAULT_LIMITS } from '../../../shared/protocol/limits.ts';
import { eventSchema, statusSchema } from '../../../shared/protocol/reports.ts';

const DIGEST = 'a'.repeat(64);
const BASELINE = { release: 'cv-detector:1.8.2+data=b4f7a1', digest: DIGEST };
const DESIRED = {
  v: 1,
  site: 'plant-a',
  device: 'cam-01',
  generation: 4,
  issuedAtMs: 1_700_000_000_000,
  baseline: BASELINE,
  candidate: null,
  cohortId: 'baseline',
  limits: {},
};

describe('the desired document', () => {
  it('gives a device every limit, said or not', () => {
    const parsed = parseValue(desiredSchema, DESIRED);
    expect(parsed.ok && parsed.value.limits).toEqual(DEFAULT_LIMITS);
    expect(parsed.ok && parsed.value.liftQuarantine).toEqual([]);
  });

  it('keeps fields of a newer control plane', () => {
    const parsed = parseValue(desiredSchema, { ...DESIRED, calendar: 'weekdays', limits: { gpuCeilingC: 80 } });
    expect(parsed.ok && parsed.value).toMatchObject({ calendar: 'weekdays', limits: { gpuCeilingC: 80 } });
  });

  it('shadows every frame unless it says otherwise', () => {
    const candidate = { ...BASELINE, role: 'shadow', rolloutId: 'ro-1', stage: 'shadow' };
    const parsed = parseValue(desiredSchema, { ...DESIRED, candidate });
    expect(parsed.ok && parsed.value.candidate?.sampleEvery).toBe(1);
  });

  it('is refused with a reason per mistake', () => {
    const parsed = parseValue(desiredSchema, { ...DESIRED, generation: 0, device: 'Cam 01', candidate: undefined });
    expect(parsed.ok ? [] : parsed.problems.map((problem) => problem.path).sort()).toEqual([
      'candidate',
      'device',
      'generation',
    ]);
  });
});

describe('the kill document', () => {
  const entry = (scope: unknown) => ({ id: 'k-1', scope, reason: 'smoke', actor: 'operator', raisedAtMs: 1 });
  const kills = (scope: unknown) =>
    parseValue(killDocumentSchema, { v: 1, epoch: 1, issuedAtMs: 1, kills: [entry(scope)] });

  it('knows the five scopes and no other', () => {
    for (const scope of [
      { kind: 'fleet' },
      { kind: 'site', site: 'plant-a' },
      { kind: 'device', site: 'plant-a', device: 'cam-01' },
      { kind: 'rollout', rolloutId: 'ro-1', digest: DIGEST },
      { kind: 'release', digest: DIGEST, release: BASELINE.release },
    ])
      expect(kills(scope).ok, JSON.stringify(scope)).toBe(true);
    for (const scope of [{ kind: 'galaxy' }, { kind: 'site' }, { kind: 'release', digest: 'short' }, null])
      expect(kills(scope).ok, JSON.stringify(scope)).toBe(false);
  });
});

describe('what a device reports', () => {
  const header = { v: 1, site: 'plant-a', device: 'cam-01', boot: 'boot-0001' };

  it('is offline by accident unless it says that it left on purpose', () => {
    expect(statusSchema.parse({ ...header, online: false }).clean).toBe(false);
  });

  it('refuses events without a place in the sequence or of an unknown kind', () => {
    const event = { ...header, seq: 1, kind: 'reverted', atMs: 5, reason: 'latency breach' };
    expect(eventSchema.safeParse(event).success).toBe(true);
    expect(eventSchema.safeParse({ ...event, seq: 0 }).success).toBe(false);
    expect(eventSchema.safeParse({ ...event, kind: 'shrugged' }).success).toBe(false);
  });
});
