// What the pages of rollouts say: states, clocks, why a button is off, what a filter keeps, what a plan and a verdict mean.
import { describe, expect, it } from 'vitest';
import {
  goingBack,
  lackOf,
  returnsOf,
  rollbackText,
  verbsOf,
} from '../../../control-plane/dashboard/pages/rollout/actions.ts';
import { cellOf, pairsSummary } from '../../../control-plane/dashboard/pages/rollout/evidence-words.ts';
import {
  filterDevices,
  filterRollouts,
  sortDevices,
  withQuery,
} from '../../../control-plane/dashboard/pages/rollout/filters.ts';
import { ladderOf } from '../../../control-plane/dashboard/pages/rollout/ladder.ts';
import { factsOf, mistakesOf } from '../../../control-plane/dashboard/pages/rollout/plan-words.ts';
import {
  chosenGuardrail,
  gapsOf,
  sortVerdicts,
  whyLines,
  worstSentence,
} from '../../../control-plane/dashboard/pages/rollout/verdict-words.ts';
import {
  clockText,
  rangeText,
  signOfState,
  stageText,
  valueText,
} from '../../../control-plane/dashboard/pages/rollout/words.ts';
import { sessionSchema } from '../../../shared/protocol/api-identity.ts';
import type { GuardrailEvidence } from '../../../shared/protocol/api-rollout-charts.ts';
import type { RolloutView } from '../../../shared/protocol/api-rollouts.ts';
import { BASELINE, NOW_MS, plan, rollout, summary, verdict } from '../cli/recorded-documents.ts';

const OLD = BASELINE;
const OLDER = { release: 'cv-detector:0.9.0+data=aaaaaa', digest: 'd'.repeat(64) };

function device(name: string, part: Partial<RolloutView['devices'][number]> = {}): RolloutView['devices'][number] {
  return {
    site: 'plant-a',
    device: name,
    hardwareClass: 'orin',
    line: null,
    arm: 'candidate',
    role: 'serve',
    online: true,
    exposed: true,
    reverted: false,
    activatedAtMs: NOW_MS,
    serving: null,
    baseline: OLD,
    detail: 'answers with the candidate',
    ...part,
  };
}

function signedIn(name: string, role: 'viewer' | 'operator' | 'approver', sites: '*' | string[] = '*') {
  const identity = { name, kind: 'person', grants: [{ role, sites }], mayKill: role !== 'viewer' };
  return sessionSchema.parse({ identity, csrf: 'x', expiresAtMs: null });
}

function why(
  view: RolloutView,
  verb: string,
  session: Parameters<typeof verbsOf>[1] = null,
): string | null | undefined {
  return verbsOf(view, session).find((one) => one.verb === verb)?.disabledBecause;
}

