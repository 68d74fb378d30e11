// What the newer words of the rollout language measure, from evidence to verdict: limits against the controls, business figures, starts,
// overlap of boxes, disagreement and distances.
import { describe, expect, it } from 'vitest';
import { attribute } from '../../../control-plane/business/business-rows.ts';
import { businessRows } from '../../../control-plane/core/business-report.ts';
import { type EvidenceFacts, gatherEvidence } from '../../../control-plane/core/evidence.ts';
import type { GoldenDevice } from '../../../control-plane/core/golden-evidence.ts';
import type { DeviceHistory, Question } from '../../../control-plane/core/history.ts';
import { judge, STANDARD_RULE } from '../../../control-plane/core/judge.ts';
import { type BusinessRecord, businessRecordSchema } from '../../../shared/measure/business.ts';
import type { Verdict } from '../../../shared/rollout/verdict.ts';
import {
  type ArmInput,
  armOf,
  BASELINE,
  CANDIDATE,
  guardrailOf,
  historyOf,
  pairedOf,
  STAGE_QUESTION,
  START_MS,
  selectCandidate,
  selectControl,
  WINDOW_MS,
  windowOf,
} from './builders.ts';

const EVIDENCE = { devices: 2, controls: 2, framesPerDevice: 1000, minutes: 5 };

function windows(device: string, from: number, count: number, arm: (w: number) => ArmInput) {
  return Array.from({ length: count }, (_, w) =>
    windowOf({ device, seq: from + w + 5000, startAtMs: START_MS + (from + w) * WINDOW_MS, arms: [armOf(arm(w))] }),
  );
}

type Errors = { readonly candidate: number; readonly meanwhile: number };

/** Six candidates and six controls; 600 frames a minute, so many of them failed. */
function errorFacts({ candidate, meanwhile }: Errors): EvidenceFacts {
  const device = (index: number, isCandidate: boolean): DeviceHistory => {
    const name = `dev-${index}`;
    const errors = (count: number, w: number) => ({ errors: { fault: count + ((w + index) % 2) }, frames: 600 });
    const since = windows(name, 0, 20, (w) =>
      isCandidate
        ? { digest: CANDIDATE, role: 'candidate', ...errors(candidate, w) }
        : { digest: BASELINE, ...errors(meanwhile, w) },
    );
    return { ...historyOf(name), before: windows(name, -20, 20, (w) => errors(1, w)), since };
  };
  return {
    candidates: [0, 1, 2, 3, 4, 5].map((i) => selectCandidate(device(i, true), STAGE_QUESTION)),
    controls: [6, 7, 8, 9, 10, 11].map((i) => selectControl(device(i, false), STAGE_QUESTION)),
    assigned: 6,
    golden: [],
  };
}

describe('rate(errors, frames) <= control + 0.5 pt', () => {
  const guardrail = guardrailOf('rate(errors, frames) <= control + 0.5 pt', EVIDENCE);
  const verdict = (errors: Errors) => judge(guardrail, gatherEvidence(guardrail, errorFacts(errors)));

  it('breaks when candidates show more than that beyond what the controls show, in points', () => {
    const found = verdict({ candidate: 12, meanwhile: 1 });
    expect(found).toMatchObject({ verdict: 'breach', unit: 'pt', limitHigh: 0.5 });
    expect(found.estimate).toBeGreaterThan(1.2);
    expect(found.estimate).toBeLessThan(2.5);
  });

  it('does not when the controls show it too: something else is wrong', () => {
    expect(verdict({ candidate: 12, meanwhile: 12 }).verdict).not.toBe('breach');
    expect(verdict({ candidate: 1, meanwhile: 1 }).verdict).toBe('pass');
  });

  it('is judged on a finished window too, with the controls of that window', () => {
    const calm = gatherEvidence(guardrail, errorFacts({ candidate: 1, meanwhile: 1 }));
    const lateRule = (late: Errors) => {
      const evidence = gatherEvidence(guardrail, errorFacts(late));
      const span = { fromMs: START_MS, toMs: START_MS + 20 * WINDOW_MS };
      return { ...STANDARD_RULE, windows: { planned: 4, finished: { evidence, ...span, number: 2 } } };
    };
    expect(judge(guardrail, calm, lateRule({ candidate: 20, meanwhile: 1 }))).toMatchObject({
      verdict: 'breach',
      boundary: 'window 2',
    });
    expect(judge(guardrail, calm, lateRule({ candidate: 20, meanwhile: 20 })).verdict).not.toBe('breach');
  });
});

