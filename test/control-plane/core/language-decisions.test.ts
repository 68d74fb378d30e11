// What the newer words of the rollout language decide: objectives, the peak, signatures, who is asked, and what travels to devices.
import { describe, expect, it } from 'vitest';
import { type DecideFacts, decide } from '../../../control-plane/core/decide.ts';
import { desiredInStage } from '../../../control-plane/core/desired.ts';
import { judge } from '../../../control-plane/core/judge.ts';
import { uncoveredPeak } from '../../../control-plane/core/peak.ts';
import { DEFAULT_LIMITS } from '../../../shared/protocol/limits.ts';
import { readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';
import type { Verdict } from '../../../shared/rollout/verdict.ts';
import { guardrailOf } from './builders.ts';

const verdictOf = (guardrail: string, verdict: Verdict['verdict'], more: Partial<Verdict> = {}): Verdict => ({
  ...{
    guardrail,
    title: guardrail,
    limitText: '≤ -5 %',
    enforce: 'hold',
    verdict,
    sentence: `${guardrail} is ${verdict}`,
  },
  ...{ n: 4, controls: 8, level: 'site and hardware', spread: 'between devices', estimate: -7, low: -9, high: -4 },
  ...{ limitLow: null, limitHigh: -5, unit: '%', count: 10, minimums: [], excluded: {}, blind: [] },
  ...more,
});

const READY: DecideFacts = {
  ...{ nowMs: 1000, state: 'running', phase: 'baking', holdKind: null, lookAtMs: 1000, extensionsLeft: 0, extendMs: 1 },
  stage: { name: 'half', isLast: false, promote: 'auto', judge: 'range' },
  ...{
    kill: null,
    request: null,
    sustained: new Set(),
    missing: null,
    pending: null,
    factories: null,
    exposed: 10,
    onBreach: 'rollback',
  },
  reverts: { devices: [], exposed: 10, assigned: 10, percent: 10, min: 3 },
  verdicts: [verdictOf('p95', 'pass'), verdictOf('cost', 'pass'), verdictOf('crack/micro-crack', 'pass')],
  objectives: [{ id: 'cost', with: ['crack'] }],
  inconclusive: { afterExtensions: 'hold', isTimedOut: false },
  closed: null,
  approvals: { needed: 0, given: [], approvers: [], startedBy: 'engineer', planHash: 'p' },
};

describe('an objective', () => {
  const with2 = (cost: Verdict['verdict'], crack: Verdict['verdict'], enforce: Verdict['enforce'] = 'hold') => [
    verdictOf('p95', 'pass'),
    verdictOf('cost', cost),
    verdictOf('crack/micro-crack', crack, { enforce }),
  ];

  it('lets the stage go when it and what it names are shown', () => {
    expect(decide(READY)).toMatchObject({ kind: 'promote' });
  });

  it.each([
    ['not shown', with2('inconclusive', 'pass'), 'objective cost is not shown yet: cost is inconclusive'],
    ['without figures', with2('no-data', 'pass'), 'objective cost is not shown yet: cost is no-data'],
    ['not judged at all', [verdictOf('p95', 'pass')], 'objective cost is not shown yet: not judged'],
    ['alone', with2('pass', 'inconclusive', 'observe'), 'objective cost asks for crack at the same look'],
  ])('holds it when it is %s', (_name, verdicts, reason) => {
    const decision = decide({ ...READY, verdicts });
    expect(decision).toMatchObject({ kind: 'hold', holdKind: 'inconclusive' });
    expect(decision.reason).toContain(reason);
    // The estimate alone is not enough, also where a stage is judged by it.
    expect(decide({ ...READY, verdicts, stage: { ...READY.stage, judge: 'noBreach' } }).kind).toBe('hold');
  });

  it('uses the extensions first', () => {
    expect(decide({ ...READY, verdicts: with2('inconclusive', 'pass'), extensionsLeft: 1 }).kind).toBe('extend');
  });

  it('is never broken: want of an improvement takes nobody back', () => {
    const wish = { ...guardrailOf('golden(map50) >= baseline + 2 pt'), objective: { with: [] } };
    const value = (share: number) => ({ share, objects: 2000 });
    const classes = [
      { hardwareClass: 'x', devices: 1, candidate: value(0.6), baseline: value(0.8), objects: 2000 },
    ] as const;
    const excluded = { partial: 0, switch: 0, settling: 0, camera: 0 };
    const evidence = { kind: 'golden' as const, classes, excluded, assigned: 1, controlsAvailable: 0, count: 2000 };
    expect(judge({ ...wish, objective: null }, evidence).verdict).toBe('breach');
    expect(judge(wish, evidence).verdict).toBe('inconclusive');
  });
});

describe('a stage that waits', () => {
  it('for the peak is not left before it is covered, and says what is missing', () => {
    const decision = decide({ ...READY, uncovered: 'the peak is not covered yet' });
    expect(decision).toMatchObject({ kind: 'wait', rule: 'bake', reason: 'baking: the peak is not covered yet' });
  });

  it('for a person names who is asked', () => {
    const asked = 'cv-team (primary) is asked to decide within 8h';
    const verdicts = [verdictOf('p95', 'inconclusive')];
    const decision = decide({ ...READY, objectives: [], verdicts, inconclusive: { ...READY.inconclusive, asked } });
    expect(decision.reason).toContain(asked);
  });

  it('for a signature says which, and the decision says that it was signed', () => {
    const stage = { ...READY.stage, promote: 'approval' as const };
    const approvals = { ...READY.approvals, needed: 1, signoff: 'shadow-report' };
    expect(decide({ ...READY, stage, approvals }).reason).toContain('0 of 1 approval of shadow-report');
    const person = { verb: 'approve' as const, actor: 'qa-lead', reason: 'read it', override: false, keep: false };
    const signed = decide({ ...READY, state: 'awaiting_approval', stage, approvals, request: person });
    expect(signed).toMatchObject({ kind: 'approve' });
    expect(signed.reason).toContain('qa-lead signed off shadow-report and approved stage half');
  });
});

describe('devices that go back by themselves', () => {
  const devices = ['a', 'b', 'c', 'd'];
  it('count together only within the time of the file', () => {
    const reverts = { ...READY.reverts, devices, percent: 20 };
    expect(decide({ ...READY, reverts: { ...reverts, recent: devices } })).toMatchObject({ rule: 'device-trip-wire' });
    expect(decide({ ...READY, reverts: { ...reverts, recent: ['d'] } }).rule).toBe('reverts');
  });

  it('go back all together when it is everybody, however long that took', () => {
    const reverts = { ...READY.reverts, devices, assigned: 4, recent: [] };
    expect(decide({ ...READY, reverts }).kind).toBe('rollback');
  });
});

describe('the peak', () => {
  const scheduleOf = (text: string) => {
    const file = `apiVersion: belay/v1
kind: Rollout
metadata: {name: r}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: a, backup: b}
  schedule: ${text}
  stages: [{name: full, percent: 100, bake: 60m}]
  guardrails: [{id: p95, expr: p95(latency_ms) <= baseline * 1.1, enforce: rollback}]
`;
    const read = readRolloutFile(file);
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    return read.value.spec.schedule;
  };
  const at = (text: string) => Date.parse(text);
  const asked = scheduleOf('{tz: Europe/Berlin, coverPeakShift: true, peak: ["mon-fri 08:00-10:00"]}');
  const uncovered = (from: string, to: string, schedule = asked) =>
    uncoveredPeak(schedule, ['plant-a'], { fromMs: at(from), nowMs: at(to) });

  it('is covered by the clock of the site, in one day or in parts of several', () => {
    // Berlin is at +1 in November.
    expect(uncovered('2026-11-23T07:00:00Z', '2026-11-23T09:00:00Z')).toBeNull();
    expect(uncovered('2026-11-23T08:00:00Z', '2026-11-24T08:00:00Z')).toBeNull();
  });

  it('is not covered by the hour beside it, nor by a Sunday', () => {
    expect(uncovered('2026-11-23T09:00:00Z', '2026-11-23T12:00:00Z')).toContain('nothing was seen at 08:00');
    expect(uncovered('2026-11-23T07:00:00Z', '2026-11-23T08:00:00Z')).toContain('nothing was seen at 09:00');
    expect(uncovered('2026-11-22T06:00:00Z', '2026-11-22T12:00:00Z')).toContain('mon-fri 08:00-10:00');
  });

  it('is the windows when the file names no other, and nothing where it does not ask', () => {
    const windows = scheduleOf('{tz: UTC, coverPeakShift: true, windows: ["daily 22:00-02:00"]}');
    expect(uncovered('2026-11-23T22:00:00Z', '2026-11-24T02:00:00Z', windows)).toBeNull();
    expect(uncovered('2026-11-23T22:00:00Z', '2026-11-24T01:30:00Z', windows)).toContain('01:30');
    const silent = scheduleOf('{tz: UTC, windows: ["daily 22:00-02:00"]}');
    expect(uncovered('2026-11-23T22:00:00Z', '2026-11-23T22:01:00Z', silent)).toBeNull();
  });
});

describe('what travels to a device', () => {
  const ref = (release: string, digit: string) => ({ release, digest: digit.repeat(64) });
  const placement = {
    ...{ baseline: ref('cv:1.0.0+data=a', 'b'), candidate: ref('cv:2.0.0+data=b', 'c'), rolloutId: 'r-1', stage: 's' },
    ...{
      sampleEvery: 5,
      limits: DEFAULT_LIMITS,
      lease: { ttlMs: 60_000, onLapse: 'revert' as const },
      requireWarm: false,
    },
    ...{ maxExtraLoadPct: 25, prewarm: { warmupFrames: 30, coldStartProbes: 5 } },
  };

  it('is the cap of a shadow, and how the candidate is warmed up', () => {
    const shadow = desiredInStage({ ...placement, role: 'shadow' }, null).candidate;
    expect(shadow).toMatchObject({ maxExtraLoadPct: 25, prewarm: { warmupFrames: 30, coldStartProbes: 5 } });
    expect(desiredInStage({ ...placement, role: 'serve' }, null).candidate).not.toHaveProperty('maxExtraLoadPct');
  });

  it('is what it always was where the file asks for nothing', () => {
    const plain = desiredInStage(
      { ...placement, role: 'shadow', maxExtraLoadPct: null, prewarm: null },
      null,
    ).candidate;
    expect(plain).not.toHaveProperty('maxExtraLoadPct');
    expect(plain).not.toHaveProperty('prewarm');
  });
});
