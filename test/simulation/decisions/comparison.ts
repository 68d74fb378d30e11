// The table: false alarms and minutes to detection of the production judge and of other rules, on the same fleets. One run is
// one fleet with 12 candidate devices of 200, looked at every minute for two hours of data.

import { openFleet } from '../../../control-plane/core/simulated/fleet.ts';
import { slowerBy } from '../../../control-plane/core/simulated/treatments.ts';
import { MINUTE_MS, type WindowMaker } from '../../../control-plane/core/simulated/windows.ts';
import { decodeSketch, quantile } from '../../../shared/measure/latency-sketch.ts';
import type { Window } from '../../../shared/measure/window.ts';
import { type DeviceSeries, OTHER_RULES } from './other-rules.ts';
import { medianOf, type Outcome } from './outcome.ts';
import { openRolloutLife, type RolloutLife } from './rollout-life.ts';
import { FIRST_MINUTE, ONE_GUARDRAIL, readRules, TWELVE_DEVICES } from './rollout-texts.ts';

/** Of the candidate's p95, in percent. The limit is +10 %: up to there every flag is a false alarm. */
export const EFFECTS_PCT: readonly number[] = [0, 5, 10, 15, 20, 30, 50];
export const RULE_NAMES: readonly string[] = [...OTHER_RULES.map(({ name }) => name), 'Belay (production judge)'];

const DATA_MINUTES = 120;

/** One outcome per rule, in the order of `RULE_NAMES`: flagged, and after how many minutes of data. */
export function compareRules(seed: number, effectPct: number, makeWindow: WindowMaker): readonly Outcome[] {
  const rules = readRules({ stages: TWELVE_DEVICES, guardrails: ONE_GUARDRAIL, minimum: FIRST_MINUTE });
  const life = openRolloutLife(openFleet(seed, slowerBy(effectPct / 100)), rules, makeWindow);
  const settleMinutes = rules.spec.analysis.settle / MINUTE_MS;
  const judgedAt = judgeUntilEnd(life, settleMinutes);
  const fleet = life.places().map(
    ({ isCandidate, before, since }): DeviceSeries => ({
      isCandidate,
      past: before.map(levelOf),
      since: since.slice(settleMinutes).map(levelOf),
    }),
  );
  const others = OTHER_RULES.map(({ flags }) => {
    const at = flags(fleet).indexOf(true);
    return at === -1 ? null : at + 1;
  });
  return [...others, judgedAt].map((minute) => ({ isHit: minute !== null, value: minute, detail: '' }));
}

/** Minutes of data at which the production judge rolled back; the fleet lives on to the end for the other rules. */
function judgeUntilEnd(life: RolloutLife, settleMinutes: number): number | null {
  let judgedAt: number | null = null;
  let isEnded = false;
  for (let minute = 1; minute <= DATA_MINUTES + settleMinutes; minute += 1) {
    if (isEnded) {
      life.liveOn();
      continue;
    }
    const { state } = life.tick();
    isEnded = state !== 'running';
    if (state === 'rolling_back') judgedAt = minute - settleMinutes;
  }
  return judgedAt;
}

function levelOf({ arms }: Window): number {
  const [arm] = arms;
  const sketch = arm ? decodeSketch(arm.latencyMs) : null;
  return Math.log((sketch ? quantile(sketch, 0.95) : null) ?? 1);
}

/** Runs by effect, in the order of `EFFECTS_PCT`; each run holds one outcome per rule. */
export type Comparison = {
  readonly runs: number;
  readonly byEffect: readonly (readonly (readonly Outcome[])[])[];
};

/** The first seeds one by one, so that anybody can hold the table against a run of his own. */
export const SLICE = { effectPct: 20, seeds: 2 } as const;

const NAME_WIDTH = 50;
const CELL_WIDTH = 10;

export function comparisonText({ runs, byEffect }: Comparison): string {
  const line = (name: string, cells: readonly string[]) =>
    [name.padEnd(NAME_WIDTH), ...cells.map((cell) => cell.padStart(CELL_WIDTH))].join('').trimEnd();
  const slice = byEffect[EFFECTS_PCT.indexOf(SLICE.effectPct)]?.slice(0, SLICE.seeds) ?? [];
  return [
    `Rule "p95 <= baseline + 10 %", 12 candidate devices of 200, looked at every minute for ${DATA_MINUTES} minutes of data.`,
    `Cells: share of runs that were flagged @ median minute of data; ${runs} run${runs === 1 ? '' : 's'} each, the same fleets for every rule.`,
    'Up to +10 % the candidate keeps its limit: there every flag is a false alarm.',
    '',
    line(
      '',
      EFFECTS_PCT.map((effect) => `+${effect}%`),
    ),
    ...RULE_NAMES.map((name, rule) =>
      line(
        name,
        byEffect.map((outcomes) => cellOf(outcomes.flatMap((run) => run[rule] ?? []))),
      ),
    ),
    '',
    `Minute of the flag by seed, at +${SLICE.effectPct} %:`,
    ...sliceLines(slice),
    '',
  ].join('\n');
}

export function sliceLines(outcomes: readonly (readonly Outcome[])[]): readonly string[] {
  return outcomes.map((run, at) => `seed ${at + 1}: ${run.map(({ value }) => value ?? '-').join(' ')}`);
}

function cellOf(outcomes: readonly Outcome[]): string {
  if (outcomes.length === 0) return 'not run';
  const hits = outcomes.filter(({ isHit }) => isHit);
  const share = `${Math.round((hits.length / outcomes.length) * 100)}`;
  const median = medianOf(hits.flatMap(({ value }) => value ?? []));
  return median === null ? share : `${share} @${median}`;
}
