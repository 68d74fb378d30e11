// Every edge of the state machine, walked at random: facts and requests in any order, and after each step the promises that no
// order may break. The walker records what step.ts would record; the promises are checked from the facts, not from the reasons.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Advance,
  advance,
  firstProgress,
  type Progress,
  type Standing,
  startBake,
} from '../../../control-plane/core/advance.ts';
import type { Assessment } from '../../../control-plane/core/assess.ts';
import { decide } from '../../../control-plane/core/decide.ts';
import { factsToDecide } from '../../../control-plane/core/decide-facts.ts';
import type { DecideFacts, Decision, PersonRequest } from '../../../control-plane/core/decision.ts';
import { ROLLOUT_VERBS } from '../../../shared/protocol/api-rollouts.ts';
import { readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';
import type { RolloutSpec } from '../../../shared/rollout/rollout-file.ts';
import type { Verdict } from '../../../shared/rollout/verdict.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A Monday, 00:00 in UTC. */
const MONDAY_MS = Date.parse('2026-11-23T00:00Z');

function specOf(more: string, last = 'bake: 10m, extend: 1x10m'): RolloutSpec {
  const read = readRolloutFile(`apiVersion: belay/v1
kind: Rollout
metadata: {name: r}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: team, backup: on-call, approvers: [qa-lead, plant-mgr, engineer]}
  stages:
    - {name: small, percent: 10, bake: 10m, extend: 1x10m}
    - {name: half, percent: 50, bake: 10m, extend: 1x10m, promote: approval, approvals: 2}
    - {name: most, percent: 90, bake: 10m, promote: manual}
    - {name: full, percent: 100, ${last}}
  guardrails: [{id: p95, expr: p95(latency_ms) <= baseline * 1.1, enforce: rollback}]
${more}`);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value.spec;
}

const SCHEDULE = '  schedule: {tz: UTC, windows: ["mon-fri 06:00-18:00"], freeze: ["2026-11-25"]}\n';
const SPECS: readonly RolloutSpec[] = [
  specOf(''),
  specOf(SCHEDULE),
  specOf(`${SCHEDULE}  abort: {onBreach: freeze}\n`, 'soak: 10m'),
  specOf('  abort: {onBreach: hold}\n  promotion: {inconclusive: {afterExtensions: rollback}}\n', 'soak: 10m'),
  specOf(`  promotion: {inconclusive: {timeout: 1h, onTimeout: rollback}}\n`),
  specOf(`${SCHEDULE}  promotion: {inconclusive: {then: hold}}\n`),
  specOf('  abort: {onBreach: freeze}\n'),
  specOf('  abort: {factoryScope: true}\n'),
  specOf('  abort: {factoryScope: true, deviceReverts: {percent: 10, min: 1}}\n', 'soak: 10m'),
];
const SITES: readonly string[] = ['plant-a', 'plant-b'];

/** Open as the file says it, worked out without the code under test. */
function isOpen(spec: RolloutSpec, nowMs: number): boolean {
  if (spec.schedule === null) return true;
  const day = Math.floor((nowMs - MONDAY_MS) / (24 * HOUR_MS));
  const hour = ((nowMs - MONDAY_MS) % (24 * HOUR_MS)) / HOUR_MS;
  return day !== 2 && day % 7 < 5 && hour >= 6 && hour < 18;
}

type Step = {
  readonly minutes: number;
  readonly kill: boolean;
  readonly verdicts: readonly (readonly [Verdict['verdict'], Verdict['enforce'], number])[];
  readonly missing: boolean;
  readonly pending: boolean;
  readonly exposed: number;
  readonly reverted: number;
  /** Factories that break the limit on their own; none: only the whole does. */
  readonly broken: readonly string[];
  readonly planHash: 'p1' | 'p2';
  readonly request: PersonRequest | null;
};

const rarely = fc.nat(9).map((n) => n === 0);
const anyRequest = fc.record({
  verb: fc.constantFrom(
    ...ROLLOUT_VERBS,
    'approve' as const,
    'approve' as const,
    'promote' as const,
    'resume' as const,
  ),
  actor: fc.constantFrom('qa-lead', 'plant-mgr', 'engineer', 'visitor'),
  reason: fc.constant('because'),
  override: fc.boolean(),
  keep: fc.boolean(),
  planHash: fc.constantFrom('p1', 'p1', 'p1', 'p2'),
});
const wildStep: fc.Arbitrary<Step> = fc.record({
  minutes: fc.constantFrom(1, 5, 10, 15, 60, 600),
  kill: rarely,
  verdicts: fc.oneof(
    { weight: 4, arbitrary: fc.constant([['pass', 'rollback', 5] as const]) },
    {
      weight: 1,
      arbitrary: fc.array(
        fc.tuple(
          fc.constantFrom<Verdict['verdict'][]>('pass', 'pass', 'breach', 'inconclusive', 'inconclusive', 'no-data'),
          fc.constantFrom<Verdict['enforce'][]>('rollback', 'rollback', 'hold', 'observe'),
          fc.constantFrom(5, 15),
        ),
        { minLength: 1, maxLength: 3 },
      ),
    },
  ),
  missing: rarely,
  pending: rarely,
  exposed: fc.constantFrom(0, 4, 4, 4, 4, 4, 4),
  reverted: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4),
  broken: fc.constantFrom([], ['plant-a'], ['plant-b'], ['plant-a'], [...SITES]),
  planHash: fc.constantFrom<('p1' | 'p2')[]>('p1', 'p1', 'p1', 'p1', 'p1', 'p1', 'p1', 'p2'),
  request: fc.option(anyRequest, { freq: 3 }),
});

