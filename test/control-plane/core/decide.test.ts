// The precedence table, every edge of it, and the promise that missing evidence never promotes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, firstProgress, type Progress } from '../../../control-plane/core/advance.ts';
import { type DecideFacts, decide, type PersonRequest, PRECEDENCE } from '../../../control-plane/core/decide.ts';
import { readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';
import type { Verdict } from '../../../shared/rollout/verdict.ts';

function verdictOf(input: Partial<Verdict> = {}): Verdict {
  return {
    guardrail: 'p95',
    title: 'p95 latency',
    limitText: '≤ +10 %',
    enforce: 'rollback',
    verdict: 'pass',
    sentence: `p95 latency is ${input.verdict ?? 'pass'}`,
    n: 4,
    controls: 8,
    level: 'site and hardware',
    spread: 'between devices',
    estimate: 1,
    low: -1,
    high: 3,
    limitLow: null,
    limitHigh: 10,
    unit: '%',
    count: 1000,
    minimums: [],
    excluded: {},
    blind: [],
    ...input,
  };
}

const READY: DecideFacts = {
  nowMs: 1000,
  state: 'running',
  phase: 'baking',
  holdKind: null,
  stage: { name: 'small', isLast: false, promote: 'auto', judge: 'range' },
  lookAtMs: 1000,
  extensionsLeft: 0,
  extendMs: 60_000,
  kill: null,
  reverts: { devices: [], exposed: 10, assigned: 10, percent: 10, min: 3 },
  request: null,
  verdicts: [verdictOf()],
  sustained: new Set(),
  missing: null,
  pending: null,
  exposed: 10,
  onBreach: 'rollback',
  factories: null,
  inconclusive: { afterExtensions: 'hold', isTimedOut: false },
  closed: null,
  approvals: { needed: 0, given: [], approvers: [], startedBy: 'engineer', planHash: 'p' },
};

const person = (verb: PersonRequest['verb'], more: Partial<PersonRequest> = {}): PersonRequest => ({
  verb,
  actor: 'on-call',
  reason: 'because',
  override: false,
  keep: false,
  ...more,
});

const breach = (enforce: Verdict['enforce']) => ({
  verdicts: [verdictOf({ enforce, verdict: 'breach' })],
  sustained: new Set(['p95']),
});

const reverted = (count: number) => ({
  reverts: { ...READY.reverts, devices: Array.from({ length: count }, (_, i) => `plant-a/d${i}`) },
});

describe('decide', () => {
  it.each<[string, Partial<DecideFacts>, string, string, string]>([
    ['everything passes at the look', {}, 'promote', 'promote', 'running'],
    [
      'everything passes at the last stage',
      { stage: { ...READY.stage, isLast: true } },
      'complete',
      'promote',
      'running',
    ],
    ['the bake is not over', { lookAtMs: 2000 }, 'wait', 'bake', 'running'],
    [
      'devices are still switching',
      { phase: 'settling', lookAtMs: null, pending: 'd1 is loading' },
      'wait',
      'settling',
      'running',
    ],
    ['a device lags behind at the look', { pending: 'd1 is loading' }, 'hold', 'evidence', 'holding'],
    ['a guardrail has no evidence', { verdicts: [verdictOf({ verdict: 'no-data' })] }, 'hold', 'evidence', 'holding'],
    [
      'an extension is left',
      { verdicts: [verdictOf({ verdict: 'inconclusive' })], extensionsLeft: 1 },
      'extend',
      'evidence',
      'running',
    ],
    [
      'only an observed guardrail is open',
      { verdicts: [verdictOf({ enforce: 'observe', verdict: 'breach' })] },
      'promote',
      'promote',
      'running',
    ],
    [
      'the stage is promoted by hand',
      { stage: { ...READY.stage, promote: 'manual' } },
      'hold',
      'approval',
      'awaiting_approval',
    ],
    [
      'it waits for approval',
      { state: 'awaiting_approval', stage: { ...READY.stage, promote: 'manual' } },
      'wait',
      'approval',
      'awaiting_approval',
    ],
    [
      'a person approves',
      { state: 'awaiting_approval', stage: { ...READY.stage, promote: 'manual' }, request: person('promote') },
      'promote',
      'person-promote',
      'running',
    ],
    [
      'evidence is lost while it waits for approval',
      { state: 'awaiting_approval', verdicts: [verdictOf({ verdict: 'no-data' })] },
      'wait',
      'evidence',
      'running',
    ],
    ['a breach rolls back', breach('rollback'), 'rollback', 'guardrail-breach', 'rolling_back'],
    ['a breach holds', breach('hold'), 'hold', 'guardrail-breach', 'holding'],
    [
      'a breach has not lasted long enough',
      { ...breach('rollback'), sustained: new Set<string>() },
      'hold',
      'evidence',
      'holding',
    ],
    [
      'a breach while held rolls back',
      { ...breach('rollback'), state: 'holding', holdKind: 'person' },
      'rollback',
      'guardrail-breach',
      'rolling_back',
    ],
    ['three of ten devices went back', reverted(3), 'rollback', 'device-trip-wire', 'rolling_back'],
    ['two of ten devices went back: over the share, under the number', reverted(2), 'hold', 'reverts', 'holding'],
    ['one of ten devices went back', reverted(1), 'promote', 'promote', 'running'],
    [
      'the only device went back',
      { reverts: { devices: ['d0'], exposed: 1, assigned: 1, percent: 10, min: 3 } },
      'rollback',
      'device-trip-wire',
      'rolling_back',
    ],
    ['devices are silent', { missing: '3 devices are silent' }, 'hold', 'missing-data', 'holding'],
    [
      'a person holds what is held for silent devices',
      { state: 'holding', holdKind: 'missing-data', missing: '3 devices are silent', request: person('hold') },
      'hold',
      'person-hold',
      'holding',
    ],
    [
      'a person holds while some devices went back by themselves',
      { ...reverted(2), request: person('hold') },
      'hold',
      'person-hold',
      'holding',
    ],
    ['silent devices are back', { state: 'holding', holdKind: 'missing-data' }, 'wait', 'held', 'running'],
    ['held by a person', { state: 'holding', holdKind: 'person' }, 'wait', 'held', 'holding'],
    ['a kill', { kill: 'killed (k1)' }, 'hold', 'kill', 'holding'],
    ['re-armed, and nobody resumed', { state: 'holding', holdKind: 'killed' }, 'wait', 'held', 'holding'],
    [
      'resumed by a person',
      { state: 'holding', holdKind: 'killed', request: person('resume') },
      'wait',
      'person-hold',
      'running',
    ],
    [
      'rolled back by a person while killed',
      { kill: 'killed', request: person('rollback') },
      'rollback',
      'person-abort',
      'rolling_back',
    ],
    ['ended with devices kept', { request: person('abort', { keep: true }) }, 'rollback', 'person-abort', 'aborted'],
    ['promoted by a person early', { lookAtMs: 2000, request: person('promote') }, 'wait', 'person-promote', 'running'],
    [
      'promoted by a person early, over the evidence',
      { lookAtMs: 2000, request: person('promote', { override: true }) },
      'promote',
      'person-promote',
      'running',
    ],
    [
      'promoted out of doubt with override',
      {
        state: 'holding',
        holdKind: 'inconclusive',
        verdicts: [verdictOf({ verdict: 'no-data' })],
        request: person('promote', { override: true }),
      },
      'promote',
      'person-promote',
      'running',
    ],
  ])('%s', (...[, facts, kind, rule, to]) => {
    expect(decide({ ...READY, ...facts })).toMatchObject({ kind, rule, to });
  });

  it('keeps its precedence as one table with promotion last', () => {
    expect(PRECEDENCE.map(({ name }) => name)).toEqual([
      'kill',
      'device-trip-wire',
      'person-abort',
      'guardrail-breach',
      'missing-data',
      'reverts',
      'person-hold',
      'person-approve',
      'held',
      'schedule',
      'person-promote',
      'settling',
      'bake',
      'evidence',
      'approval',
      'promote',
    ]);
  });

  it('lets no promotion, not even an override, outrank a kill, a trip-wire, a breach or missing devices', () => {
    const above: Partial<DecideFacts>[] = [
      { kill: 'killed' },
      reverted(3),
      breach('rollback'),
      breach('hold'),
      // A breach that has not lasted as long as its guardrail says is one all the same.
      { ...breach('rollback'), sustained: new Set<string>() },
      { missing: 'silent' },
    ];
    for (const facts of above) {
      for (const override of [true, false]) {
        const decision = decide({ ...READY, ...facts, request: person('promote', { override }) });
        expect(['promote', 'complete']).not.toContain(decision.kind);
      }
    }
  });

  it('says of a kill and a breach together: kill', () => {
    expect(decide({ ...READY, ...breach('rollback'), kill: 'killed' }).rule).toBe('kill');
  });
});

const anyVerdict = fc.constantFrom<Verdict['verdict'][]>('pass', 'pass', 'pass', 'breach', 'inconclusive', 'no-data');
const anyFacts = fc
  .record({
    verdicts: fc.array(anyVerdict, { minLength: 1, maxLength: 5 }),
    state: fc.constantFrom<DecideFacts['state'][]>('running', 'holding', 'awaiting_approval'),
    lookAtMs: fc.option(fc.integer({ min: 0, max: 2000 })),
    extensionsLeft: fc.integer({ min: 0, max: 2 }),
    kill: fc.option(fc.constant('killed'), { freq: 1 }),
    missing: fc.option(fc.constant('silent'), { freq: 1 }),
    pending: fc.option(fc.constant('loading'), { freq: 1 }),
    exposed: fc.integer({ min: 0, max: 3 }),
    reverts: fc.constantFrom(0, 0, 0, 1, 5),
    isLast: fc.boolean(),
  })
  .map(({ verdicts, isLast, reverts, state, lookAtMs, ...rest }): DecideFacts => {
    const all = verdicts.map((verdict, i) => verdictOf({ guardrail: `g${i}`, verdict }));
    return {
      ...READY,
      ...rest,
      ...reverted(reverts),
      state,
      lookAtMs,
      phase: lookAtMs === null ? 'settling' : 'baking',
      holdKind: state === 'holding' ? 'missing-data' : null,
      stage: { ...READY.stage, isLast },
      verdicts: all,
      sustained: new Set(all.filter(({ verdict }) => verdict === 'breach').map(({ guardrail }) => guardrail)),
    };
  });

describe('missing evidence', () => {
  it('never promotes by itself: 10,000 random situations', () => {
    let promotions = 0;
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const { kind } = decide(facts);
        if (kind !== 'promote' && kind !== 'complete') return;
        promotions += 1;
        expect(facts.verdicts.every(({ verdict }) => verdict === 'pass')).toBe(true);
        expect(facts).toMatchObject({ kill: null, missing: null, pending: null });
        expect(facts.exposed).toBeGreaterThan(0);
        expect(facts.lookAtMs).toBeLessThanOrEqual(facts.nowMs);
      }),
      { numRuns: 10_000 },
    );
    expect(promotions).toBeGreaterThan(0);
  });
});

