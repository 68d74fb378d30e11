// The rollout screen as people read it.
import { describe, expect, it } from 'vitest';
import { renderRollout } from '../../../../control-plane/cli/render/rollout.ts';
import { NOW_MS, rollout, verdict } from '../recorded-documents.ts';
import { tooWide } from '../run-belay.ts';
import { plain, tagged } from './tints.ts';

describe('renderRollout', () => {
  it('shows a running rollout on one screen of 80 columns', () => {
    const text = renderRollout(rollout(), plain);
    expect(tooWide(text)).toEqual([]);
    expect(text).toBe(
      [
        'Rollout   detector-2 (ro-7q2)   owner vision team (backup on-call)',
        'Release   cv-detector:1.8.2+data=b4f7a1 → cv-detector:2.0.0+data=3ce470',
        'Status    RUNNING first, baking  baking at first: 37 of 60 min',
        'Stages    shadow 100% 30 min ✔ – [first 1 device 60 min] – half 50% 2 h –',
        '          full 100% 24 h',
        'Next      look in 23 min',
        'Devices   2/2 have the candidate   1 with enough evidence   4 controls',
        '',
        'FACTORY  DEVICES  CANDIDATE  EXPOSED  CONTROLS  ONLINE  REVERTED',
        'plant-a        3          1        1         2       3         0',
        'plant-b        3          1        1         2       3         0',
        '',
        'GUARDRAIL      LIMIT       NOW  PLAUSIBLE RANGE  DEVICES  COUNT  VERDICT',
        'p95 latency    ≤ +10 %  +4.1 %  -1 … +11.2 %           2   4820  inconclusive',
        'error rate     ≤ 0.5 %  0.21 %  0.1 … 0.38 %           2   4820  pass',
        'golden recall  ≥ -1 pt       –  –                      0      0  no-data',
        '',
        '13:36:20  promote   every guardrail of shadow passes',
        '12:43:20  start     monthly retraining (lead)',
      ].join('\n'),
    );
  });

  it('names the kill, and every device that is missing', () => {
    const view = rollout({
      killed: 'kill k-1: misses cracks',
      exposure: { assigned: 6, reachable: 5, exposed: 4, reporting: 4, evaluated: 3, reverted: 1, dark: 1 },
    });
    const text = renderRollout(view, plain);
    expect(text).toContain('Kill      kill k-1: misses cracks\nStatus    KILLED (running)');
    expect(text).toContain('4/6 have the candidate   3 with enough evidence   4 controls\n');
    expect(text).toContain('\n          1 reverted   1 silent   1 offline\n');
    expect(tooWide(text)).toEqual([]);
  });

  it.each([
    [{ state: 'holding' as const }, '<warn:HOLDING>'],
    [{ state: 'rolling_back' as const }, '<bad:ROLLING BACK>'],
    [{ state: 'rolled_back' as const }, '<bad:ROLLED BACK>'],
    [{ state: 'aborted' as const }, '<bad:ABORTED>'],
    [{ state: 'superseded' as const }, '<warn:SUPERSEDED>'],
    [{ state: 'completed' as const }, '<good:COMPLETED>'],
    [{ state: 'running' as const, phase: null }, '<good:RUNNING first>'],
  ])('says %o as %s', (part, expected) => {
    expect(renderRollout(rollout(part), tagged)).toContain(`Status    ${expected}`);
  });

  it('colours a verdict by what it means, and never shows a change without its sign', () => {
    const breach = verdict({ verdict: 'breach', estimate: 14.04, low: 12, high: 16.123 });
    const text = renderRollout(rollout({ guardrails: [breach] }), tagged);
    expect(text).toContain('+14 %  +12 … +16.1 %');
    expect(text).toContain('<bad:breach>');
  });

  it('shows degrees as such', () => {
    const warm = verdict({ title: 'temperature', limitText: '≤ +5 °C', unit: 'C', estimate: 2 });
    expect(renderRollout(rollout({ guardrails: [warm] }), plain)).toContain('+2 °C  -1 … +11.2 °C');
  });

  it('leaves out what is not there yet, and keeps to the newest five decisions', () => {
    const [first] = rollout().decisions;
    const decisions = Array.from({ length: 8 }, (_, i) => ({ ...first, seq: 8 - i, reason: `look ${8 - i}` }));
    const view = rollout({ baselines: [], guardrails: [], factories: [], nextDecisionAtMs: null });
    const text = renderRollout({ ...view, decisions: rollout({ decisions } as object).decisions }, plain);
    expect(text).toContain('Release   ? → cv-detector:2.0.0');
    expect(text).not.toContain('GUARDRAIL');
    expect(text).not.toContain('FACTORY');
    expect(text).not.toContain('Next');
    expect(text).toContain('look 8');
    expect(text).toContain('look 4');
    expect(text).not.toContain('look 3');
  });

  it('says that it looks now when the time has come', () => {
    expect(renderRollout(rollout({ nextDecisionAtMs: NOW_MS }), plain)).toContain('Next      looking now');
  });
});