const HOUR = 3_600_000;
const SERVED_MS = START_MS;
const QUESTION: Question = { ...STAGE_QUESTION, servedSinceMs: SERVED_MS };

function record(device: string, hour: number, figures: Partial<BusinessRecord>): BusinessRecord {
  const fromMs = SERVED_MS + hour * HOUR;
  return businessRecordSchema.parse({ site: 'plant-a', device, fromMs, toMs: fromMs + HOUR, ...figures });
}

/** Eight candidates and eight controls, six shifts before and six since; `factor` on what a defect costs since. */
function businessFacts(factor: number, reviewed = 50): EvidenceFacts {
  const device = (index: number, isCandidate: boolean): DeviceHistory => {
    const name = `dev-${index}`;
    const at = (hour: number) => {
      const change = hour >= 0 && isCandidate ? factor : 1;
      const own = 100 + index + ((hour + 12 + index) % 3);
      const falseAlerts = Math.round((reviewed * 0.2 * (hour >= 0 && isCandidate ? factor : 1) * own) / 100);
      return record(name, hour, {
        cost: own * change,
        defectsCaught: 100,
        frames: 100_000,
        alerts: 200,
        reviewed,
        falseAlerts,
      });
    };
    const business = [-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5].map(at);
    return { ...historyOf(name), business, servesSinceMs: isCandidate ? SERVED_MS : null };
  };
  return {
    candidates: [0, 1, 2, 3, 4, 5, 6, 7].map((i) => selectCandidate(device(i, true), QUESTION)),
    controls: [8, 9, 10, 11, 12, 13, 14, 15].map((i) => selectControl(device(i, false), QUESTION)),
    assigned: 8,
    golden: [],
  };
}

