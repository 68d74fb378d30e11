// Evidence that is more than one value per device, from sums of windows: distances of histograms, limits against the controls, and
// figures that people brought in.
import { describe, expect, it } from 'vitest';
import { type EvidenceFacts, gatherEvidence } from '../../../control-plane/core/evidence.ts';
import type { DeviceHistory, Question } from '../../../control-plane/core/history.ts';
import { type BusinessRecord, businessRecordSchema } from '../../../shared/measure/business.ts';
import {
  type ArmInput,
  armOf,
  CANDIDATE,
  guardrailOf,
  historyOf,
  STAGE_QUESTION,
  START_MS,
  selectCandidate,
  selectControl,
  WINDOW_MS,
  windowOf,
} from './builders.ts';

const MINIMUM = { framesPerDevice: 100, minutes: 1 };

type Life = {
  readonly device: string;
  readonly isCandidate?: boolean;
  readonly before?: ArmInput;
  readonly since?: ArmInput;
  /** Scores of the answers, by twentieths: before and since. */
  readonly bins?: readonly [readonly number[], readonly number[]];
};

function lifeOf({ device, isCandidate = false, before, since, bins }: Life): DeviceHistory {
  const role = isCandidate ? { digest: CANDIDATE, role: 'candidate' as const } : {};
  const withBins = (input: ArmInput, scoreBins: readonly number[] | undefined) => {
    const arm = armOf(input);
    return scoreBins ? { ...arm, proxies: { ...arm.proxies, scoreBins: [...scoreBins] } } : arm;
  };
  const minutes = (from: number, arm: ReturnType<typeof armOf>) =>
    [0, 1, 2, 3, 4, 5].map((at) => {
      const startAtMs = START_MS + (from + at) * WINDOW_MS;
      return windowOf({ device, seq: 100 + from + at, startAtMs, arms: [arm] });
    });
  return {
    ...historyOf(device),
    before: minutes(-6, withBins({ ...before }, bins?.[0])),
    since: minutes(0, withBins({ ...since, ...role }, bins?.[1])),
  };
}

function factsOf(lives: readonly Life[], question: Question = STAGE_QUESTION): EvidenceFacts {
  const of = (isCandidate: boolean) => lives.filter((life) => (life.isCandidate ?? false) === isCandidate).map(lifeOf);
  return {
    candidates: of(true).map((history) => selectCandidate(history, question)),
    controls: of(false).map((history) => selectControl(history, question)),
    assigned: of(true).length,
    golden: [],
  };
}

describe('a distance between how sure answers are', () => {
  const expr = 'js(confidence) <= 0.1';
  const bins = (low: number, high: number) => [low, high];

  it('is measured between the summed answers of both times, for candidates and for controls', () => {
    const evidence = gatherEvidence(
      guardrailOf(expr, MINIMUM),
      factsOf([
        { device: 'dev-a', isCandidate: true, bins: [bins(50, 50), bins(100, 0)] },
        { device: 'dev-b', bins: [bins(50, 50), bins(30, 30)] },
        { device: 'dev-c', bins: [bins(10, 0), bins(0, 10)] },
      ]),
    );
    if (evidence.kind !== 'changes') throw new Error(evidence.kind);
    expect(evidence.basis).toBe('self');
    // ½·(1·log2(1/0.75)) + ½·(½·log2(½/0.75) + ½·log2(½/0.25))
    expect(evidence.candidates.map(({ change }) => change)).toEqual([expect.closeTo(0.3113, 4)]);
    expect(evidence.controls.map(({ change }) => change)).toEqual([expect.closeTo(0, 9), expect.closeTo(1, 9)]);
    // What windows scatter by is how far each of them is from the past, half of which is left out for a boot.
    expect(evidence.candidates).toMatchObject([{ since: { windows: 6 }, before: { windows: 3 } }]);
  });

  it('is not measured of agents that do not count scores', () => {
    const evidence = gatherEvidence(guardrailOf(expr, MINIMUM), factsOf([{ device: 'dev-a', isCandidate: true }]));
    expect(evidence).toMatchObject({ kind: 'changes', candidates: [] });
  });
});

describe('a limit against the controls', () => {
  it('lies where they stand meanwhile, whatever they did before', () => {
    const evidence = gatherEvidence(
      guardrailOf('rate(errors, frames) <= control + 0.3 pt', MINIMUM),
      factsOf([
        { device: 'dev-a', isCandidate: true, since: { errors: { fault: 9 } } },
        { device: 'dev-b', before: { errors: { fault: 30 } }, since: { errors: { fault: 3 } } },
        { device: 'dev-c', since: { errors: { fault: 6 } } },
      ]),
    );
    expect(evidence).toMatchObject({ kind: 'changes', reference: { rate: 0.015 } });
  });

  it('lies where the candidates stood before when there are no controls', () => {
    const lives = [{ device: 'dev-a', isCandidate: true, before: { errors: { fault: 6 } } }];
    const guardrail = guardrailOf('rate(errors, frames) <= control + 0.3 pt', MINIMUM);
    expect(gatherEvidence(guardrail, factsOf(lives))).toMatchObject({ reference: { rate: 0.02 } });
  });
});

describe('figures that people brought in', () => {
  const HOUR = 3_600_000;
  const recordOf = (hour: number, figures: Partial<BusinessRecord>): BusinessRecord =>
    businessRecordSchema.parse({
      site: 'plant-a',
      device: 'dev-a',
      fromMs: START_MS + hour * HOUR,
      toMs: START_MS + (hour + 1) * HOUR,
      ...figures,
    });
  const alerts = (hour: number, falseAlerts: number) =>
    recordOf(hour, { frames: 10_000, alerts: 200, reviewed: 100, falseAlerts });
  const business = [alerts(-3, 10), alerts(-2, 10), alerts(1, 40), alerts(2, 40), alerts(3, 40)];

  it('count for a candidate from when it answers, for a control from when anybody does', () => {
    const question = { ...STAGE_QUESTION, servedSinceMs: START_MS + HOUR };
    const history = { ...historyOf('dev-a'), business, servesSinceMs: START_MS + 2 * HOUR };
    const spans = [selectCandidate(history, question), selectControl(history, question)].map(({ business: of }) => of);
    expect(spans.map((of) => [of?.before.length, of?.since.length])).toEqual([
      [2, 2],
      [2, 3],
    ]);
    expect(selectControl(history, STAGE_QUESTION).business).toMatchObject({ since: [] });
  });

  it('are compared with those of before, and say how much was looked at', () => {
    const question = { ...STAGE_QUESTION, servedSinceMs: START_MS };
    const candidate = selectCandidate({ ...historyOf('dev-a'), business, servesSinceMs: START_MS }, question);
    const facts: EvidenceFacts = { candidates: [candidate], controls: [], assigned: 1, golden: [] };
    const evidence = gatherEvidence(guardrailOf('rate(false_alerts, frames_k) <= baseline * 1.5', MINIMUM), facts);
    if (evidence.kind !== 'changes') throw new Error(evidence.kind);
    expect(evidence).toMatchObject({ basis: 'self', count: 3, reviewedShare: 0.5 });
    expect(Math.exp(evidence.candidates[0]?.change ?? 0)).toBeCloseTo(4, 0);
    expect(evidence.candidates[0]).toMatchObject({ since: { windows: 3 }, before: { windows: 2 } });
  });
});
