// From file and clock to a rule: which windows are planned and finished, which look it is, what is cut out for them.
import { describe, expect, it } from 'vitest';
import { firstProgress, type Progress } from '../../../control-plane/core/advance.ts';
import { type AssessedDevice, assess } from '../../../control-plane/core/assess.ts';
import { ruleOf, spansOf } from '../../../control-plane/core/stage-rule.ts';
import { type Reported, reportedSchema } from '../../../shared/protocol/reports.ts';
import { expandGuardrails } from '../../../shared/rollout/guardrails.ts';
import { readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';
import { armOf, BASELINE, CANDIDATE, historyOf, START_MS, WINDOW_MS, windowOf } from './builders.ts';

const FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: r}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: team, backup: on-call}
  stages:
    - {name: some, percent: 25, bake: 60m, extend: 2x30m}
    - {name: full, percent: 100, bake: 10m}
  analysis: {settle: 3m, window: 15m, minimum: {devices: 2, controls: 2, framesPerDevice: 1000, minutes: 5}}
  guardrails:
    - {id: p95, expr: "p95(latency_ms) <= baseline * 1.2", enforce: rollback}
`;

const read = readRolloutFile(FILE);
if (!read.ok) throw new Error(JSON.stringify(read));
const { spec } = read.value;
const { guardrails } = expandGuardrails(spec, []);
const [p95] = guardrails;
if (!p95) throw new Error('the file has a guardrail');

const PROGRESS: Progress = { ...firstProgress(START_MS, 'test'), phase: 'baking', lookAtMs: START_MS + 63 * WINDOW_MS };
const NO_FACTS = { candidates: [], controls: [], assigned: 0, golden: [] };
const clockAt = (minute: number, progress = PROGRESS) => ({ nowMs: START_MS + minute * WINDOW_MS, spec, progress });

describe('the windows of a stage', () => {
  it('are those that bake and extensions hold, from the end of settling on', () => {
    expect(spansOf(NO_FACTS, clockAt(17))).toMatchObject({ planned: 8, finished: null });
    expect(spansOf(NO_FACTS, clockAt(18)).finished).toMatchObject({
      number: 1,
      fromMs: START_MS + 3 * WINDOW_MS,
      toMs: START_MS + 18 * WINDOW_MS,
    });
    expect(spansOf(NO_FACTS, clockAt(50)).finished?.number).toBe(3);
  });

  it('are none in a stage that is shorter than one', () => {
    const full = { ...PROGRESS, stageIndex: 1 };
    expect(spansOf(NO_FACTS, clockAt(200, full))).toMatchObject({ planned: 0, finished: null });
  });
});

describe('the look', () => {
  const lookAt = (minute: number, progress = PROGRESS) => {
    const clock = clockAt(minute, progress);
    return ruleOf(p95, spansOf(NO_FACTS, clock), clock).look;
  };

  it('is now only when the bake or an extension ends', () => {
    expect(lookAt(62)).toEqual({ number: 1, of: 3, isNow: false });
    expect(lookAt(63)).toEqual({ number: 1, of: 3, isNow: true });
    expect(lookAt(64, { ...PROGRESS, extensionsUsed: 2, lookAtMs: null })).toEqual({ number: 3, of: 3, isNow: false });
  });
});

function reportedOf(device: string, isCandidate: boolean): Reported {
  const release = { release: 'cv-detector:2.0.0+data=bbbb', digest: isCandidate ? CANDIDATE : BASELINE };
  return reportedSchema.parse({
    v: 1,
    site: 'plant-a',
    device,
    boot: 'boot-0001',
    atMs: START_MS,
    agentVersion: '1',
    hardwareClass: 'orin-nx',
    line: null,
    generation: 1,
    killEpoch: 0,
    phase: isCandidate ? 'candidate' : 'baseline',
    serving: release,
    servedFrames: 100,
    servingBecause: 'test',
    committed: null,
    previous: null,
    candidate: null,
    mode: 'warm',
    provider: null,
    proofs: [],
    quarantine: [],
    kills: [],
    blocked: [],
  });
}

/** Two classes; candidates are slower by `factorOf(class, minute)`. */
function fleetOf(minutes: number, factorOf: (hardwareClass: string, minute: number) => number): AssessedDevice[] {
  return Array.from({ length: 40 }, (_, index): AssessedDevice => {
    const device = `dev-${index}`;
    const hardwareClass = index % 2 === 0 ? 'orin-nx' : 'x86';
    const isCandidate = index < 10;
    const own = 20 + index + 0.3 * (index % 5);
    const windowAt = (minute: number, slower: number) => {
      const wobble = 1 + 0.02 * Math.sin(7 * index + minute);
      const role = isCandidate && minute >= 0 ? ({ digest: CANDIDATE, role: 'candidate' } as const) : {};
      const arms = [armOf({ ...role, latencyMs: own * wobble * slower })];
      return windowOf({ device, seq: 100 + minute, startAtMs: START_MS + minute * WINDOW_MS, arms });
    };
    const since = Array.from({ length: minutes }, (_w, m) => windowAt(m, isCandidate ? factorOf(hardwareClass, m) : 1));
    const before = Array.from({ length: 30 }, (_w, m) => windowAt(m - 30, 1));
    return {
      site: 'plant-a',
      device,
      hardwareClass,
      key: index,
      pin: null,
      role: isCandidate ? 'serve' : 'none',
      online: true,
      lastSeenAtMs: START_MS + minutes * WINDOW_MS,
      reported: reportedOf(device, isCandidate),
      activatedAtMs: isCandidate ? START_MS : null,
      hasRevertEvent: false,
      history: { ...historyOf(device, hardwareClass), before, since },
    };
  });
}

describe('a fleet of two classes', () => {
  const assessAt = (minute: number, factorOf: (hardwareClass: string, minute: number) => number) =>
    assess({
      ...clockAt(minute),
      guardrails,
      candidateDigest: CANDIDATE,
      devices: fleetOf(minute, factorOf),
    }).verdicts[0];

  it('is stopped for the class that is slow, within minutes and before any minimum of a pass is met', () => {
    const verdict = assessAt(6, (hardwareClass) => (hardwareClass === 'x86' ? 1.5 : 0.9));
    expect(verdict).toMatchObject({ verdict: 'breach', slice: 'x86', boundary: 'always-valid' });
    expect(verdict?.sentence).toContain('p95 latency on x86 +');
  });

  it('is stopped by a finished window when it becomes slow late', () => {
    const late = (_class: string, minute: number) => (minute < 48 ? 1 : 1.3);
    expect(assessAt(62, late)?.verdict).not.toBe('breach');
    expect(assessAt(64, late)).toMatchObject({ verdict: 'breach', boundary: 'window 4', slice: null });
  });

  it('passes when nothing changes, and says that it is not yet a look', () => {
    const verdict = assessAt(20, () => 1);
    expect(verdict).toMatchObject({ verdict: 'pass', boundary: 'look 1/3, not yet a look' });
    expect(verdict?.alpha).toBeCloseTo(0.05 / 2 / 2, 9);
    expect(verdict?.slices?.map(({ slice, verdict: kind }) => [slice, kind])).toEqual([
      ['orin-nx', 'pass'],
      ['x86', 'pass'],
    ]);
  });
});