describe('what a person can do', () => {
  const running = rollout({ sites: ['plant-a'] });

  it('is said for each verb in each state', () => {
    expect(why(running, 'hold')).toBeNull();
    expect(why(running, 'resume')).toBe('it is not held');
    expect(why(running, 'approve')).toBe('this stage needs no approval');
    const holding = rollout({ state: 'holding' });
    expect([why(holding, 'hold'), why(holding, 'resume')]).toEqual(['it is held already', null]);
    const back = rollout({ state: 'rolling_back' });
    for (const verb of ['hold', 'promote', 'rollback', 'abort'])
      expect(why(back, verb)).toBe('it is rolling back already');
    const over = rollout({ state: 'rolled_back', endedAtMs: NOW_MS });
    expect(why(over, 'rollback')).toBe('it has ended: rolled back');
    expect(why(rollout({ phase: 'committing' }), 'promote')).toContain('may only be rolled back');
    expect(why(rollout({ phase: 'committing' }), 'rollback')).toBeNull();
  });

  it('never promotes over a breach, a kill or a closed schedule', () => {
    const broken = rollout({ guardrails: [verdict({ verdict: 'breach' })] });
    expect(why(broken, 'promote')).toContain('never over a breach');
    expect(why(rollout({ killed: 'kill of plant-a by on-call' }), 'promote')).toContain('kill of plant-a');
    expect(why(rollout({ guardrails: [], closed: 'waits for the week' }), 'promote')).toContain('waits for the week');
    expect(why(rollout({ guardrails: [] }), 'promote')).toBeNull();
  });

  it('asks somebody else for the approval', () => {
    const approvals = { stage: 'half', needed: 1, given: [], approvers: [] };
    const asked = rollout({ sites: ['plant-a'], startedBy: 'lead', approvals });
    expect(why(asked, 'approve', signedIn('lead', 'approver'))).toBe('lead started it: somebody else approves');
    expect(why(asked, 'approve', signedIn('bo', 'approver'))).toBeNull();
    expect(why(asked, 'approve', signedIn('bo', 'operator'))).toContain('not approver at plant-a');
    const given = [{ actor: 'bo', reason: 'fine', atMs: NOW_MS }];
    expect(
      why({ ...asked, approvals: { ...approvals, needed: 2, given } }, 'approve', signedIn('bo', 'approver')),
    ).toBe('bo has approved it already');
  });

  it('says which right is missing, and where', () => {
    expect(lackOf(signedIn('vi', 'viewer'), 'operate', ['plant-a'])).toBe(
      'vi is not operator at plant-a; ask an admin',
    );
    expect(lackOf(signedIn('op', 'operator', ['plant-b']), 'operate', ['plant-a', 'plant-b'])).toContain('plant-a');
    expect(lackOf(signedIn('op', 'operator'), 'operate', ['plant-a'])).toBeNull();
    expect(lackOf({ ...signedIn('x', 'viewer'), open: true }, 'operate', ['plant-a'])).toBeNull();
    expect(lackOf(signedIn('op', 'operator', ['plant-b']), 'operate', [])).toBeNull();
    expect(lackOf(signedIn('vi', 'viewer'), 'operate', [])).toBe('vi is operator nowhere; ask an admin');
    expect(why(running, 'rollback', signedIn('vi', 'viewer'))).toContain('not operator');
  });

  it('says before a rollback from what to what, and how many', () => {
    const view = rollout({
      devices: [
        device('a'),
        device('b'),
        device('c', { baseline: OLDER }),
        device('d', { role: 'none', arm: 'baseline' }),
      ],
    });
    expect(goingBack(view)).toBe(3);
    expect(returnsOf(view)).toEqual([
      { release: OLD.release, devices: 2 },
      { release: OLDER.release, devices: 1 },
    ]);
    expect(rollbackText(view)).toMatch(/^Take 3 devices from \S+ back to \S+$/);
  });

  it('lets what makes safer through also when something moved meanwhile', () => {
    const match = new Map(verbsOf(rollout({ version: 7 }), null).map(({ verb, ifMatch }) => [verb, ifMatch]));
    expect([match.get('rollback'), match.get('hold'), match.get('abort')]).toEqual(['*', '*', '*']);
    expect([match.get('promote'), match.get('approve'), match.get('resume')]).toEqual(['"v7"', '"v7"', '"v7"']);
  });
});

describe('the list', () => {
  const list = [
    summary({ id: 'one', sites: ['plant-a'] }),
    summary({ id: 'two', state: 'holding', sites: ['plant-b'] }),
    summary({ id: 'three', state: 'completed', endedAtMs: NOW_MS, sites: ['plant-a', 'plant-b'] }),
  ];
  const ids = (query: Record<string, string>) => filterRollouts(list, query).map(({ id }) => id);

  it('is filtered by what the address says', () => {
    expect(ids({})).toEqual(['one', 'two', 'three']);
    expect(ids({ state: 'open' })).toEqual(['one', 'two']);
    expect(ids({ state: 'needs a person' })).toEqual(['two']);
    expect(ids({ state: 'ended', site: 'plant-b' })).toEqual(['three']);
    expect(ids({ release: 'NO-SUCH' })).toEqual([]);
    expect(ids({ release: summary().candidate.release.slice(2, 8).toUpperCase() })).toHaveLength(3);
  });

  it('keeps in the address what is not changed', () => {
    expect(withQuery('/rollouts', { site: 'a', state: 'open' }, { state: '' })).toBe('/rollouts?site=a');
    expect(withQuery('/rollouts', {}, {})).toBe('/rollouts');
    expect(withQuery('/rollouts', {}, { state: 'needs a person' })).toBe('/rollouts?state=needs+a+person');
  });

  it('says where each stands and when it is looked at', () => {
    expect(signOfState(summary({ state: 'holding' })).word).toBe('holding');
    expect(signOfState(summary({ killed: 'by on-call' }))).toMatchObject({ word: 'killed, running', tone: 'bad' });
    expect(stageText(summary())).toBe('stage 2 of 4: first');
    expect(clockText(summary({ nextDecisionAtMs: NOW_MS + 90_000 }), NOW_MS)).toBe('next look in 1m 30s');
    expect(clockText(summary({ nextDecisionAtMs: NOW_MS - 1 }), NOW_MS)).toBe('looking now');
    expect(clockText(summary({ state: 'holding' }), NOW_MS)).toBe('waits for a person');
    expect(clockText(summary({ state: 'completed', nextDecisionAtMs: NOW_MS }), NOW_MS)).toBe('over');
  });
});

