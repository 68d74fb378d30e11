// Whether a rollback worked, per device against its own past: quick to say yes, never without evidence, never for ever.
import { describe, expect, it } from 'vitest';
import { isLookedAt, type VerifyDevice, type VerifyFacts, verifyRollback } from '../../../control-plane/core/verify.ts';
import { verifySectionSchema, verifyTerms } from '../../../shared/rollout/verify-section.ts';
import { armOf, CANDIDATE, gaussian, historyOf, START_MS, seeded, WINDOW_MS, windowOf } from './builders.ts';

const RESTORED_MS = START_MS + 20 * WINDOW_MS;
const STAGES = [{ mode: 'serve', bake: 5 * WINDOW_MS }];

type DeviceInput = {
  readonly name: string;
  readonly after?: number;
  readonly online?: boolean;
  readonly hadCandidate?: boolean;
  readonly windows?: number;
  readonly healthy?: boolean;
};

/** Ten minutes of past, the candidate in between, and `windows` minutes since everybody is back, `after` times as slow. */
function deviceOf({
  name,
  after = 1,
  online = true,
  hadCandidate = true,
  windows = 5,
  healthy = true,
}: DeviceInput): VerifyDevice {
  const random = seeded(name.length * 31 + name.charCodeAt(name.length - 1));
  const own = 20 * Math.exp(0.2 * gaussian(random));
  const minute = (seq: number, startAtMs: number, factor: number) =>
    windowOf({
      device: name,
      seq,
      startAtMs,
      healthy,
      arms: [armOf({ latencyMs: own * factor * Math.exp(0.01 * gaussian(random)) })],
    });
  const before = Array.from({ length: 10 }, (_, i) => minute(i + 1, START_MS - (10 - i) * WINDOW_MS, 1));
  const during = Array.from({ length: 10 }, (_, i) =>
    windowOf({
      device: name,
      seq: 100 + i,
      startAtMs: START_MS + i * WINDOW_MS,
      arms: [armOf(hadCandidate ? { digest: CANDIDATE, role: 'candidate', latencyMs: own * 3 } : { latencyMs: own })],
    }),
  );
  const since = Array.from({ length: windows }, (_, i) => minute(200 + i, RESTORED_MS + i * WINDOW_MS, after));
  return { online, hadCandidate, history: { ...historyOf(name), before, since: [...during, ...since] } };
}

function factsOf(devices: readonly VerifyDevice[], more: Partial<VerifyFacts> = {}): VerifyFacts {
  const terms = verifyTerms(verifySectionSchema.parse({ expr: 'p95(latency_ms) <= baseline * 1.03' }), STAGES);
  const nowMs = RESTORED_MS + 5 * WINDOW_MS;
  return {
    terms,
    hasServed: true,
    nowMs,
    restoredAtMs: RESTORED_MS,
    listeningSinceMs: 0,
    settleMs: 0,
    devices,
    ...more,
  };
}

function verificationOf(facts: VerifyFacts) {
  const verified = verifyRollback(facts);
  if (verified.kind === 'wait') throw new Error(`still waits: ${verified.sentence}`);
  return verified.verification;
}

const LATE = { nowMs: RESTORED_MS + 10 * WINDOW_MS };