const FILE = readRolloutFile(`apiVersion: belay/v1
kind: Rollout
metadata: {name: r}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: team, backup: on-call}
  stages:
    - {name: small, percent: 10, bake: 60s, extend: 2x30s}
    - {name: full, percent: 100, bake: 60s}
  guardrails: [{id: p95, expr: p95(latency_ms) <= baseline * 1.1, enforce: rollback}]
`);

describe('advance', () => {
  const stages = FILE.ok ? FILE.value.spec.stages : [];
  const context = { nowMs: 5000, stages, isAbort: false, reverted: ['plant-a/d1'] };
  const baking: Progress = { ...firstProgress(0, 'start'), phase: 'baking', bakingSinceMs: 100, lookAtMs: 4000 };
  const draft = { rule: 'promote', reason: 'why', holdKind: null } as const;

  it('goes to the next stage with a fresh clock and keeps what was acknowledged', () => {
    const next = advance(
      { state: 'running', progress: { ...baking, acknowledgedReverts: ['x'] } },
      { ...draft, kind: 'promote', to: 'running' },
      context,
    );
    expect(next).toMatchObject({ state: 'running', effect: 'assign', isTransition: true });
    expect(next.progress).toMatchObject({
      stageIndex: 1,
      phase: 'settling',
      lookAtMs: null,
      acknowledgedReverts: ['x'],
    });
    expect(next.progress.stageTimes).toEqual([
      { startedAtMs: 0, endedAtMs: 5000 },
      { startedAtMs: 5000, endedAtMs: null },
    ]);
  });

  it('extends from now, counting', () => {
    const next = advance({ state: 'running', progress: baking }, { ...draft, kind: 'extend', to: 'running' }, context);
    expect(next.progress).toMatchObject({ lookAtMs: 35_000, extensionsUsed: 1 });
  });

  it('lives through the stage again after a kill, and gives doubt one more period', () => {
    const resumed = (holdKind: Progress['holdKind']) =>
      advance(
        { state: 'holding', progress: { ...baking, holdKind } },
        { ...draft, kind: 'wait', to: 'running' },
        context,
      ).progress;
    expect(resumed('killed')).toMatchObject({
      phase: 'settling',
      lookAtMs: null,
      stageStartedAtMs: 5000,
      acknowledgedReverts: ['plant-a/d1'],
    });
    expect(resumed('inconclusive')).toMatchObject({ phase: 'baking', lookAtMs: 35_000 });
    expect(resumed('person')).toMatchObject({ lookAtMs: 4000 });
    expect(resumed('missing-data')).toMatchObject({ lookAtMs: 4000, acknowledgedReverts: [] });
  });

  it('is no transition when nothing changes, and none when a request is refused', () => {
    const held = { state: 'holding', progress: { ...baking, holdKind: 'person' } } as const;
    expect(advance(held, { ...draft, kind: 'wait', to: 'holding', holdKind: 'person' }, context).isTransition).toBe(
      false,
    );
    expect(advance(held, { ...draft, kind: 'wait', to: 'running', refused: true }, context)).toMatchObject({
      state: 'holding',
      isTransition: false,
    });
  });

  it('restores devices on a rollback, and leaves them when it ends with keep', () => {
    const back = advance(
      { state: 'running', progress: baking },
      { ...draft, kind: 'rollback', to: 'rolling_back' },
      { ...context, isAbort: true },
    );
    expect(back).toMatchObject({ effect: 'restore', progress: { endAs: 'aborted', lookAtMs: null } });
    expect(
      advance({ state: 'running', progress: baking }, { ...draft, kind: 'rollback', to: 'aborted' }, context),
    ).toMatchObject({ state: 'aborted', effect: 'none' });
  });
});
