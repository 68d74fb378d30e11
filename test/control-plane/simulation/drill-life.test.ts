// The simulated drill: every failure is found and taken back within what is promised under the terms of a game day, the same
// seed gives the same run, and terms that are too slow are told to be so.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { judgeDrill } from '../../../control-plane/core/drill.ts';
import { simulatedRules } from '../../../control-plane/drills/simulate.ts';
import { runSimulatedDrill } from '../../../control-plane/simulation/drill-life.ts';
import { DRILL_FAILURES, type DrillFailure } from '../../../shared/release/drill.ts';
import { GAME_DAY_TERMS } from '../../../shared/rollout/drill-file.ts';

const PLAN_10 = new URL('../../../scripts/examples/plans/plan-10-game-day.yaml', import.meta.url);

function rehearse(failure: DrillFailure, { seed = 1, base = null as string | null } = {}) {
  const ruled = simulatedRules(base);
  if (typeof ruled === 'string') throw new Error(ruled);
  return judgeDrill(runSimulatedDrill({ failure, devices: 24, seed, ...ruled }));
}

/** The terms of a game day with something else in them, as a file. */
function fileWith(spec: Readonly<Record<string, unknown>>): string {
  const stages = [{ name: 'all', percent: 100, bake: '30m' }];
  const terms = { candidate: 'cv-detector:2.0.0', ...GAME_DAY_TERMS, stages, ...spec };
  return JSON.stringify({ apiVersion: 'belay/v1', kind: 'Rollout', metadata: { name: 'other' }, spec: terms });
}

describe('a drill on the simulated fleet', () => {
  it.each(DRILL_FAILURES)('%s: found, taken back, within the promises of worked plan 10', (failure) => {
    const result = rehearse(failure, { base: readFileSync(PLAN_10, 'utf8') });
    expect(result, JSON.stringify(result.timeline)).toMatchObject({
      passed: true,
      assigned: 12,
      exposed: 12,
      stragglers: [],
    });
    expect(result).toEqual(rehearse(failure));
  });

  it('hot: a guardrail finds it before the ceiling of the device does', () => {
    const thermal = { id: 'thermal', expr: 'mean(soc_temp_c) <= baseline + 5', enforce: 'rollback' };
    const guarded = rehearse('hot', { base: fileWith({ guardrails: [...GAME_DAY_TERMS.guardrails, thermal] }) });
    expect(guarded.detectedBy).toBe('the control plane (guardrail-breach)');
    expect(rehearse('hot').detectedBy).toMatch(/the devices themselves .*°C is above its ceiling/);
    expect(guarded.detectedAfterMs).toBeLessThan(rehearse('hot').detectedAfterMs ?? 0);
  });

  it('depends on its seed alone', () => {
    expect(rehearse('hot', { seed: 4 })).toEqual(rehearse('hot', { seed: 4 }));
    expect(rehearse('hot', { seed: 4 }).timeline).not.toEqual(rehearse('hot', { seed: 5 }).timeline);
  });

  it('silent: the control plane holds, the one on call decides', () => {
    const result = rehearse('silent');
    expect(result.detectedBy).toBe('the control plane (missing-data)');
    expect(result.decidedBy).toBe('the one on call');
    expect(result.timeline.map(({ text }) => text).join('\n')).toMatch(/held: .* silent for more than 45s/);
  });

  it('tells terms that do not find it, and terms that find it too late', () => {
    const limits = { latencyRatio: null };
    const guardrails = [GAME_DAY_TERMS.guardrails[1]];
    const blind = rehearse('slow', { base: fileWith({ guardrails, limits }) });
    expect(blind).toMatchObject({ passed: false, detectedAfterMs: null, backAfterMs: null });
    expect(blind.sentence).toMatch(/nobody found "slow" on 12 of 12 devices; next: tighten/);
    const slow = rehearse('slow', { base: fileWith({ limits, analysis: { settle: '3m' } }) });
    expect(slow.detectedBy).toBe('the control plane (guardrail-breach)');
    expect(slow.promises.map(({ kept }) => kept)).toEqual([false, true]);
    expect(slow.passed).toBe(false);
  });

  it('leaves out, and names, guardrails that need more than live frames', () => {
    const lost = { id: 'lost', expr: 'rate(lost) <= 5 %', stages: ['shadow'], enforce: 'rollback' };
    const stages = [
      { name: 'shadow', percent: 100, mode: 'shadow', bake: '1h' },
      { name: 'all', percent: 100, bake: '1h' },
    ];
    const result = rehearse('slow', { base: fileWith({ stages, guardrails: [...GAME_DAY_TERMS.guardrails, lost] }) });
    expect(result.passed).toBe(true);
    expect(result.assumptions.join('\n')).toContain('left out: lost');
  });
});
