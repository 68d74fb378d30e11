// The figures that the judge is held to: what is run for each, and what must come out. One seed is one run.

import { slowerBy, type Treatment, UNCHANGED } from '../../../control-plane/simulation/treatments.ts';
import { openWindowMaker, type WindowMaker } from '../../../control-plane/simulation/windows.ts';
import { type NoDataRules, promotesWithoutData, readNoDataRules } from './missing-histories.ts';
import { medianOf, type Outcome } from './outcome.ts';
import { type RunEnd, type RunInput, runRollout } from './rollout-runs.ts';
import {
  EIGHT_GUARDRAILS,
  FIRST_MINUTE,
  ONE_GUARDRAIL,
  STANDARD_MINIMUM,
  TWELVE_DEVICES,
  WHOLE_ROLLOUT,
} from './rollout-texts.ts';
import { measureTicks } from './tick-cost.ts';

export type Row = {
  readonly id: string;
  readonly runs: number;
  readonly value: number;
  readonly goal: string;
  readonly met: boolean;
  /** More numbers behind it. */
  readonly details: Readonly<Record<string, number>>;
};

export type Figure = {
  readonly id: string;
  readonly title: string;
  readonly runs: number;
  /** It times itself, so nothing may run beside it. */
  readonly isAlone: boolean;
  readonly run: (seed: number, tools: Tools) => Outcome;
  readonly summarise: (outcomes: readonly Outcome[]) => Omit<Row, 'id' | 'runs'>;
};

/** Made once per thread. */
export type Tools = { readonly makeWindow: WindowMaker; readonly noData: NoDataRules };

export function openTools(): Tools {
  return { makeWindow: openWindowMaker(), noData: readNoDataRules() };
}

const WHOLE = { stages: WHOLE_ROLLOUT, guardrails: EIGHT_GUARDRAILS, minimum: STANDARD_MINIMUM };
const TWELVE = { stages: TWELVE_DEVICES, guardrails: ONE_GUARDRAIL, minimum: FIRST_MINUTE };

/** Settling takes 3 minutes; two hours of data follow. */
const TWO_HOURS_OF_DATA = 123;
/** Four stages with two extensions each take less. */
const WHOLE_MINUTES_MAX = 600;
const LATE_MINUTE = 60;

export const FIGURES: readonly Figure[] = [
  {
    ...wholeRollout('false-rollback.within', slowerBy(0.05), 'rolled_back'),
    title: 'rolled back although +5 % p95 is within its limit of +10 %: whole rollout, 8 guardrails',
    summarise: (outcomes) => atMost(outcomes, 0.01),
  },
  {
    ...wholeRollout('false-rollback.at-limit', slowerBy(0.1), 'rolled_back'),
    title: 'rolled back exactly at the limit of +10 % p95: whole rollout, 8 guardrails',
    summarise: (outcomes) => atMost(outcomes, 0.05),
  },
  {
    ...detection('detect.p95+20', slowerBy(0.2)),
    title: '+20 % p95 on 12 of 200 devices found within two hours, and its median minute of data',
    summarise: (outcomes) => found(outcomes, { rate: 0.9, medianMinutes: 3 }),
  },
  {
    ...detection('detect.one-class+30', { ...slowerBy(0.3), hardwareClass: 'orin-nx' }),
    title: '+30 % p95 on one of two hardware classes found within two hours',
    summarise: (outcomes) => found(outcomes, { rate: 0.95, medianMinutes: null }),
  },
  {
    ...detection('detect.late+20', { ...slowerBy(0.2), onsetMinute: LATE_MINUTE }),
    title: `+20 % p95 from minute ${LATE_MINUTE} on found within two hours, and not before it is there`,
    run: (seed, tools) => onlyAfter(LATE_MINUTE, detect(seed, { ...slowerBy(0.2), onsetMinute: LATE_MINUTE }, tools)),
    summarise: (outcomes) => found(outcomes, { rate: 0.8, medianMinutes: null }),
  },
  {
    ...wholeRollout('promote.unchanged', UNCHANGED, 'completed'),
    title: 'an unchanged candidate reaches 100 %: whole rollout, 8 guardrails',
    summarise: (outcomes) => atLeast(outcomes, 0.97),
  },
  {
    id: 'promote.no-data',
    title: 'promotions on missing data in random histories',
    runs: 10_000,
    isAlone: false,
    run: (seed, { noData, makeWindow }) => promotesWithoutData(seed, noData, makeWindow),
    summarise: (outcomes) => {
      const value = outcomes.filter(({ isHit }) => isHit).length;
      return { value, goal: '0', met: value === 0, details: {} };
    },
  },
  {
    id: 'tick.10000x20',
    title: 'one tick over 10,000 devices and 20 guardrails on one core, ms',
    runs: 1,
    isAlone: true,
    run: () => measureTicks({ devices: 10_000, also: [100, 1000] }),
    summarise: summariseTicks,
  },
];