describe('the devices', () => {
  const devices = [
    device('a'),
    device('b', { role: 'none', arm: 'baseline', exposed: false }),
    device('c', { site: 'plant-b', reverted: true, exposed: false, detail: 'reverted: too hot' }),
  ];
  const names = (query: Record<string, string>) => filterDevices(devices, query).map((one) => one.device);

  it('are filtered by place, arm, trouble and words', () => {
    expect(names({ site: 'plant-b' })).toEqual(['c']);
    expect(names({ arm: 'baseline' })).toEqual(['b']);
    expect(names({ arm: 'trouble' })).toEqual(['c']);
    expect(names({ q: 'too HOT' })).toEqual(['c']);
    expect(names({ hw: 'x86' })).toEqual([]);
  });

  it('stand with the troubled first', () => {
    expect(sortDevices(devices).map((one) => one.device)).toEqual(['c', 'a', 'b']);
  });
});

describe('the ladder', () => {
  it('says what was planned, what came, and how far the current stage is', () => {
    const [shadow, , half] = ladderOf(rollout(), NOW_MS);
    expect(shadow).toMatchObject({ word: 'done', size: '100 %, 6 devices, shadow' });
    expect(half?.planned).toBe('2h, up to 2 × 30m more, then by itself');
    expect(half?.actual).toMatch(/^from .* at the soonest$/);
    const stages = rollout().stages.map((stage) => {
      return stage.status === 'current' ? { ...stage, startedAtMs: NOW_MS - 37 * 60_000 } : stage;
    });
    const current = ladderOf(rollout({ stages }), NOW_MS)[1];
    expect(current?.share).toBeCloseTo(37 / 60);
    expect(current?.actual).toContain('37m so far');
    const back = stages.map((stage) => (stage.status === 'current' ? { ...stage, status: 'pending' as const } : stage));
    const ended = ladderOf(rollout({ stages: back, state: 'rolled_back', endedAtMs: NOW_MS }), NOW_MS);
    expect(ended.map(({ word }) => word)).toEqual(['done', 'ended here', 'not reached', 'not reached']);
  });
});

describe('a plan', () => {
  it('shows each mistake beside its line', () => {
    const file = 'kind: Rollout\n  bakes: 10m\n';
    const problem = { line: 2, column: 3, path: 'spec.bakes', message: 'is not known' };
    expect(mistakesOf(file, [problem, { ...problem, message: 'did you mean bake?' }])).toEqual([
      { line: 2, text: 'bakes: 10m', messages: ['spec.bakes: is not known', 'spec.bakes: did you mean bake?'] },
    ]);
  });

  it('says who gets it, what stands in the way and what is not known', () => {
    const answer = {
      plan: plan({ refusals: ['no device'] }),
      problems: [],
      outlook: null,
      outlookMissing: 'no windows',
    };
    const facts = factsOf(answer);
    expect(facts?.refusals).toEqual(['no device']);
    expect(facts?.stages.map(({ sites }) => sites)[0]).toBe('plant-a 1 of 2, plant-b 0 of 2');
    expect(facts?.lines.join()).toContain('no outlook: no windows');
    expect(factsOf({ ...answer, plan: null })).toBeNull();
  });
});

