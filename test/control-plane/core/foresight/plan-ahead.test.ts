// Parity, expected finish, conflicts: what a plan tells besides who.
import { describe, expect, it } from 'vitest';
import { conflictsOf } from '../../../../control-plane/core/foresight/conflicts.ts';
import { expectFinish } from '../../../../control-plane/core/foresight/expected-finish.ts';
import { parityOf, worstDifference } from '../../../../control-plane/core/foresight/parity.ts';
import { readRolloutFile } from '../../../../shared/rollout/read-rollout-file.ts';
import { plan } from '../../cli/recorded-documents.ts';

function specOf(more = '') {
  const read = readRolloutFile(`apiVersion: belay/v1
kind: Rollout
metadata: {name: ahead}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: vision-team, backup: on-call}
  cohort: {pin: {candidate: [cam-x]}}
${more}
  analysis: {settle: 0m}
  stages:
    - {name: first, percent: 50, bake: 4h, extend: 1x2h}
    - {name: full, percent: 100, bake: 2h, promote: approval}
  guardrails: [{id: p95, expr: p95(latency_ms) <= baseline * 1.2, enforce: rollback}]
`);
  if (!read.ok) throw new TypeError(JSON.stringify(read.problems));
  return read.value.spec;
}

const HOUR = 3_600_000;

describe('parity', () => {
  const of = (candidates: readonly object[], controls: readonly object[]) =>
    parityOf({ stage: 's', candidates: candidates as never, controls: controls as never });

  it('is the difference of the means in standard deviations, and is marked beyond 0.25', () => {
    const controls = [10, 12, 14, 16].map((p95) => ({ p95 }));
    const same = of([{ p95: 12 }, { p95: 14 }], controls);
    expect(same.rows).toMatchObject([{ trait: 'p95', difference: 0, isFar: false }]);
    const far = of([{ p95: 17 }, { p95: 19 }], controls);
    // Means 18 and 13; variances 2 and 20/3.
    expect(far.rows[0]?.difference).toBeCloseTo(5 / Math.sqrt((2 + 20 / 3) / 2), 3);
    expect(far.rows[0]).toMatchObject({ candidates: '18', controls: '13', isFar: true });
  });

  it('takes the word that differs most', () => {
    const arm = (orin: number, x86: number) => [
      ...Array.from({ length: orin }, () => ({ hardware: 'orin' })),
      ...Array.from({ length: x86 }, () => ({ hardware: 'x86' })),
    ];
    expect(worstDifference(of(arm(5, 5), arm(10, 10)))).toBe(0);
    const { rows } = of(arm(9, 1), arm(5, 5));
    expect(rows[0]?.difference).toBeCloseTo(0.4 / Math.sqrt((0.09 + 0.25) / 2), 3);
  });

  it('says nothing of what nobody knows, or all share', () => {
    expect(of([{ firmware: null, agent: '1.0' }], [{ firmware: null, agent: '1.0' }]).rows).toEqual([]);
  });
});

describe('the expected finish', () => {
  it('adds bakes, and extensions for the latest; names the stages that a person ends', () => {
    const finish = expectFinish(specOf(), ['plant-a'], 0);
    expect([finish.soonestAtMs, finish.latestAtMs]).toEqual([6 * HOUR, 8 * HOUR]);
    expect(finish.stages.map(({ needsPerson }) => needsPerson)).toEqual([false, true]);
    expect(finish.zones).toEqual({ 'plant-a': 'UTC' });
  });

  it('waits for windows in the time of the sites, and over a freeze', () => {
    const schedule =
      '  schedule: {tz: Europe/Berlin, windows: ["mon-fri 08:00-12:00"], freeze: ["2026-03-03/2026-03-03"]}';
    // Monday 2026-03-02, 09:00 in Berlin.
    const mondayMs = Date.UTC(2026, 2, 2, 8);
    const finish = expectFinish(specOf(schedule), ['plant-a'], mondayMs);
    expect(finish.stages[0]).toMatchObject({ startsAtMs: mondayMs, waits: null });
    // It bakes until 13:00; Tuesday is frozen.
    expect(finish.stages[1]?.startsAtMs).toBe(Date.UTC(2026, 2, 4, 7));
    expect(finish.stages[1]?.waits).toContain('opens in');
    expect(finish.soonestAtMs).toBe(Date.UTC(2026, 2, 4, 9));
  });

  it('is never, where the calendar never opens for all sites at once', () => {
    const schedule =
      '  schedule: {tz: factory, sites: {plant-a: Europe/Berlin, plant-b: America/Los_Angeles}, windows: ["mon-fri 08:00-09:00"]}';
    expect(expectFinish(specOf(schedule), ['plant-a', 'plant-b'], 0).soonestAtMs).toBeNull();
  });
});

describe('conflicts', () => {
  const facts = () => {
    const spec = specOf();
    const finish = expectFinish(spec, ['plant-a'], 0);
    return { plan: plan(), cohort: spec.cohort, finish, running: [], kill: null, cooldowns: [] };
  };

  it('tells a rollout that has the same devices from one that has others of the same model, and from one of another model', () => {
    const device = { site: 'plant-a', device: 'cam-a1', hardwareClass: 'x86', line: null, position: 0, baseline: null };
    const planned = plan({ devices: [{ ...device, pin: null, online: true, blocked: [] }] });
    const elsewhere = [{ site: 'plant-z', device: 'cam-z' }];
    const running = [
      { id: 'r-1', state: 'running', candidate: 'cv-detector:1.9.0', devices: [device] },
      { id: 'r-2', state: 'holding', candidate: 'cv-detector:1.9.0', devices: elsewhere },
      { id: 'r-3', state: 'running', candidate: 'ocr-reader:1.0.0', devices: elsewhere },
    ];
    const found = conflictsOf({ ...facts(), plan: planned, running }).filter(({ kind }) => kind === 'rollout');
    expect(found).toMatchObject([
      { blocks: true, text: expect.stringContaining('r-1') },
      { blocks: false, text: expect.stringContaining('plant-z') },
    ]);
  });

  it('names kills, cool-downs and pins that point nowhere', () => {
    const found = conflictsOf({ ...facts(), kill: 'killed by kill-1', cooldowns: ['cool-down until noon'] });
    expect(found.map(({ kind, blocks }) => [kind, blocks])).toEqual([
      ['kill', true],
      ['cooldown', true],
      ['pin', false],
    ]);
    expect(found[2]?.text).toContain('cam-x');
  });
});
