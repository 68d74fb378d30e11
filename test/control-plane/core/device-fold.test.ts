// What is added up window by window is what adding everything up anew says: for any lengths of ticks, whatever arrives late, out of
// order or twice, over stages, roles and with most windows forgotten.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rememberTotals } from '../../../control-plane/core/device-memory.ts';
import { measureChange } from '../../../control-plane/core/device-metrics.ts';
import { totalsOf } from '../../../control-plane/core/device-totals.ts';
import type { DeviceHistory, Question, Sample } from '../../../control-plane/core/history.ts';
import type { Selected } from '../../../control-plane/core/selected.ts';
import type { Span } from '../../../control-plane/core/span-sum.ts';
import type { Window } from '../../../shared/measure/window.ts';
import {
  armOf,
  CANDIDATE,
  guardrailOf,
  historyOf,
  pairedOf,
  STAGE_QUESTION,
  START_MS,
  scatterOf,
  WINDOW_MS,
  windowOf,
} from './builders.ts';

const GUARDRAILS = [
  'p95(latency_ms) <= baseline * 1.10',
  'p99(run_ms) <= 40 ms',
  'rate(errors, frames) <= 1 %',
  'mean(soc_temp_c) <= baseline + 5',
  'rate(lost) <= 10 %',
  'mean(border_share) <= baseline + 3 pt',
].map((expr) => guardrailOf(expr));

type Minute = {
  readonly minute: number;
  readonly kind: 'baseline' | 'candidate' | 'shadow' | 'switch' | 'blind' | 'gap';
};

function windowAt({ minute, kind }: Minute): Window {
  const candidate = { digest: CANDIDATE, role: kind === 'shadow' ? ('shadow' as const) : ('candidate' as const) };
  const latencyMs = 10 + ((minute * 7) % 11);
  const baselineArm = armOf({ latencyMs, errors: { fault: Math.abs(minute) % 3 } });
  const candidateArm = armOf({ ...candidate, latencyMs: latencyMs * 1.1 });
  const arms = {
    baseline: [baselineArm],
    candidate: [candidateArm],
    shadow: [baselineArm, candidateArm],
    switch: [baselineArm, candidateArm],
    blind: [candidateArm],
    gap: [],
  }[kind];
  return windowOf({
    seq: 1000 + minute,
    startAtMs: START_MS + minute * WINDOW_MS,
    arms,
    healthy: kind !== 'blind',
    temperatureC: minute % 5 === 0 ? null : 50 + (minute % 4),
    paired: kind === 'shadow' ? pairedOf([{ class: 'dent', base: 40, lost: minute % 4 }]) : null,
  });
}

/** Everything that can be told of a device. */
function told(selected: Selected, nowMs: number) {
  const spanOf = (span: Span) => {
    const { quantile, ...totals } = span.totals;
    return {
      ...JSON.parse(JSON.stringify(totals)),
      quantiles: [0.5, 0.95, 0.99].map((q) => [quantile('latency', q), quantile('run', q)]),
      scatter: GUARDRAILS.slice(0, 4).map(({ expression }) => span.scatter(expression)),
    };
  };
  const { since, before, paired, ...rest } = selected;
  const border = paired.border();
  const spans = [
    since,
    since.between(nowMs - 10 * WINDOW_MS, nowMs - 5 * WINDOW_MS),
    since.between(nowMs - 5 * WINDOW_MS, nowMs),
  ];
  return {
    ...rest,
    since: spans.map(spanOf),
    before: spanOf(before),
    paired: [paired.hits(null, 'lost'), paired.between(nowMs - 5 * WINDOW_MS, nowMs).hits(null, 'lost'), border],
  };
}

const KINDS = ['baseline', 'candidate', 'shadow', 'switch', 'blind', 'gap'] as const;

/** A life: what each minute was, and when its window arrived, in minutes after its end. */
const LIFE = fc
  .array(fc.record({ kind: fc.constantFrom(...KINDS), lateMinutes: fc.constantFrom(0, 0, 0, 0, 1, 3, 15) }), {
    minLength: 4,
    maxLength: 40,
  })
  .chain((minutes) =>
    fc.record({
      minutes: fc.constant(minutes),
      past: fc.integer({ min: 0, max: 6 }),
      stageAt: fc.integer({ min: 0, max: 30 }),
      mode: fc.constantFrom('serve' as const, 'shadow' as const, 'golden' as const),
    }),
  );

function questionAt(minute: number, { stageAt, mode }: { stageAt: number; mode: Question['mode'] }): Question {
  const isLater = minute >= stageAt;
  const nowMs = START_MS + minute * WINDOW_MS;
  return {
    ...STAGE_QUESTION,
    mode: isLater ? 'serve' : mode,
    stageStartedAtMs: isLater ? START_MS + stageAt * WINDOW_MS : START_MS,
    liveSinceMs: isLater && mode === 'golden' ? START_MS + stageAt * WINDOW_MS : START_MS,
    settleMs: WINDOW_MS,
    keep: { fromMs: nowMs - 10 * WINDOW_MS, guardrails: GUARDRAILS },
  };
}