describe('verifyRollback', () => {
  it('says so when every device is back where it was, with the figures', () => {
    const { kind, sentence, checks } = verificationOf(
      factsOf(['dev-a', 'dev-b', 'dev-c'].map((name) => deviceOf({ name }))),
    );
    expect(kind).toBe('verified');
    expect(sentence).toMatch(
      /^verified: p95 latency [+-]\d\S* % against each device's own past \(limit ≤ \+3 %\), 3 of 3 reachable devices, last 5m$/,
    );
    expect(checks.map(({ result }) => result)).not.toContain('worse');
  });

  it('waits for the whole time that the file asks for, and says how long', () => {
    const devices = [deviceOf({ name: 'dev-a' })];
    const early = verifyRollback(factsOf(devices, { nowMs: RESTORED_MS + 2 * WINDOW_MS }));
    expect(early).toEqual({ kind: 'wait', sentence: 'verifying p95 latency ≤ +3 % for 5m: 3m left' });
    expect(verifyRollback(factsOf(devices, { settleMs: WINDOW_MS })).kind).toBe('wait');
  });

  it('goes on looking while a device is worse, and then says which one, never for ever', () => {
    const devices = [deviceOf({ name: 'dev-a' }), deviceOf({ name: 'dev-b', after: 1.4 })];
    expect(verifyRollback(factsOf(devices)).kind).toBe('wait');
    const { kind, sentence, checks } = verificationOf(factsOf(devices, LATE));
    expect(kind).toBe('not-verified');
    expect(sentence).toContain('still worse on plant-a/dev-b (+');
    expect(checks.map(({ result }) => result)).toEqual(['back', 'worse']);
  });

  it('does not let one harmed device hide among many sound ones', () => {
    const sound = Array.from({ length: 30 }, (_, i) => deviceOf({ name: `dev-${i}` }));
    const { kind } = verificationOf(factsOf([...sound, deviceOf({ name: 'harmed', after: 1.5 })], LATE));
    expect(kind).toBe('not-verified');
  });

  it('takes what the day did to devices that never had the candidate out of it', () => {
    const touched = ['dev-a', 'dev-b'].map((name) => deviceOf({ name, after: 1.2 }));
    const controls = ['dev-x', 'dev-y'].map((name) => deviceOf({ name, after: 1.2, hadCandidate: false }));
    expect(verificationOf(factsOf(touched, LATE)).kind).toBe('not-verified');
    expect(verificationOf(factsOf([...touched, ...controls])).kind).toBe('verified');
  });

  it('never takes silence or a bad camera for proof', () => {
    const silent = [deviceOf({ name: 'dev-a' }), deviceOf({ name: 'dev-b', windows: 0 })];
    expect(verifyRollback(factsOf(silent)).kind).toBe('wait');
    expect(verificationOf(factsOf(silent, LATE)).sentence).toContain('plant-a/dev-b (no evidence since)');
    const dark = verificationOf(factsOf([deviceOf({ name: 'dev-a', healthy: false })], LATE));
    expect(dark).toMatchObject({ kind: 'not-verified', sentence: 'not verified: plant-a/dev-a (the picture is dark)' });
  });

  it('lists devices that are away, and does not wait for them', () => {
    const devices = [deviceOf({ name: 'dev-a' }), deviceOf({ name: 'dev-b', online: false })];
    const { kind, sentence, offline } = verificationOf(factsOf(devices));
    expect(kind).toBe('verified');
    expect(sentence).toContain('offline, counted when they are back: plant-a/dev-b');
    expect(offline).toEqual([{ site: 'plant-a', device: 'dev-b' }]);
  });

  it('has nothing to do where the candidate never answered, or where the file says none', () => {
    const devices = [deviceOf({ name: 'dev-a' })];
    expect(verificationOf(factsOf(devices, { hasServed: false })).kind).toBe('not-needed');
    expect(verificationOf(factsOf(devices, { terms: null }))).toMatchObject({
      kind: 'skipped',
      sentence: 'not verified: no verify in the file (verify: none)',
    });
  });

  it('judges plain limits and offsets in their own units', () => {
    const termsOf = (expr: string) => verifyTerms(verifySectionSchema.parse({ expr, for: '5m' }), STAGES);
    const devices = [deviceOf({ name: 'dev-a' })];
    const judged = (expr: string) => verificationOf(factsOf(devices, { terms: termsOf(expr), ...LATE }));
    expect(judged('p95(latency_ms) <= 1000 ms').sentence).toMatch(
      /^verified: p95 latency \d\S* ms \(limit ≤ 1000 ms\)/,
    );
    expect(judged('p95(latency_ms) <= 1 ms').kind).toBe('not-verified');
    expect(judged('mean(soc_temp_c) <= baseline + 5').sentence).toContain('temperature +0 °C');
    expect(judged('rate(errors, frames) <= 1 %').sentence).toMatch(/^verified: error rate 0\.\d+ % /);
    expect(judged('mean(fps) >= baseline * 0.95').kind).toBe('verified');
    expect(judged('mean(detections_per_frame) within baseline +/- 10 %').kind).toBe('verified');
  });
});

describe('abort.verify', () => {
  it('lasts as long as the shortest serving bake when it does not say, and ten minutes at most', () => {
    const lasts = (bakes: readonly number[], section = {}) =>
      verifyTerms(
        verifySectionSchema.parse(section),
        bakes.map((bake) => ({ mode: 'serve', bake })),
      )?.forMs;
    expect(lasts([12_000, 10_000])).toBe(10_000);
    expect(lasts([3_600_000])).toBe(600_000);
    expect(lasts([3_600_000], { for: '30m' })).toBe(1_800_000);
    expect(lasts([3_600_000], { expr: 'p50(latency_ms) <= baseline * 1.1 for 2m' })).toBe(120_000);
    expect(verifyTerms(verifySectionSchema.parse('none'), [])).toBeNull();
  });
});

describe('windows that a verification reads', () => {
  const devices = [
    deviceOf({ name: 'dev-a' }),
    deviceOf({ name: 'dev-b', online: false }),
    deviceOf({ name: 'dev-c', hadCandidate: false }),
    { ...deviceOf({ name: 'dev-d', hadCandidate: false }), history: historyOf('dev-d', 'xavier') },
  ];
  const readOf = (facts: VerifyFacts) => devices.filter(isLookedAt(facts)).map(({ history }) => history.device);

  it('are those of devices that are back and of controls like them', () => {
    expect(readOf(factsOf(devices))).toEqual(['dev-a', 'dev-c']);
  });

  it('are of no control where the limit is absolute', () => {
    const terms = verifyTerms(verifySectionSchema.parse({ expr: 'p95(latency_ms) <= 120 ms' }), STAGES);
    expect(readOf(factsOf(devices, { terms }))).toEqual(['dev-a']);
  });
});
