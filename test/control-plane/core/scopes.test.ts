// What a stage makes of the evidence: error shared over stages and slices, finished windows, absolute limits without the worst device.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DeviceChange, type Evidence, gatherEvidence } from '../../../control-plane/core/evidence.ts';
import type { DeviceHistory } from '../../../control-plane/core/history.ts';
import { judge, STANDARD_RULE } from '../../../control-plane/core/judge.ts';
import { scatterOf } from '../../../control-plane/core/scatter.ts';
import { judgeScopes, type Slice, slicesOf } from '../../../control-plane/core/slices.ts';
import { alphaOf } from '../../../control-plane/core/stage-rule.ts';
import { expandGuardrails } from '../../../shared/rollout/guardrails.ts';
import { readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';
import {
  armOf,
  CANDIDATE,
  gaussian,
  guardrailOf,
  historyOf,
  STAGE_QUESTION,
  START_MS,
  seeded,
  selectCandidate,
  WINDOW_MS,
  windowOf,
} from './builders.ts';

const P95 = guardrailOf('p95(latency_ms) <= baseline * 1.10');

type FleetOf = {
  readonly devices: number;
  readonly candidates: number;
  readonly effect: (index: number) => number;
  readonly random: () => number;
};

/** Changes of devices of two hardware classes that differ by 5 % by themselves. */
function changesOf({ devices, candidates, effect, random }: FleetOf): Extract<Evidence, { kind: 'changes' }> {
  const all = Array.from({ length: devices }, (_, index): DeviceChange => {
    const change = 0.05 * gaussian(random) + (index < candidates ? effect(index) : 0);
    const hardwareClass = index % 2 === 0 ? 'orin-nx' : 'x86';
    return { site: 'plant-a', device: `d${index}`, hardwareClass, change, since: scatterOf([]), before: scatterOf([]) };
  });
  return {
    kind: 'changes',
    basis: 'self',
    candidates: all.slice(0, candidates),
    controls: all.slice(candidates),
    excluded: { partial: 0, switch: 0, settling: 0, camera: 0 },
    assigned: candidates,
    controlsAvailable: devices - candidates,
    count: 1000,
  };
}

const BOTH: readonly Slice[] = slicesOf(
  ['overall', 'hardwareClass'],
  [
    { site: 'plant-a', hardwareClass: 'orin-nx' },
    { site: 'plant-a', hardwareClass: 'x86' },
  ],
);

describe('slices', () => {
  it('are the parts that differ from the whole: several classes, several sites of some size', () => {
    const at = (site: string, hardwareClass: string, count: number) =>
      Array.from({ length: count }, () => ({ site, hardwareClass }));
    const names = (wanted: string[], devices: { site: string; hardwareClass: string }[]) =>
      slicesOf(wanted, devices).map(({ name }) => name);
    const fleet = [...at('plant-a', 'orin-nx', 9), ...at('plant-b', 'x86', 3)];
    expect(names(['overall', 'hardwareClass', 'factory>=8'], fleet)).toEqual(['orin-nx', 'x86', 'plant-a']);
    expect(names(['overall', 'factory'], fleet)).toEqual(['plant-a', 'plant-b']);
    expect(names(['overall'], fleet)).toEqual([]);
    expect(names(['overall', 'hardwareClass', 'factory>=8'], at('plant-a', 'x86', 20))).toEqual([]);
  });

  it('find a fault of one class that the mean hides, and name it', () => {
    const isSlow = (index: number) => (index % 2 === 0 ? Math.log(1.3) : -0.05);
    const found = Array.from({ length: 40 }, (_, seed) => {
      const evidence = changesOf({ devices: 200, candidates: 16, effect: isSlow, random: seeded(seed + 1) });
      return {
        whole: judge(P95, evidence),
        scoped: judgeScopes(P95, evidence, { ...STANDARD_RULE, slices: BOTH }),
      };
    });
    expect(found.filter(({ whole }) => whole.verdict === 'breach').length).toBeLessThan(5);
    const named = found.filter(({ scoped }) => scoped.verdict === 'breach' && scoped.slice === 'orin-nx');
    expect(named.length).toBeGreaterThanOrEqual(38);
    expect(named[0]?.scoped.sentence).toContain('p95 latency on orin-nx +');
    expect(named[0]?.scoped.slices?.map(({ slice, n }) => [slice, n])).toEqual([
      ['orin-nx', 8],
      ['x86', 8],
    ]);
  });

  it('of one device are shown and not judged', () => {
    const only = (index: number) => (index === 0 ? 3 : 0);
    const evidence = changesOf({ devices: 40, candidates: 2, effect: only, random: seeded(1) });
    const verdict = judgeScopes(P95, evidence, { ...STANDARD_RULE, slices: BOTH });
    expect(verdict.slices?.every((slice) => slice.verdict === 'no-data')).toBe(true);
    expect(verdict.slice).toBe(null);
  });

  it('with hardly a control left do not stop a good candidate: two that drift together are no measure for many', () => {
    const near = Math.log(1.05);
    const isStopped = (seed: number) => {
      const evidence = changesOf({ devices: 42, candidates: 40, effect: () => near, random: seeded(seed + 1) });
      return judgeScopes(P95, evidence, { ...STANDARD_RULE, slices: BOTH }).verdict === 'breach';
    };
    expect(Array.from({ length: 300 }, (_, seed) => isStopped(seed)).filter(Boolean)).toHaveLength(0);
  });

  it('share the error that is allowed', () => {
    const evidence = changesOf({ devices: 40, candidates: 8, effect: () => 0, random: seeded(2) });
    const verdict = judgeScopes(P95, evidence, { ...STANDARD_RULE, alpha: 0.03, slices: BOTH });
    expect(verdict.alpha).toBeCloseTo(0.015, 9);
  });

  it('leave to each class what it has, however many sites there are', () => {
    const isSlow = (index: number) => (index % 2 === 0 ? 3 : 0);
    const evidence = changesOf({ devices: 60, candidates: 16, effect: isSlow, random: seeded(3) });
    const sites = Array.from({ length: 20 }, (_, at) => ({ site: `plant-${at}`, hardwareClass: 'x86' }));
    const many = [...BOTH, ...slicesOf(['factory>=1'], sites)];
    const alphaWith = (slices: readonly Slice[]) =>
      judgeScopes(P95, evidence, { ...STANDARD_RULE, alpha: 0.04, slices }).alpha;
    expect(alphaWith(BOTH)).toBeCloseTo(0.01, 9);
    expect(alphaWith(many)).toBeCloseTo(0.005, 9);
  });

  it('believe few devices that happen to agree less than the whole does: they are one of several that are tried', () => {
    const few = { n: 3, devices: 60 };
    const evidence = changesOf({ devices: few.devices, candidates: few.n, effect: () => 0, random: seeded(4) });
    const rangeOf = (slice: string | null) => {
      const { low, high } = judge(P95, evidence, { ...STANDARD_RULE, slice });
      return (high ?? 0) - (low ?? 0);
    };
    expect(rangeOf('orin-nx')).toBeGreaterThan(rangeOf(null) * 1.02);
  });
});

describe('the rule of a stage', () => {
  const FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: r}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: team, backup: on-call}
  stages:
    - {name: selftest, percent: 100, mode: golden, bake: 1m}
    - {name: shadow, percent: 100, mode: shadow, bake: 1h}
    - {name: half, percent: 50, bake: 1h}
    - {name: full, percent: 100, bake: 1h}
  analysis: {falseRollback: 0.06}
  guardrails:
    - {id: p95, expr: "p95(latency_ms) <= baseline * 1.2", enforce: rollback}
    - {id: lost, expr: "rate(lost) <= 10 %", enforce: rollback}
    - {id: oom, events: [oom, crash, revert], test: incident, tolerated: 1.5x, enforce: rollback}
`;
  const read = readRolloutFile(FILE);

  it('splits the error of the rollout over the stages that judge the guardrail', () => {
    if (!read.ok) throw new Error(JSON.stringify(read));
    const { spec } = read.value;
    const { guardrails } = expandGuardrails(spec, []);
    expect(guardrails.map((guardrail) => alphaOf(guardrail, spec))).toEqual([0.03, 0.02, 0.02]);
    expect(guardrails[2]).toMatchObject({
      title: 'incidents (oom, crash, revert)',
      limitText: '≤ 1.5 × its share',
      incident: { kinds: ['oom', 'crash', 'revert'], tolerated: 1.5 },
    });
  });

  it.each([
    ['events: [oom], test: incident', 'test: incident', 'needs "events"'],
    ['events: [oom], test: incident', 'expr: "rate(lost) <= 5 %", events: [oom]', 'give "expr" or "events", not both'],
    ['events: [oom], test: incident', '', 'needs "expr" (a measure and its limit) or "events" (incidents)'],
    ['events: [oom], test: incident', 'events: [flood]', 'events'],
    ['events: [oom], test: incident', 'expr: "rate(incidents) <= 1 %"', 'unknown metric "incidents"'],
  ])('refuses a guardrail on incidents with %s turned into %s', (given, wrong, message) => {
    const changed = FILE.replace('events: [oom, crash, revert], test: incident, tolerated: 1.5x, ', `${given}, `);
    const text = changed.replace(`${given}, `, wrong === '' ? '' : `${wrong}, `);
    const result = readRolloutFile(text);
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result)).toContain(message.replaceAll('"', '\\"'));
  });
});

describe('windows', () => {
  const finished = (effect: number, seed: number) => ({
    evidence: changesOf({ devices: 200, candidates: 12, effect: () => effect, random: seeded(seed) }),
    number: 5,
    fromMs: START_MS,
    toMs: START_MS + 15 * WINDOW_MS,
  });
  const quiet = changesOf({ devices: 200, candidates: 12, effect: () => 0.06, random: seeded(99) });

  it('find what set in late, which the whole stage dilutes', () => {
    const verdicts = Array.from({ length: 40 }, (_, seed) =>
      judge(P95, quiet, { ...STANDARD_RULE, windows: { planned: 8, finished: finished(Math.log(1.25), seed) } }),
    );
    const found = verdicts.filter(({ verdict, boundary }) => verdict === 'breach' && boundary === 'window 5');
    expect(found.length).toBeGreaterThan(34);
    expect(found[0]?.sentence).toContain('in a window of 15 min');
    expect(judge(P95, quiet).verdict).not.toBe('breach');
  });

  it('alarm no more often than they may when the change is exactly at the limit', () => {
    const alarms = Array.from({ length: 300 }, (_, seed) =>
      judge(P95, quiet, { ...STANDARD_RULE, windows: { planned: 1, finished: finished(Math.log(1.1), seed) } }),
    ).filter(({ verdict }) => verdict === 'breach');
    expect(alarms.length).toBeLessThanOrEqual(6);
  });
});

describe('absolute limits', () => {
  const errorsOf = (counts: readonly number[]): readonly DeviceHistory[] =>
    counts.map((exception, d) => ({
      ...historyOf(`dev-${d}00`),
      since: Array.from({ length: 10 }, (_w, w) =>
        windowOf({
          seq: w + 1,
          startAtMs: START_MS + w * WINDOW_MS,
          arms: [armOf({ digest: CANDIDATE, role: 'candidate', errors: { exception } })],
        }),
      ),
    }));
  const judgeErrors = (counts: readonly number[], ignoreWorstDevices: number | null = null) => {
    const guardrail = { ...guardrailOf('rate(errors, frames) <= 0.5 %'), ignoreWorstDevices };
    const candidates = errorsOf(counts).map((history) => selectCandidate(history, STAGE_QUESTION));
    const facts = { candidates, controls: [], assigned: counts.length, golden: [] };
    return judge(guardrail, gatherEvidence(guardrail, facts));
  };

  it('are not broken by one device, however bad; nor passed over it', () => {
    expect(judgeErrors([60, 0, 0, 0, 0, 0]).verdict).toBe('inconclusive');
    expect(judgeErrors([60, 0, 0, 0, 0, 0], 0).verdict).toBe('breach');
  });

  it('are broken by several, and say that the worst was left out', () => {
    const verdict = judgeErrors([60, 8, 8, 8, 8, 8]);
    expect(verdict).toMatchObject({ verdict: 'breach', boundary: 'last window', n: 5 });
    expect(verdict.sentence).toContain('without the worst device');
    expect(judgeErrors([60, 8, 8, 8, 8, 8], 5).sentence).toContain('without the worst 5 devices');
  });

  it('leave nobody out of two', () => {
    expect(judgeErrors([30, 30]).n).toBe(2);
    expect(judgeErrors([30, 30]).verdict).toBe('breach');
  });

  it('are not broken by what counting alone explains', () => {
    expect(judgeErrors([2, 2, 2, 2, 1, 1]).verdict).not.toBe('breach');
  });
});

describe('properties of a verdict', () => {
  const runs = { seed: 7, numRuns: 60 };
  const fleets = fc.record({
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    candidates: fc.integer({ min: 1, max: 14 }),
    effect: fc.double({ min: -0.2, max: 0.6, noNaN: true }),
  });

  it('a worse candidate is never judged better: breach stays breach, and pass was pass before', () => {
    fc.assert(
      fc.property(fleets, fc.double({ min: 0, max: 0.5, noNaN: true }), ({ seed, candidates, effect }, worse) => {
        const at = (shift: number) =>
          judge(P95, changesOf({ devices: 40, candidates, effect: () => effect + shift, random: seeded(seed) }))
            .verdict;
        if (at(0) === 'breach') expect(at(worse)).toBe('breach');
        if (at(worse) === 'pass') expect(at(0)).toBe('pass');
      }),
      runs,
    );
  });

  it('the order and the names of the controls do not matter', () => {
    fc.assert(
      fc.property(fleets, ({ seed, candidates, effect }) => {
        const evidence = changesOf({ devices: 40, candidates, effect: () => effect, random: seeded(seed) });
        const shuffled = evidence.controls.toReversed().map((control, i) => ({ ...control, device: `x${i}` }));
        const [before, after] = [judge(P95, evidence), judge(P95, { ...evidence, controls: shuffled })];
        expect(after.verdict).toBe(before.verdict);
        expect(after.estimate).toBeCloseTo(before.estimate ?? Number.NaN, 3);
      }),
      runs,
    );
  });

  it('without data nothing passes, whatever is missing', () => {
    fc.assert(
      fc.property(fleets, fc.constantFrom('candidates', 'controls', 'minutes'), ({ seed, candidates, effect }, gap) => {
        const evidence = changesOf({ devices: 40, candidates, effect: () => effect, random: seeded(seed) });
        const thin = {
          candidates: { ...evidence, candidates: [] },
          controls: { ...evidence, controls: [] },
          minutes: { ...evidence, evaluated: 0 },
        }[gap];
        expect(judge(P95, thin).verdict).not.toBe('pass');
      }),
      runs,
    );
  });
});
