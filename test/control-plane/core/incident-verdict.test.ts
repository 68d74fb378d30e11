// Incidents against shares of exposure, and silence against chance.
import { describe, expect, it } from 'vitest';
import { judgeBalance } from '../../../control-plane/core/balance.ts';
import { type Incident, type IncidentFacts, judgeIncidents } from '../../../control-plane/core/incident-verdict.ts';
import { STANDARD_RULE } from '../../../control-plane/core/judge.ts';
import type { EventKind } from '../../../shared/protocol/reports.ts';
import type { Guardrail } from '../../../shared/rollout/guardrails.ts';
import { INCIDENT_EXPRESSION } from '../../../shared/rollout/incidents.ts';
import { BASELINE, CANDIDATE, guardrailOf } from './builders.ts';

const OOM: Guardrail = {
  ...guardrailOf('p95(latency_ms) <= 1 ms'),
  expression: INCIDENT_EXPRESSION,
  title: 'incidents (oom, revert)',
  incident: { kinds: ['oom', 'revert'], tolerated: 1 },
};

const MINUTE = 60_000;

function incident(device: string, minute: number, digest = CANDIDATE, kind: EventKind = 'crash'): Incident {
  return { site: 'plant-a', device, kind, digest, atMs: minute * MINUTE };
}

function judgeWith(incidents: readonly Incident[], more: Partial<IncidentFacts> = {}, guardrail = OOM) {
  const facts = {
    candidateDigest: CANDIDATE,
    sinceMs: 0,
    incidents,
    candidates: 5,
    controls: 95,
    evaluated: 5,
    ...more,
  };
  return judgeIncidents(guardrail, facts, STANDARD_RULE);
}

describe('incidents', () => {
  it('break the guardrail from the third candidate on at 5 %, as published', () => {
    const three = ['d1', 'd2', 'd3'].map((device, i) => incident(device, i));
    expect(judgeWith(three.slice(0, 2)).verdict).toBe('inconclusive');
    const verdict = judgeWith(three);
    expect(verdict).toMatchObject({ verdict: 'breach', estimate: 3, boundary: 'incident', n: 5, controls: 95 });
    expect(verdict.sentence).toContain('3 of 3 on candidates, which are 5 % of the devices');
  });

  it('are fine when the baseline has its share of them', () => {
    const spread = Array.from({ length: 40 }, (_, i) => incident(`d${i}`, i, i < 2 ? CANDIDATE : BASELINE));
    expect(judgeWith(spread).verdict).toBe('pass');
    expect(judgeWith([]).sentence).toContain('none on any device');
  });

  it('of one device within 15 quiet minutes are one', () => {
    const storm = Array.from({ length: 30 }, (_, i) => incident('d1', i));
    expect(judgeWith(storm)).toMatchObject({ count: 1, verdict: 'inconclusive' });
    expect(judgeWith([incident('d1', 0), incident('d1', 20), incident('d1', 40)]).count).toBe(3);
  });

  it('count from the stage on, and only of the kinds that are asked for', () => {
    const old = ['d1', 'd2', 'd3'].map((device) => incident(device, 1));
    expect(judgeWith(old, { sinceMs: 2 * MINUTE }).count).toBe(0);
    expect(judgeWith(old.map((each) => ({ ...each, kind: 'camera-lost' as const }))).count).toBe(0);
    expect(judgeWith(old.map((each) => ({ ...each, kind: 'quarantined' as const }))).verdict).toBe('breach');
  });

  it('may be tolerated above their share', () => {
    const three = ['d1', 'd2', 'd3'].map((device, i) => incident(device, i));
    const lenient = { ...OOM, incident: { kinds: ['oom'] as const, tolerated: 10 } };
    expect(judgeWith(three, {}, lenient).verdict).toBe('inconclusive');
  });

  it('never pass on silence, and prove nothing without controls', () => {
    expect(judgeWith([], { evaluated: 0 }).verdict).toBe('no-data');
    const all = Array.from({ length: 9 }, (_, i) => incident(`d${i}`, i));
    expect(judgeWith(all, { candidates: 100, controls: 0 }).verdict).toBe('inconclusive');
  });
});

describe('who went silent', () => {
  const analysis = {
    balance: { alpha: 0.001, action: 'hold' as const },
    missing: { stale: 5 * MINUTE, maxSilent: 20 },
  };
  const fleet = (candidatesSilent: number, controlsSilent: number) =>
    Array.from({ length: 200 }, (_, i) => {
      const isCandidate = i < 50;
      return { device: `d${i}`, isCandidate, isSilent: isCandidate ? i < candidatesSilent : i < 50 + controlsSilent };
    });

  it('is held when they are all candidates, by far fewer than a share of silent devices would', () => {
    const verdict = judgeBalance(fleet(6, 0), analysis);
    expect(verdict).toMatchObject({ verdict: 'inconclusive', enforce: 'hold', estimate: 6 });
    expect(verdict?.sentence).toContain('6 of 6 devices that went silent');
  });

  it('is chance when silence is spread', () => {
    expect(judgeBalance(fleet(4, 10), analysis)).toBe(null);
    expect(judgeBalance(fleet(2, 0), analysis)).toBe(null);
    expect(judgeBalance(fleet(0, 0), analysis)).toBe(null);
  });
});
