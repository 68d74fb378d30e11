// What a stage can see: put in by the test, found by the production judge; as large as the documents say, and honest where nothing can
// be said.
import { describe, expect, it } from 'vitest';
import { type AssumedDevice, assumedVisible } from '../../../../control-plane/core/foresight/assumed.ts';
import { inject } from '../../../../control-plane/core/foresight/inject.ts';
import { cutAt, withoutDigest } from '../../../../control-plane/core/foresight/recorded.ts';
import { openTrial } from '../../../../control-plane/core/foresight/trial.ts';
import { smallestVisible } from '../../../../control-plane/core/foresight/visible.ts';
import { judgeScopes } from '../../../../control-plane/core/slices.ts';
import { recordFleet, SIMULATED_START_MS } from '../../../../control-plane/simulation/recorded-fleet.ts';
import { CANDIDATE_DIGEST } from '../../../../control-plane/simulation/windows.ts';
import { expandGuardrails } from '../../../../shared/rollout/guardrails.ts';
import { readRolloutFile } from '../../../../shared/rollout/read-rollout-file.ts';

const FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: seen}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: vision-team, backup: on-call}
  stages:
    - {name: first, percent: 5, bake: 60m}
    - {name: half, percent: 50, bake: 60m}
    - {name: most, percent: 90, bake: 60m}
    - {name: full, percent: 100, bake: 60m}
  analysis: {slices: [overall]}
  guardrails:
    - {id: p95, expr: "p95(latency_ms) <= baseline * 1.10", enforce: rollback}
    - {id: fps, expr: "mean(fps) >= baseline * 0.95", enforce: hold}
    - {id: errors, expr: "rate(errors, frames) <= 0.5 %", enforce: rollback}
    - {id: crashes, events: [crash], enforce: rollback}