describe('what is carried on from tick to tick', () => {
  it('is what adding everything up anew says', () => {
    fc.assert(
      fc.property(LIFE, ({ minutes, past, ...stage }) => {
        const memory = rememberTotals();
        const before = Array.from({ length: past }, (_, at) => windowAt({ minute: at - past, kind: 'baseline' }));
        const windows = minutes.map(({ kind, lateMinutes }, minute) => ({
          window: windowAt({ minute, kind }),
          arrives: minute + 1 + lateMinutes,
        }));
        for (let minute = 1; minute <= minutes.length + 2; minute += 1) {
          const since = windows.filter(({ arrives }) => arrives <= minute).map(({ window }) => window);
          const history: DeviceHistory = { ...historyOf(), before, since };
          const question = questionAt(minute, stage);
          const nowMs = START_MS + minute * WINDOW_MS;
          for (const as of ['candidate', 'control'] as const)
            expect(told(memory[as](history, question), nowMs)).toEqual(
              told(rememberTotals()[as](history, question), nowMs),
            );
        }
      }),
      { seed: 11, numRuns: 40 },
    );
  });

  it('is changed by a late window for later ticks alone', () => {
    const windows = Array.from({ length: 8 }, (_, minute) => windowAt({ minute, kind: 'candidate' }));
    const memory = rememberTotals();
    const at = (since: readonly Window[]) =>
      memory.candidate({ ...historyOf(), since }, questionAt(8, { stageAt: 0, mode: 'serve' }));
    const withoutOne = windows.filter((_, minute) => minute !== 4);
    const earlier = at(withoutOne);
    const { windows: counted, frames } = earlier.since.totals;
    expect(at(windows).since.windows).toBe(counted + 1);
    expect(earlier.since.totals).toMatchObject({ windows: counted, frames });
  });

  it('of a device that came later begins with its own first windows, however long it waits', () => {
    const memory = rememberTotals();
    const since: Window[] = [];
    for (let minute = 1; minute <= 30; minute += 1) {
      since.push(windowAt({ minute, kind: minute < 25 ? 'baseline' : 'candidate' }));
      const selected = memory.candidate(
        { ...historyOf(), since },
        questionAt(minute + 1, { stageAt: 0, mode: 'serve' }),
      );
      expect(selected.before.windows).toBe(minute < 25 ? 0 : 24);
    }
  });
});

describe('a scatter that is added up', () => {
  it('is that of the values themselves', () => {
    const values = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 6, maxLength: 30 });
    fc.assert(
      fc.property(values, (numbers) => {
        const average = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
        const squares = numbers.reduce((sum, value) => sum + (value - average) ** 2, 0);
        const { windows, varianceOfMean, effectiveWindows } = scatterOf(numbers);
        expect(windows).toBe(numbers.length);
        expect(varianceOfMean * effectiveWindows * (windows - 1)).toBeCloseTo(squares, 9);
        expect(effectiveWindows).toBeLessThanOrEqual(windows);
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  it('counts neighbours that resemble each other for less', () => {
    const slow = Array.from({ length: 40 }, (_, at) => Math.sin(at / 6));
    const average = slow.reduce((sum, value) => sum + value, 0) / slow.length;
    const squares = slow.reduce((sum, value) => sum + (value - average) ** 2, 0);
    const products = slow.slice(1).reduce((sum, value, at) => sum + (value - average) * ((slow[at] ?? 0) - average), 0);
    const correlation = Math.min(0.9, products / squares);
    expect(scatterOf(slow).effectiveWindows).toBeCloseTo((40 * (1 - correlation)) / (1 + correlation), 9);
  });
});

describe('a change of rates', () => {
  const { expression } = guardrailOf('rate(errors, frames) <= baseline * 1.5');
  const of = (windows: number, errors: number) =>
    totalsOf(
      Array.from({ length: windows }, (_, minute): Sample => {
        const arm = armOf({ errors: errors > 0 ? { fault: errors } : {} });
        return { window: windowOf({ seq: minute + 1, startAtMs: START_MS + minute * WINDOW_MS, arms: [arm] }), arm };
      }),
    );

  it('is none when there was never an error, however long the past is', () => {
    expect(measureChange(of(2, 0), of(60, 0), expression)).toBeCloseTo(0, 9);
  });

  it('is none when the rate is the same, over spans of any length', () => {
    expect(measureChange(of(2, 3), of(60, 3), expression)).toBeCloseTo(0, 9);
    expect(measureChange(of(40, 3), of(4, 3), expression)).toBeCloseTo(0, 9);
  });

  it('grows with the rate', () => {
    expect(measureChange(of(10, 9), of(10, 3), expression)).toBeCloseTo(Math.log(90.5 / 30.5), 9);
  });
});