describe('business figures', () => {
  const verdictOf = (expr: string, facts: EvidenceFacts, minimum = {}): Verdict => {
    const guardrail = guardrailOf(expr, { ...EVIDENCE, ...minimum });
    return judge(guardrail, gatherEvidence(guardrail, facts));
  };

  it('are compared per device, with the past and the controls, like anything else', () => {
    expect(verdictOf('cost_per_defect <= baseline * 1.10', businessFacts(1))).toMatchObject({ verdict: 'pass', n: 8 });
    const dear = verdictOf('cost_per_defect <= baseline * 1.10', businessFacts(1.3));
    expect(dear.verdict).toBe('breach');
    expect(dear.estimate).toBeCloseTo(30, -0.5);
  });

  it('show an improvement only where there is one', () => {
    expect(verdictOf('cost_per_defect improves >= 5 %', businessFacts(0.88)).verdict).toBe('pass');
    expect(verdictOf('cost_per_defect improves >= 5 %', businessFacts(1)).verdict).not.toBe('pass');
  });

  it('say nothing about false alerts while too few alerts were looked at', () => {
    const expr = 'rate(false_alerts, frames_k) <= baseline * 1.5';
    expect(verdictOf(expr, businessFacts(1, 100), { reviewedShare: 0.3 }).verdict).toBe('pass');
    const few = verdictOf(expr, businessFacts(1, 40), { reviewedShare: 0.3 });
    expect(few.verdict).toBe('no-data');
    expect(few.sentence).toContain('share of the alerts reviewed');
  });

  it('are no evidence when nobody brought any', () => {
    expect(verdictOf('cost_per_defect <= baseline * 1.10', errorFacts({ candidate: 1, meanwhile: 1 })).verdict).toBe(
      'no-data',
    );
  });

  it('count for a line only while all its devices run the same release', () => {
    const line = { device: null, line: 'line-1' } as const;
    const records = [-1, 0, 1, 2].map((hour) => ({ ...record('cam-x', hour, { cost: 1 }), ...line }));
    const on = (device: string, hour: number | null) => {
      const servesSinceMs = hour === null ? null : SERVED_MS + hour * HOUR;
      return { site: 'plant-a', device, line: 'line-1', servesSinceMs };
    };
    const hours = (found: ReturnType<typeof attribute>) =>
      found.get('plant-a/cam-1')?.map(({ fromMs }) => (fromMs - SERVED_MS) / HOUR);
    expect(hours(attribute(records, [on('cam-2', 2), on('cam-1', 0)]))).toEqual([-1, 2]);
    expect(hours(attribute(records, [on('cam-2', null), on('cam-1', 0)]))).toEqual([-1]);
    expect(hours(attribute(records, [on('cam-2', null), on('cam-1', null)]))).toEqual([-1, 0, 1, 2]);
  });

  it('stand in the report with their range, whether a guardrail asks for them or not', () => {
    const devices = [...Array(16).keys()].map((index) => {
      const isCandidate = index < 8;
      const records = [-3, -2, -1, 0, 1, 2].map((hour) =>
        record(`dev-${index}`, hour, {
          cost: (100 + index + (hour % 2)) * (isCandidate && hour >= 0 ? 0.9 : 1),
          defectsCaught: 50,
        }),
      );
      const servesSinceMs = isCandidate ? SERVED_MS : null;
      return { site: 'plant-a', device: `dev-${index}`, hardwareClass: 'orin-nx', servesSinceMs, records };
    });
    const facts = { devices, servedSinceMs: SERVED_MS, endedAtMs: null, verdicts: [] };
    const [row, ...others] = businessRows(facts);
    expect(others).toEqual([]);
    expect(row).toMatchObject({ metric: 'cost_per_defect', devices: 8, controls: 8, limitText: null });
    expect(row?.estimate).toBeCloseTo(-10, 0);
    expect(row?.low).toBeLessThan(row?.estimate ?? 0);
  });
});

describe('cold starts', () => {
  const golden = (factor: number, probes: number): readonly GoldenDevice[] =>
    [1, 2, 3].map((index) => {
      const starts = (scale: number) => Array.from({ length: probes }, (_, i) => (1000 + 10 * index + 7 * i) * scale);
      return {
        site: 'plant-a',
        device: `dev-${index}`,
        hardwareClass: 'orin-nx',
        isCandidate: true,
        candidate: null,
        baseline: null,
        coldStarts: { candidate: starts(factor), baseline: starts(1) },
      };
    });
  const guardrail = guardrailOf('p95(cold_start_ms) <= baseline * 1.5', { devices: 2, probesPerDevice: 5 });
  const verdict = (factor: number, probes: number) =>
    judge(
      guardrail,
      gatherEvidence(guardrail, { candidates: [], controls: [], assigned: 3, golden: golden(factor, probes) }),
    );

  it('are compared on the same device, with as many starts as are asked for', () => {
    expect(verdict(1.1, 5)).toMatchObject({ verdict: 'pass', n: 3 });
    expect(verdict(4, 5).verdict).toBe('breach');
    expect(verdict(1.1, 2).verdict).toBe('no-data');
    expect(verdict(1.1, 2).sentence).toContain('5 starts of each release');
  });
});

