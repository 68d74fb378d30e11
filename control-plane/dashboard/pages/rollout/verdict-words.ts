// A verdict explained: the rule, the numbers, what was left out, and which guardrail a reader should look at first.
import type { RolloutView } from '../../../../shared/protocol/api-rollouts.ts';
import { describeDuration } from '../../../../shared/rollout/durations.ts';
import type { Verdict, VerdictKind } from '../../../../shared/rollout/verdict.ts';
import { count, momentText, rangeText, unitText, valueText } from './words.ts';

const WORST_FIRST: readonly VerdictKind[] = ['breach', 'inconclusive', 'pass', 'no-data'];

/** The worst first; those that only observe after those that act. */
export function sortVerdicts(verdicts: readonly Verdict[]): readonly Verdict[] {
  const rank = ({ verdict, enforce }: Verdict) => WORST_FIRST.indexOf(verdict) + (enforce === 'observe' ? 0.5 : 0);
  return verdicts.toSorted((a, b) => rank(a) - rank(b));
}

/** What the address asks for, else the worst that has numbers, else none. */
export function chosenGuardrail(
  { guardrails }: Pick<RolloutView, 'guardrails'>,
  asked: string | undefined,
): string | null {
  const known = guardrails.find(({ guardrail }) => guardrail === asked);
  const first = sortVerdicts(guardrails).find(({ estimate }) => estimate !== null);
  return (known ?? first ?? guardrails[0])?.guardrail ?? null;
}

/** What is not decided well, in the judge's own words; null: all passes, or the status says it already. */
export function worstSentence({ guardrails, status }: Pick<RolloutView, 'guardrails' | 'status'>): string | null {
  const worst = sortVerdicts(guardrails).find(({ enforce }) => enforce !== 'observe');
  if (worst === undefined || worst.verdict === 'pass' || worst.sentence === '') return null;
  return status.includes(worst.sentence) ? null : worst.sentence;
}

export function titleOf({ title, slice }: Verdict): string {
  return slice ? `${title} on ${slice}` : title;
}

const ENFORCES: Readonly<Record<Verdict['enforce'], string>> = {
  rollback: 'a breach rolls back',
  hold: 'a breach holds',
  observe: 'only observed',
};

export function enforceText({ enforce }: Pick<Verdict, 'enforce'>): string {
  return ENFORCES[enforce];
}

export type Line = readonly [term: string, text: string];

/** The rule and the arithmetic, as terms and texts. */
export function whyLines(verdict: Verdict): readonly Line[] {
  const { estimate, low, high, window } = verdict;
  const lines: (Line | null)[] = [
    ['Rule', `${verdict.title} ${verdict.limitText}; ${enforceText(verdict)}`],
    [
      'Now',
      estimate === null ? 'no evidence' : `${valueText(verdict, estimate)}, plausibly ${rangeText(verdict, low, high)}`,
    ],
    ['Compared with', comparedWith(verdict)],
    ['Rests on', `${count(verdict.n, 'device')}, n = ${verdict.count.toLocaleString('en')}; spread ${verdict.spread}`],
    window === undefined
      ? null
      : [
          'Evidence from',
          `${momentText(window[0])} to ${momentText(window[1])} (${describeDuration(window[1] - window[0])})`,
        ],
    verdict.boundary === undefined ? null : ['Bound', boundText(verdict)],
    verdict.needs ? ['Would decide it', verdict.needs] : null,
  ];
  return lines.filter((line) => line !== null);
}

function boundText({ boundary, alpha }: Verdict): string {
  const error =
    alpha === undefined ? '' : `, error of at most ${Number((alpha * 100).toPrecision(2))} % over the whole stage`;
  return `${boundary}${error}`;
}

function comparedWith({ level, controls }: Verdict): string {
  switch (level) {
    case 'same frames':
      return 'the baseline on the same frames';
    case 'labelled frames':
      return 'the baseline on the same labelled frames';
    case 'absolute':
      return 'the limit itself';
    case 'own baseline only':
      return "each device's own past; there are no controls";
    default:
      return `each device's own past, less what ${count(controls, 'control')} of the same ${level} did meanwhile`;
  }
}

/** What was left out or is missing; empty: nothing. */
export function gapsOf({ minimums, excluded, blind }: Verdict): readonly string[] {
  const short = minimums.filter(({ met }) => !met).map(({ what, have, need }) => `${what}: ${have} of ${need}`);
  const left = Object.entries(excluded)
    .filter(([, windows]) => windows > 0)
    .map(([reason, windows]) => `${count(windows, 'window')} left out: ${reason}`);
  return [...short, ...left, ...(blind.length === 0 ? [] : [`no evidence of its own: ${blind.join(', ')}`])];
}

/** What the limit is in the unit of the axis: `10 %`, `−1 pt`. */
export function axisText({ unit }: Pick<Verdict, 'unit'>, value: number): string {
  const magnitude = Math.abs(value);
  const text = String(Number(magnitude.toFixed(magnitude >= 10 ? 0 : magnitude >= 1 ? 1 : 2)));
  const short = unit.length <= 2 ? unitText(unit) : '';
  return `${value < 0 && text !== '0' ? '−' : ''}${text}${short === '' ? '' : ` ${short}`}`;
}
