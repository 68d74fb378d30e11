// What a revision changes: every kind of change in a table, and the promises that no pair of files may break.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareRevisions } from '../../../shared/rollout/compare-revisions.ts';
import { readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';
import type { RolloutFile } from '../../../shared/rollout/rollout-file.ts';

type Words = {
  readonly stages?: readonly string[];
  readonly guardrails?: readonly string[];
  readonly more?: string;
  readonly head?: string;
};

const STAGES = [
  'name: some, percent: 25, bake: 1h',
  'name: half, percent: 50, bake: 1h',
  'name: full, percent: 100, bake: 1h',
];
const P95 = 'id: p95, expr: "p95(latency_ms) <= baseline * 1.2", enforce: rollback';

function fileOf({ stages = STAGES, guardrails = [P95], more = '', head = '' }: Words): RolloutFile {
  const read = readRolloutFile(`apiVersion: belay/v1
kind: Rollout
metadata: {name: r}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: team, backup: on-call${head}}
  stages:
${stages.map((stage) => `    - {${stage}}`).join('\n')}
  guardrails:
${guardrails.map((guardrail) => `    - {${guardrail}}`).join('\n')}
${more}`);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value;
}

const kinds = (before: Words, after: Words, reached: number | null = null) =>
  Object.fromEntries(compareRevisions(fileOf(before), fileOf(after), reached).map(({ path, kind }) => [path, kind]));

describe('compareRevisions', () => {
  it('tells tighter from looser, field by field', () => {
    const longer = STAGES.map((stage) => stage.replace('bake: 1h', 'bake: 2h'));
    expect(kinds({}, { stages: longer })).toEqual({
      'spec.stages.some.bake': 'tighten',
      'spec.stages.half.bake': 'tighten',
      'spec.stages.full.bake': 'tighten',
    });
    expect(kinds({}, { guardrails: [P95.replace('1.2', '1.1')] })).toEqual({ 'spec.guardrails.p95.expr': 'tighten' });
    expect(kinds({}, { guardrails: [P95.replace('1.2', '1.3')] })).toEqual({ 'spec.guardrails.p95.expr': 'loosen' });
    expect(kinds({}, { guardrails: [P95.replace('p95(', 'p99(')] })).toEqual({ 'spec.guardrails.p95.expr': 'loosen' });
    expect(kinds({}, { guardrails: [P95.replace('rollback', 'hold')] })).toEqual({
      'spec.guardrails.p95.enforce': 'loosen',
    });
    expect(kinds({}, { guardrails: [P95.replace('1.2', '1.20')] })).toEqual({ 'spec.guardrails.p95.expr': 'neutral' });
    expect(kinds({}, { more: '  limits: {temperatureCeilingC: 80, fpsFloor: 5}\n' })).toEqual({
      'spec.limits.temperatureCeilingC': 'tighten',
      'spec.limits.fpsFloor': 'tighten',
    });
    expect(kinds({}, { more: '  schedule: {tz: UTC, windows: ["daily 06:00-18:00"]}\n' })).toEqual({
      'spec.schedule': 'tighten',
    });
    expect(kinds({ head: ', approvers: [a, b]' }, { head: ', approvers: [a, b, c]' })).toEqual({
      'spec.owners.approvers': 'loosen',
    });
    expect(kinds({}, { more: '  abort: {onBreach: freeze}\n' })).toEqual({ 'spec.abort.onBreach': 'loosen' });
  });

  it('says it in words that name what, from and to', () => {
    const [change] = compareRevisions(fileOf({}), fileOf({ guardrails: [P95.replace('1.2', '1.1')] }));
    expect(change?.sentence).toBe('guardrails.p95.expr: p95 latency ≤ +20 % → p95 latency ≤ +10 % (tighter)');
    const [bake] = compareRevisions(
      fileOf({}),
      fileOf({ stages: [STAGES[0] ?? '', ...STAGES.slice(1)].map((s) => s.replace('25, bake: 1h', '25, bake: 30m')) }),
    );
    expect(bake?.sentence).toBe('stages.some.bake: 1h → 30m (not known to be tighter: needs approval)');
  });

  it('counts one gate more as tighter, unless it exposes earlier than before', () => {
    const gate = [STAGES[0] ?? '', 'name: third, percent: 33, bake: 1h', ...STAGES.slice(1)];
    expect(kinds({}, { stages: gate })).toEqual({ 'spec.stages.third': 'tighten' });
    expect(kinds({ stages: gate }, {})).toEqual({ 'spec.stages.third': 'loosen' });
    const shadow = ['name: shadow, percent: 100, bake: 1h, mode: shadow', ...STAGES];
    const early = ['name: early, percent: 1, bake: 1h', ...shadow];
    const guardrails = [P95, 'id: lost, expr: "rate(lost) <= 10 %", enforce: rollback'];
    expect(kinds({ stages: shadow, guardrails }, { stages: early, guardrails })).toEqual({
      'spec.stages.early': 'loosen',
    });
  });

  it('forbids candidate, cohort, name, and what has begun', () => {
    expect(kinds({}, { more: '  cohort: {salt: "fixed:x"}\n' })).toEqual({ 'spec.cohort': 'forbidden' });
    const swapped = ['name: half, percent: 25, bake: 1h', 'name: some, percent: 50, bake: 1h', STAGES[2] ?? ''];
    expect(kinds({}, { stages: swapped })).toEqual({ 'spec.stages': 'forbidden' });
    const smaller = STAGES.map((stage) => stage.replace('percent: 50', 'percent: 40'));
    expect(kinds({}, { stages: smaller }, 0)).toEqual({ 'spec.stages.half.percent': 'tighten' });
    expect(kinds({}, { stages: smaller }, 1)).toEqual({ 'spec.stages.half.percent': 'forbidden' });
    const longer = STAGES.map((stage) => stage.replace('25, bake: 1h', '25, bake: 2h'));
    expect(kinds({}, { stages: longer }, 0)).toEqual({ 'spec.stages.some.bake': 'tighten' });
    expect(kinds({}, { stages: longer }, 1)).toEqual({ 'spec.stages.some.bake': 'forbidden' });
    expect(kinds({}, { stages: STAGES.slice(1) }, 0)).toEqual({ 'spec.stages': 'forbidden' });
  });
});

describe('a file with factoryScope', () => {
  it('must judge factories on their own', () => {
    const abort = '  abort: {factoryScope: true}\n';
    expect(kinds({}, { more: abort })).toEqual({ 'spec.abort.factoryScope': 'loosen' });
    expect(() => fileOf({ more: `${abort}  analysis: {slices: [overall]}\n` })).toThrow(/among analysis.slices/);
  });
});

const anyStages = fc
  .record({
    bakes: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    percent: fc.integer({ min: 30, max: 60 }),
    extend: fc.constantFrom('', ', extend: 1x10m', ', extend: 2x10m', ', extend: 2x20m'),
    promote: fc.constantFrom('', ', promote: manual', ', promote: approval', ', promote: approval, approvals: 2'),
    extra: fc.boolean(),
    holdback: fc.constantFrom('', ', holdback: 10%', ', holdback: 20%'),
  })
  .map(({ bakes: [a, b, c], percent, extend, promote, extra, holdback }) => [
    `name: some, percent: 25, bake: ${a}h${extend}`,
    ...(extra ? ['name: extra, percent: 30, bake: 1h'] : []),
    `name: half, percent: ${percent}, bake: ${b}h${promote}${holdback}`,
    `name: full, percent: 100, bake: ${c}h`,
  ]);

const anyGuardrails = fc
  .record({
    limit: fc.constantFrom('1.1', '1.2', '1.3'),
    quantile: fc.constantFrom('p95', 'p99'),
    enforce: fc.constantFrom('rollback', 'hold', 'observe'),
    lasting: fc.constantFrom('', ', for: 5m', ', for: 10m'),
    stages: fc.constantFrom('', ', stages: [some, half]', ', stages: [half]'),
    errors: fc.constantFrom('', '0.5', '1'),
  })
  .map(({ limit, quantile, enforce, lasting, stages, errors }) => [
    'id: base, expr: "p50(latency_ms) <= baseline * 1.5", enforce: rollback',
    `id: tail, expr: "${quantile}(latency_ms) <= baseline * ${limit}", enforce: ${enforce}${lasting}${stages}`,
    ...(errors === '' ? [] : [`id: errors, expr: "rate(errors, frames) <= ${errors} %", enforce: ${enforce}`]),
  ]);

const anyFile = fc
  .record({
    stages: anyStages,
    guardrails: anyGuardrails,
    head: fc.constantFrom('', ', approvers: [a, b]', ', approvers: [a, b, c]', ', approvers: [c, d]'),
    more: fc
      .tuple(
        fc.constantFrom(
          '',
          '  abort: {onBreach: freeze}\n',
          '  abort: {cooldown: 1h}\n',
          '  abort: {deviceReverts: {percent: 5}}\n',
        ),
        fc.constantFrom('', '  limits: {fpsFloor: 8}\n', '  limits: {fpsFloor: 9, temperatureCeilingC: null}\n'),
        fc.constantFrom(
          '',
          '  schedule: {tz: UTC, freeze: ["2026-12-24"]}\n',
          '  schedule: {tz: UTC, windows: ["daily 06:00-18:00"], freeze: ["2026-12-24"]}\n',
        ),
        fc.constantFrom('', '  lease: {ttl: 5m}\n', '  lease: {sites: {plant-b: {ttl: 4h, onLapse: hold}}}\n'),
        fc.constantFrom('', '  cohort: {minPerFactory: 2}\n'),
      )
      .map((parts) => parts.join('')),
  })
  .map(fileOf);
const RUNS = { numRuns: 150, seed: 20 };

const byPath = (before: RolloutFile, after: RolloutFile) =>
  new Map(compareRevisions(before, after).map(({ path, kind }) => [path, kind]));

describe('any two files', () => {
  it('differ in nothing from themselves', () => {
    fc.assert(
      fc.property(anyFile, (file) => {
        expect(compareRevisions(file, structuredClone(file))).toEqual([]);
      }),
      RUNS,
    );
  });

  it('are looser one way where they are tighter the other way, and the rest reads the same both ways', () => {
    let tightened = 0;
    fc.assert(
      fc.property(anyFile, anyFile, (a, b) => {
        const [there, back] = [byPath(a, b), byPath(b, a)];
        expect([...back.keys()].sort()).toEqual([...there.keys()].sort());
        const tighter = [...there].filter(([, kind]) => kind === 'tighten');
        const same = [...there].filter(([, kind]) => kind === 'forbidden' || kind === 'neutral');
        tightened += tighter.length;
        for (const [path] of tighter) expect([path, back.get(path)]).toEqual([path, 'loosen']);
        for (const [path, kind] of same) expect([path, back.get(path)]).toEqual([path, kind]);
      }),
      RUNS,
    );
    expect(tightened).toBeGreaterThan(150);
  });

  it('that nobody need approve never add up to a change that somebody must', () => {
    const isFree = (changes: ReadonlyMap<string, string>) =>
      [...changes.values()].every((kind) => kind === 'tighten' || kind === 'neutral');
    const close = fc
      .record({
        bake: fc.integer({ min: 1, max: 3 }),
        extra: fc.boolean(),
        limit: fc.constantFrom('1.1', '1.2', '1.3'),
        errors: fc.constantFrom('', 'observe', 'hold', 'rollback'),
        more: fc.constantFrom('', '  limits: {fpsFloor: 8}\n', '  limits: {fpsFloor: 9}\n'),
      })
      .map(({ bake, extra, limit, errors, more }) =>
        fileOf({
          stages: [
            `name: some, percent: 25, bake: ${bake}h`,
            ...(extra ? ['name: extra, percent: 30, bake: 1h'] : []),
            'name: full, percent: 100, bake: 1h',
          ],
          guardrails: [
            P95.replace('1.2', limit),
            ...(errors === '' ? [] : [`id: errors, expr: "rate(errors, frames) <= 1 %", enforce: ${errors}`]),
          ],
          more,
        }),
      );
    const files = fc.sample(close, { numRuns: 40, seed: 21 });
    const steps = files.map((a) => files.filter((b) => a !== b && isFree(byPath(a, b))));
    const chains = files.flatMap((a, i) =>
      (steps[i] ?? []).flatMap((b) => (steps[files.indexOf(b)] ?? []).map((c) => isFree(byPath(a, c)))),
    );
    expect(chains.length).toBeGreaterThan(20);
    expect(chains.every(Boolean)).toBe(true);
  });
});