/** Everything is well, and people do what is asked of them: without these few walks get far. */
const calmStep: fc.Arbitrary<Step> = fc
  .record({
    minutes: fc.constantFrom(10, 15, 60, 600),
    planHash: fc.constantFrom<('p1' | 'p2')[]>('p1', 'p1', 'p1', 'p1', 'p1', 'p2'),
    verdict: fc.constantFrom<Verdict['verdict'][]>('pass', 'pass', 'pass', 'inconclusive'),
    verb: fc.constantFrom<(PersonRequest['verb'] | null)[]>(null, null, 'approve', 'approve', 'promote', 'resume'),
    actor: fc.constantFrom('qa-lead', 'plant-mgr', 'engineer'),
  })
  .map(({ minutes, planHash, verdict, verb, actor }) => ({
    minutes,
    planHash,
    kill: false,
    verdicts: [[verdict, 'rollback', 5]],
    missing: false,
    pending: false,
    exposed: 4,
    reverted: 0,
    broken: [],
    request: verb && { verb, actor, reason: 'because', override: false, keep: false, planHash },
  }));
const anyStep = fc.oneof({ weight: 3, arbitrary: calmStep }, { weight: 1, arbitrary: wildStep });

function verdictsOf(step: Step): readonly Verdict[] {
  return step.verdicts.map(([verdict, enforce, estimate], i) => ({
    guardrail: `g${i}`,
    title: 'p95 latency',
    limitText: '≤ +10 %',
    enforce,
    verdict,
    sentence: `g${i} is ${verdict}`,
    n: 4,
    controls: 4,
    level: 'site and hardware',
    spread: 'between devices',
    estimate: verdict === 'no-data' ? null : estimate,
    low: 0,
    high: 20,
    limitLow: null,
    limitHigh: 10,
    unit: '%',
    count: 100,
    minimums: [],
    excluded: {},
    blind: [],
    ...slicesOf(step, verdict),
  }));
}

function slicesOf({ broken }: Step, verdict: Verdict['verdict']): Pick<Verdict, 'slice' | 'slices'> {
  if (verdict !== 'breach') return {};
  const slices = SITES.map((slice) => {
    const isBroken = broken.includes(slice);
    const kind = isBroken ? ('breach' as const) : ('inconclusive' as const);
    return { slice, verdict: kind, n: 2, estimate: isBroken ? 20 : 5, low: 0, high: 30 };
  });
  return { slice: broken[0] ?? null, slices };
}