describe('a verdict', () => {
  it('is written as its limit is', () => {
    const change = { limitText: '≤ +10 %', unit: '%' };
    expect(valueText(change, 4.123)).toBe('+4.12 %');
    expect(valueText(change, -0.2)).toBe('−0.2 %');
    expect(rangeText({ limitText: '< 0.5 %', unit: '%' }, 0.1, 0.314159)).toBe('0.1 … 0.31 %');
    expect(valueText({ limitText: '≤ +5 °C', unit: 'C' }, 2)).toBe('+2 °C');
    expect(valueText(change, null)).toBe('–');
  });

  it('is read worst first, unless the address says which', () => {
    const verdicts = [
      verdict({ guardrail: 'a', verdict: 'pass' }),
      verdict({ guardrail: 'b', verdict: 'breach', enforce: 'observe' }),
      verdict({ guardrail: 'c', verdict: 'breach' }),
    ];
    expect(sortVerdicts(verdicts).map(({ guardrail }) => guardrail)).toEqual(['c', 'b', 'a']);
    expect(chosenGuardrail({ guardrails: verdicts }, 'a')).toBe('a');
    expect(chosenGuardrail({ guardrails: verdicts }, 'gone')).toBe('c');
    expect(chosenGuardrail({ guardrails: [] }, undefined)).toBeNull();
  });

  it('is told on top when it is not decided well', () => {
    const open = verdict({ verdict: 'inconclusive', sentence: 'p95 may be too slow' });
    const status = 'baking: looked at in 5m';
    expect(worstSentence({ guardrails: [verdict({ verdict: 'pass' }), open], status })).toBe('p95 may be too slow');
    expect(worstSentence({ guardrails: [open], status: `held: ${open.sentence}` })).toBeNull();
    expect(worstSentence({ guardrails: [{ ...open, enforce: 'observe' }], status })).toBeNull();
  });

  it('names its rule, its arithmetic and what is missing', () => {
    const minimums = [{ what: 'control devices', have: 1, need: 4, met: false }];
    const excluded = { camera: 3, partial: 0 };
    const shown = verdict({
      minimums,
      excluded,
      blind: ['line-2'],
      needs: '~8 more devices',
      alpha: 0.01,
      boundary: 'always-valid',
    });
    const lines = new Map(whyLines(shown));
    expect(lines.get('Bound')).toBe('always-valid, error of at most 1 % over the whole stage');
    expect(lines.get('Would decide it')).toBe('~8 more devices');
    expect(gapsOf(shown)).toEqual([
      'control devices: 1 of 4',
      '3 windows left out: camera',
      'no evidence of its own: line-2',
    ]);
  });
});

describe('the evidence', () => {
  const evidence: GuardrailEvidence = {
    guardrail: 'p95',
    title: 'p95 latency',
    limitText: '≤ +10 %',
    unit: '%',
    limitLow: null,
    limitHigh: 10,
    shows: 'change',
    candidate: { devices: 2, mean: 6 },
    control: { devices: 3, mean: 0.5 },
    cells: [],
    points: [
      { site: 'fab-1', device: 'd1', hardwareClass: 'orin', arm: 'candidate', value: 2 },
      { site: 'fab-1', device: 'd2', hardwareClass: 'orin', arm: 'candidate', value: 10 },
    ],
    pointsOmitted: 0,
  };
  const cell = { site: 'fab-1', hardwareClass: 'orin', devices: 2, controls: 3, estimate: 12, low: 2, high: 18 };

  it('names the device that lies furthest to the bad side', () => {
    expect(pairsSummary(evidence)).toContain('Furthest: fab-1/d2 with +10 %');
    expect(pairsSummary({ ...evidence, limitLow: -5, limitHigh: null })).toContain('Furthest: fab-1/d1');
  });

  it('keeps red for what was judged', () => {
    const judged = verdict({ guardrail: 'p95', verdict: 'pass' });
    expect(cellOf(evidence, { ...cell, within: false }, judged)).toMatchObject({ sign: '!', tone: 'warn' });
    expect(cellOf(evidence, { ...cell, within: false }, { ...judged, verdict: 'breach' })).toMatchObject({
      tone: 'bad',
    });
    expect(cellOf(evidence, { ...cell, within: true }, judged)).toMatchObject({ sign: '✓', tone: 'good' });
    expect(cellOf(evidence, { ...cell, within: true }, judged).says).toContain('2 devices, 3 controls');
  });
});