`;
/** What only a shadow shows. */
const LOST = '    - {id: lost, expr: "rate(lost) <= 3 %", enforce: hold}\n';

function rules(text = FILE) {
  const read = readRolloutFile(text);
  if (!read.ok) throw new TypeError(JSON.stringify(read.problems));
  return { spec: read.value.spec, guardrails: expandGuardrails(read.value.spec, ['dent']).guardrails };
}

function devices(count: number, from = 0): readonly AssumedDevice[] {
  return Array.from({ length: count }, (_, at) => ({
    site: `plant-${at % 2}`,
    device: `dev-${from + at}`,
    hardwareClass: 'orin-nx',
  }));
}

function assumed(candidates: number, controls: number, id = 'p95') {
  const facts = { ...rules(), stageIndex: 0, candidates: devices(candidates), controls: devices(controls, candidates) };
  const found = assumedVisible(facts).find(({ guardrail }) => guardrail === id);
  if (!found) throw new TypeError('not told');
  return found;
}

describe('without recorded windows', () => {
  it('a stage sees about what is documented for 6 % of device noise, and more devices see less', () => {
    const seen = [2, 4, 12, 50, 100].map((count) => assumed(count, 200 - count).value ?? Infinity);
    expect(seen).toEqual(seen.toSorted((a, b) => b - a));
    const [two = 0, four = 0, twelve = 0, fifty = 0] = seen;
    expect(two).toBeGreaterThan(twelve);
    expect(four).toBeGreaterThan(20);
    expect(four).toBeLessThan(45);
    expect(twelve).toBeGreaterThan(16);
    expect(twelve).toBeLessThan(26);
    expect(fifty).toBeGreaterThan(12);
    expect(fifty).toBeLessThan(17);
  });

  it('a limit from below is told downwards, and a plain limit not at all', () => {
    expect(assumed(12, 100, 'fps').value).toBeLessThan(-5);
    expect(assumed(12, 100, 'errors')).toMatchObject({ value: null, text: expect.stringContaining('recorded') });
    expect(assumed(12, 100, 'crashes').text).toMatch(/^\d+ incidents$/);
  });
});

function trialOf(from: { readonly candidates: number; readonly perSite: number }) {
  const places = ['plant-a', 'plant-b'].flatMap((site) =>
    Array.from({ length: from.perSite }, (_, at) => ({ site, device: `dev-${at}`, hardwareClass: 'orin-nx' })),
  );
  const recorded = recordFleet(5, places, 66);
  const keys = recorded.map(({ site, device }) => `${site}/${device}`);
  const candidates = new Set(keys.filter((_, at) => at % Math.floor(keys.length / from.candidates) === 0));
  return openTrial({
    ...rules(),
    stageIndex: 0,
    devices: recorded,
    candidates,
    candidateDigest: CANDIDATE_DIGEST,
    isRelabelled: true,
    incidents: [],
    startAtMs: SIMULATED_START_MS,
    endAtMs: SIMULATED_START_MS + 63 * 60_000,
  });
}

describe('on recorded windows', () => {
  const trial = trialOf({ candidates: 12, perSite: 24 });
  const judged = trial.at(trial.facts.endAtMs);
  const of = (id: string) => {
    const found = judged.find(({ guardrail }) => guardrail.id === id);
    if (!found) throw new TypeError(id);
    return found;
  };

  it('the baseline passes as its own candidate', () => {
    expect(of('p95').verdict).toMatchObject({ verdict: 'pass', n: 12 });
    expect(of('errors').verdict.verdict).not.toBe('breach');
    expect(of('crashes').verdict.verdict).toBe('pass');
  });

  it('what is told to be seen is what the production judge breaks on, and half of it is not', () => {
    const { value } = smallestVisible(of('p95'), 'recorded');
    if (value === null) throw new TypeError('nothing is seen');
    expect(value).toBeGreaterThan(12);
    expect(value).toBeLessThan(30);
    const verdictAt = (percent: number) => {
      const { evidence, rule, guardrail, slices } = of('p95');
      if (evidence === null) throw new TypeError('no evidence');
      const worse = inject(evidence, Math.log(1 + percent / 100));
      return judgeScopes(guardrail, worse, { ...rule, slices }).verdict;
    };
    expect(verdictAt(value * 1.3)).toBe('breach');
    expect(verdictAt(value * 0.5)).not.toBe('breach');
  });

  it('a plain limit is told as the value at which it breaks, beyond the limit', () => {
    const errors = smallestVisible(of('errors'), 'recorded');
    expect(errors.value).toBeGreaterThan(0.5);
    expect(errors.value).toBeLessThan(1.5);
    expect(errors.text).toMatch(/ %$/);
  });

  it('what a baseline alone cannot show is said, not guessed', () => {
    const first = '- {name: first, percent: 5, bake: 60m}';
    const beside = '- {name: first, percent: 100, mode: shadow, bake: 60m}';
    const { spec, guardrails } = rules(FILE.replace(first, beside) + LOST);
    const shadow = openTrial({ ...trial.facts, spec, guardrails });
    const lost = shadow.at(trial.facts.endAtMs).find(({ guardrail }) => guardrail.id === 'lost');
    if (!lost) throw new TypeError('not judged in a shadow');
    expect(smallestVisible(lost, 'recorded')).toMatchObject({ value: null, text: expect.stringContaining('shadow') });
  });

  it('nothing recorded judges nothing: no pass', () => {
    const empty = openTrial({ ...trial.facts, devices: trial.facts.devices.map((each) => ({ ...each, windows: [] })) });
    for (const { guardrail, verdict } of empty.at(trial.facts.endAtMs))
      expect([guardrail.id, verdict.verdict]).toEqual([guardrail.id, 'no-data']);
  });
});

describe('recorded windows', () => {
  const [device] = recordFleet(1, [{ site: 'plant-a', device: 'dev-0', hardwareClass: 'x86' }], 10);
  if (!device) throw new TypeError('no device');

  it('are told as the candidate from the cut on, frame for frame', () => {
    const { before, since } = cutAt(device, SIMULATED_START_MS, CANDIDATE_DIGEST);
    expect([before.length, since.length]).toEqual([120, 10]);
    expect(before.every(({ arms }) => arms.every(({ role }) => role === 'baseline'))).toBe(true);
    expect(since.every(({ arms }) => arms.every((arm) => arm.digest === CANDIDATE_DIGEST))).toBe(true);
    const original = device.windows.at(-1)?.arms[0];
    expect(since.at(-1)?.arms[0]).toMatchObject({ frames: original?.frames, latencyMs: original?.latencyMs });
  });

  it('of a candidate are no evidence about the baseline', () => {
    const { since } = cutAt(device, SIMULATED_START_MS, CANDIDATE_DIGEST);
    const [left] = withoutDigest([{ ...device, windows: [...device.windows.slice(0, 3), ...since] }], CANDIDATE_DIGEST);
    expect(left?.windows).toHaveLength(3);
  });
});