function wholeRollout(id: string, treatment: Treatment, counted: RunEnd['end']): Omit<Figure, 'title' | 'summarise'> {
  return {
    id,
    runs: 100,
    isAlone: false,
    run: (seed, { makeWindow }) => {
      const input = { seed, file: WHOLE, treatment, minutesMax: WHOLE_MINUTES_MAX };
      return outcomeOf(runRollout(input, makeWindow), counted, (end) => end.minute);
    },
  };
}

function detection(id: string, treatment: Treatment): Omit<Figure, 'title' | 'summarise'> {
  return { id, runs: 100, isAlone: false, run: (seed, tools) => detect(seed, treatment, tools) };
}

function detect(seed: number, treatment: Treatment, { makeWindow }: Tools): Outcome {
  const input: RunInput = { seed, file: TWELVE, treatment, minutesMax: TWO_HOURS_OF_DATA };
  return outcomeOf(runRollout(input, makeWindow), 'rolled_back', ({ dataMinutes }) => dataMinutes);
}

/** A rollback before the regression is there found nothing: it is a false alarm. */
function onlyAfter(minute: number, outcome: Outcome): Outcome {
  return outcome.value !== null && outcome.value < minute ? { ...outcome, isHit: false, value: null } : outcome;
}

function outcomeOf(end: RunEnd, counted: RunEnd['end'], minutesOf: (end: RunEnd) => number): Outcome {
  const isHit = end.end === counted;
  return { isHit, value: isHit ? minutesOf(end) : null, detail: `${end.end} in ${end.stage}: ${end.reason}` };
}

function atMost(outcomes: readonly Outcome[], limit: number): Omit<Row, 'id' | 'runs'> {
  const value = rateOf(outcomes);
  return { value, goal: `<= ${limit}`, met: value <= limit, details: endsOf(outcomes) };
}

function atLeast(outcomes: readonly Outcome[], limit: number): Omit<Row, 'id' | 'runs'> {
  const value = rateOf(outcomes);
  return { value, goal: `>= ${limit}`, met: value >= limit, details: endsOf(outcomes) };
}

type Wanted = { readonly rate: number; readonly medianMinutes: number | null };

function found(outcomes: readonly Outcome[], { rate, medianMinutes }: Wanted): Omit<Row, 'id' | 'runs'> {
  const value = rateOf(outcomes);
  const median = medianOf(outcomes.flatMap((outcome) => (outcome.value === null ? [] : [outcome.value])));
  const isSoon = medianMinutes === null || (median !== null && median <= medianMinutes);
  return {
    value,
    goal: medianMinutes === null ? `>= ${rate}` : `>= ${rate}, median <= ${medianMinutes} min`,
    met: value >= rate && isSoon,
    details: median === null ? {} : { medianMinutes: median },
  };
}

function summariseTicks(outcomes: readonly Outcome[]): Omit<Row, 'id' | 'runs'> {
  const value = medianOf(outcomes.flatMap((outcome) => outcome.value ?? [])) ?? Number.POSITIVE_INFINITY;
  const details = JSON.parse(outcomes[0]?.detail ?? '{}') as Record<string, number>;
  return { value, goal: '<= 1000, memory flat', met: outcomes.every(({ isHit }) => isHit), details };
}

/** How often each way to end happened. */
function endsOf(outcomes: readonly Outcome[]): Readonly<Record<string, number>> {
  const ends: Record<string, number> = {};
  for (const { detail } of outcomes) {
    const [end = ''] = detail.split(':', 1);
    ends[end] = (ends[end] ?? 0) + 1;
  }
  return ends;
}

function rateOf(outcomes: readonly Outcome[]): number {
  return outcomes.length === 0 ? 0 : outcomes.filter(({ isHit }) => isHit).length / outcomes.length;
}