function assessmentOf(step: Step, out: readonly string[]): Assessment {
  const names = Array.from({ length: step.reverted }, (_, i) => `plant-a/d${i}`);
  const standing = {
    role: 'serve',
    online: true,
    isActive: true,
    isReverted: false,
    isDark: false,
  } as const;
  return {
    exposure: { assigned: 4, reachable: 4, exposed: step.exposed, reporting: 4, evaluated: 4, reverted: 0, dark: 0 },
    standings: SITES.filter((site) => !out.includes(site)).map((site) => ({
      ...standing,
      site,
      device: 'd0',
      detail: '',
    })),
    controls: 4,
    verdicts: verdictsOf(step),
    evidence: [],
    missing: step.missing ? 'd1 is silent' : null,
    pending: step.pending ? 'd1 is loading' : null,
    reverted: names,
    everExposed: 4,
  };
}

type Seen = {
  readonly spec: RolloutSpec;
  readonly step: Step;
  readonly before: Standing;
  readonly facts: DecideFacts;
  readonly decision: Decision;
  readonly next: Advance;
};

type Walk = { readonly spec: RolloutSpec; readonly stageIndex: number; readonly steps: readonly Step[] };

const LIVE: readonly string[] = ['scheduled', 'running', 'holding', 'awaiting_approval'];

/** What step.ts does before it decides: how long breaches last, and that everyone is there so that the bake can begin. */
function observe({ state, progress }: Standing, step: Step, nowMs: number): Progress {
  const breaching = verdictsOf(step).filter(({ verdict }) => verdict === 'breach');
  const breachingSince = Object.fromEntries(breaching.map(({ guardrail }) => [guardrail, nowMs]));
  const isThere = state === 'running' && progress.phase === 'settling' && !step.pending && step.exposed > 0;
  const observed = { ...progress, breachingSince };
  return isThere ? startBake(observed, { nowMs, bakeMs: 10 * MINUTE_MS, settleMs: 0 }) : observed;
}

/** Walks until it ends; calls `look` after each step. */
function walk({ spec, stageIndex, steps }: Walk, look: (seen: Seen) => void): void {
  let nowMs = MONDAY_MS + 5 * HOUR_MS;
  let standing: Standing = {
    state: isOpen(spec, nowMs) || stageIndex > 0 ? 'running' : 'scheduled',
    progress: { ...firstProgress(nowMs, 'started', 'engineer'), stageIndex },
  };
  for (const step of steps) {
    nowMs += step.minutes * MINUTE_MS;
    const request = standing.progress.phase === 'committing' && !isUndo(step.request) ? null : step.request;
    if (standing.progress.phase === 'committing' && request === null) continue;
    const before = { state: standing.state, progress: observe(standing, step, nowMs) };
    const plan = { hash: step.planHash };
    const facts = factsToDecide({
      nowMs,
      ...before,
      spec,
      guardrails: [],
      plan,
      assessment: assessmentOf(
        step,
        before.progress.factoriesOut.map(({ site }) => site),
      ),
      kill: step.kill ? 'killed' : null,
      request,
    });
    const decision = decide(facts);
    const next = advance(before, decision, {
      nowMs,
      stages: spec.stages,
      isAbort: request?.verb === 'abort',
      reverted: [],
      request,
      planHash: plan.hash,
      assigned: SITES.map((site) => ({ site, device: 'd0' })),
    });
    look({ spec, step, before, facts, decision, next });
    standing = next;
    if (!LIVE.includes(standing.state)) return;
  }
}

function isUndo(request: PersonRequest | null): boolean {
  return request?.verb === 'rollback' || request?.verb === 'abort';
}

const isGrowth = ({ next }: Seen) => next.effect === 'assign' || next.effect === 'commit';

function check(promise: (seen: Seen) => void, numRuns = 400, specs = SPECS): void {
  const anyWalk = fc.record({
    spec: fc.constantFrom(...specs),
    stageIndex: fc.constantFrom(0, 0, 1, 1, 1, 2, 3),
    steps: fc.array(anyStep, { minLength: 5, maxLength: 40 }),
  });
  fc.assert(
    fc.property(anyWalk, (each) => walk(each, promise)),
    { numRuns, seed: 17 },
  );
}