describe('golden IoU', () => {
  const device = (mean: number, images = 600): GoldenDevice => {
    const objects = 900;
    const scores = (value: number) => [
      {
        ...{ class: 'micro-crack', size: 'all' as const, objects, found: 850, falseAlarms: 5, ap50: 0.9 },
        iouSum: value * objects,
        iouSquares: (value ** 2 + 0.01) * objects,
      },
    ];
    return {
      ...{ device: 'dev-1', hardwareClass: 'orin-nx', isCandidate: true },
      candidate: scores(mean),
      baseline: scores(0.8),
      images: { candidate: images, baseline: 600 },
    };
  };
  const verdict = (golden: GoldenDevice) => {
    const guardrail = guardrailOf('golden.iou(class=micro-crack) >= baseline - 1 pt', { objects: 400, images: 500 });
    return judge(guardrail, gatherEvidence(guardrail, { candidates: [], controls: [], assigned: 1, golden: [golden] }));
  };

  it('decides a point of overlap with the spread that the objects have', () => {
    expect(verdict(device(0.801)).verdict).toBe('pass');
    expect(verdict(device(0.75))).toMatchObject({ verdict: 'breach', unit: 'pt' });
  });

  it('needs as many pictures as the file asks for, and agents that measure it', () => {
    expect(verdict(device(0.801, 100)).sentence).toContain('labelled pictures tried by the candidate');
    const old = device(0.801);
    const unmeasured = { ...old, candidate: old.candidate?.map(({ iouSum: _, ...score }) => score) ?? null };
    expect(verdict(unmeasured).verdict).toBe('no-data');
  });
});

describe('what only two releases together show', () => {
  it('disagreement counts a wrong class on both sides', () => {
    const paired = pairedOf([{ class: 'dent', base: 100, lost: 5, wrong: 2, gained: 5 }]);
    const history: DeviceHistory = {
      ...historyOf('dev-1'),
      since: windows('dev-1', 0, 6, () => ({})).map((window) => ({ ...window, paired })),
    };
    const guardrail = guardrailOf('mean(shadow_disagreement) <= 6 %');
    const selected = selectCandidate(history, { ...STAGE_QUESTION, mode: 'shadow' });
    const evidence = gatherEvidence(guardrail, { candidates: [selected], controls: [], assigned: 1, golden: [] });
    expect(evidence).toMatchObject({ kind: 'shares', devices: [{ hits: 6 * 14, total: 6 * 200 }] });
  });

  it('a distance of confidences is small when nothing changed, and large when it did', () => {
    const bins = (at: number) => Array.from({ length: 20 }, (_, i) => (i === at ? 90 : 1));
    const history = (name: string, since: number): DeviceHistory => {
      const withBins = (at: number, from: number) =>
        windows(name, from, 12, () => (from >= 0 ? { digest: CANDIDATE, role: 'candidate' } : {})).map((window) => ({
          ...window,
          arms: window.arms.map((arm) => ({ ...arm, proxies: { ...arm.proxies, scoreBins: bins(at) } })),
        }));
      return { ...historyOf(name), before: withBins(16, -12), since: withBins(since, 0) };
    };
    const guardrail = guardrailOf('js(confidence) <= 0.05', { ...EVIDENCE, controls: 0 });
    const verdict = (since: number) => {
      const candidates = ['a-1', 'a-2', 'a-3'].map((name) => selectCandidate(history(name, since), STAGE_QUESTION));
      return judge(guardrail, gatherEvidence(guardrail, { candidates, controls: [], assigned: 3, golden: [] }));
    };
    expect(verdict(16).estimate).toBe(0);
    expect(verdict(4).estimate).toBeGreaterThan(0.3);
  });
});

describe("a device's own past", () => {
  const DAY = 1440;
  const past = (alike: Question['past']) => {
    const before = windows('dev-1', -DAY, DAY, (w) => ({ latencyMs: w < 60 ? 40 : 20 }));
    return selectControl({ ...historyOf('dev-1'), before }, { ...STAGE_QUESTION, ...(alike ? { past: alike } : {}) })
      .before;
  };
  const minuteOf = (atMs: number) => Math.floor(atMs / 60_000) % 1440;

  it('is the same hours of the day, where the file asks for the same shift', () => {
    const alike = { fromMinute: minuteOf(START_MS), toMinute: minuteOf(START_MS + 60 * WINDOW_MS) };
    expect(past({ minMs: 0, alike }).windows).toBe(60);
    expect(past(undefined).windows).toBe(DAY - 15);
  });

  it('is none when there is less of it than the file asks for', () => {
    expect(past({ minMs: 3 * DAY * WINDOW_MS, alike: null }).windows).toBe(0);
  });
});