describe('the state machine', () => {
  it('lets a kill beat everything but going back, from every state', () => {
    check((seen) => {
      if (!seen.step.kill || isUndo(seen.facts.request)) return;
      expect(isGrowth(seen)).toBe(false);
      if (seen.before.state === 'scheduled') return expect(seen.next.state).toBe('scheduled');
      expect(seen.next).toMatchObject({ state: 'holding', progress: { holdKind: 'killed' } });
    });
  });

  it('goes back when a person says so, from every state, whatever else is the case', () => {
    check(({ before, facts, next }) => {
      if (!isUndo(facts.request)) return;
      expect(next.isTransition).toBe(true);
      if (before.state === 'scheduled') return expect(next).toMatchObject({ state: 'aborted', effect: 'none' });
      expect(['rolling_back', 'aborted']).toContain(next.state);
    });
  });

  it('acts on a breach at once, whatever the calendar, holds and people say', () => {
    check(({ spec, before, step, facts, decision, next }) => {
      const isBreached = facts.verdicts.some(({ enforce, verdict }) => enforce === 'rollback' && verdict === 'breach');
      if (!isBreached || step.kill || before.state === 'scheduled') return;
      if (decision.site !== undefined)
        return expect(next).toMatchObject({ state: 'holding', effect: 'restore-factory' });
      if (spec.abort.onBreach === 'rollback') return expect(['rolling_back', 'aborted']).toContain(next.state);
      expect(['holding', 'rolling_back', 'aborted']).toContain(next.state);
    });
  });

  it('takes a factory back alone where the file says so and no other has a share in it, and for good', () => {
    let alone = 0;
    check(({ spec, step, before, facts, decision, next }) => {
      const [was, is] = [before.progress.factoriesOut, next.progress.factoriesOut];
      expect(is.slice(0, was.length)).toEqual(was);
      if (decision.site === undefined) return expect(is).toHaveLength(was.length);
      alone += 1;
      expect(spec.abort.factoryScope).toBe(true);
      expect(is.map(({ site }) => site)).toEqual([decision.site]);
      expect(next).toMatchObject({ state: 'holding', progress: { holdKind: 'factory', breachingSince: {} } });
      expect(step.kill || isUndo(facts.request)).toBe(false);
      if (decision.rule === 'guardrail-breach') expect(step.broken).toEqual([decision.site]);
    }, 800);
    expect(alone).toBeGreaterThan(10);
  });

  it('grows only inside the windows, and asks the calendar for nothing else', () => {
    check((seen) => {
      const { spec, facts, decision } = seen;
      expect(facts.closed === null).toBe(isOpen(spec, facts.nowMs));
      if (isGrowth(seen)) expect(isOpen(spec, facts.nowMs)).toBe(true);
      const isSafety = (kind: string) => kind === 'rollback' || (kind === 'hold' && decision.to === 'holding');
      const open = decide({ ...facts, closed: null });
      if (isSafety(open.kind) || isSafety(decision.kind)) expect(decision).toEqual(open);
    });
  });

  it('promotes on evidence alone: never on silence, doubt, a breach or missing devices', () => {
    check((seen) => {
      const { facts, step, decision, before, next } = seen;
      if (!isGrowth(seen) || decision.kind === 'start') return;
      expect(step).toMatchObject({ kill: false, missing: false });
      expect(facts.exposed).toBeGreaterThan(0);
      const enforced = facts.verdicts.filter(({ enforce }) => enforce !== 'observe');
      expect(enforced.some(({ verdict }) => verdict === 'breach')).toBe(false);
      expect(next.progress.stageIndex - before.progress.stageIndex).toBe(next.effect === 'commit' ? 0 : 1);
      if (facts.request?.verb === 'promote' && facts.request.override) return;
      expect(step.pending).toBe(false);
      expect(facts.lookAtMs).toBeLessThanOrEqual(facts.nowMs);
      expect(before.state).not.toBe('holding');
      const unproven = enforced.filter(({ verdict }) => verdict !== 'pass');
      for (const { verdict, estimate } of unproven) {
        expect([facts.stage, verdict]).toMatchObject([{ isLast: true, judge: 'noBreach' }, 'inconclusive']);
        expect(estimate).toBeLessThanOrEqual(10);
      }
    });
  });

  it('promotes a stage with approvals only with as many others as it asks for, who have seen this plan', () => {
    check((seen) => {
      const { before, step } = seen;
      if (!isGrowth(seen) || seen.facts.stage.promote !== 'approval' || seen.decision.kind === 'start') return;
      const valid = before.progress.approvals.filter(({ planHash }) => planHash === step.planHash);
      const people = new Set(valid.map(({ actor }) => actor));
      expect([...people].filter((actor) => actor === 'qa-lead' || actor === 'plant-mgr')).toHaveLength(2);
      expect(people.size).toBe(valid.length);
    });
  });

  it('promotes a manual stage by hand alone', () => {
    check((seen) => {
      if (isGrowth(seen) && seen.facts.stage.promote === 'manual' && seen.decision.kind !== 'start')
        expect(seen.facts.request?.verb).toBe('promote');
    });
  });

  it('leaves no state without a record, and records nothing that did not change', () => {
    check(({ before, decision, next }) => {
      const essence = ({ state, progress }: Standing) => {
        const { stageIndex, holdKind, approvals, extensionsUsed, endAs, factoriesOut } = progress;
        const isCommitting = progress.phase === 'committing';
        return JSON.stringify({
          state,
          stageIndex,
          holdKind,
          approvals,
          extensionsUsed,
          endAs,
          factoriesOut,
          isCommitting,
        });
      };
      if (essence(before) !== essence(next) || next.effect !== 'none') expect(next.isTransition).toBe(true);
      if (next.isTransition) expect(decision.reason.length).toBeGreaterThan(3);
      if (decision.refused) expect(next).toMatchObject({ ...before, isTransition: false });
    });
  });

  it('is walked along every edge', () => {
    const edges = new Map<string, number>();
    const note = ({ before, decision, next }: Seen) => {
      const isHeld = next.state === 'holding' ? ` ${next.progress.holdKind}` : '';
      const edge = `${before.state} > ${decision.kind} > ${next.state}${isHeld}`;
      if (next.isTransition) edges.set(edge, (edges.get(edge) ?? 0) + 1);
    };
    check(note, 1600);
    // A freeze while approvals are awaited is rare in the rest.
    check(
      note,
      600,
      SPECS.filter(({ abort }) => abort.onBreach === 'freeze'),
    );
    expect([...edges.keys()].sort()).toMatchInlineSnapshot(`
      [
        "awaiting_approval > approve > awaiting_approval",
        "awaiting_approval > hold > holding frozen",
        "awaiting_approval > hold > holding guardrail",
        "awaiting_approval > hold > holding killed",
        "awaiting_approval > hold > holding missing-data",
        "awaiting_approval > hold > holding person",
        "awaiting_approval > hold > holding reverts",
        "awaiting_approval > promote > running",
        "awaiting_approval > rollback > aborted",
        "awaiting_approval > rollback > holding factory",
        "awaiting_approval > rollback > rolling_back",
        "awaiting_approval > wait > running",
        "holding > approve > holding inconclusive",
        "holding > approve > holding reverts",
        "holding > complete > running",
        "holding > hold > holding frozen",
        "holding > hold > holding guardrail",
        "holding > hold > holding killed",
        "holding > hold > holding person",
        "holding > hold > holding reverts",
        "holding > promote > running",
        "holding > rollback > aborted",
        "holding > rollback > holding factory",
        "holding > rollback > rolling_back",
        "holding > wait > running",
        "running > complete > running",
        "running > extend > running",
        "running > hold > awaiting_approval",
        "running > hold > holding frozen",
        "running > hold > holding guardrail",
        "running > hold > holding inconclusive",
        "running > hold > holding killed",
        "running > hold > holding missing-data",
        "running > hold > holding person",
        "running > hold > holding reverts",
        "running > promote > running",
        "running > rollback > aborted",
        "running > rollback > holding factory",
        "running > rollback > rolling_back",
        "scheduled > rollback > aborted",
        "scheduled > start > running",
      ]
    `);
  });
});
