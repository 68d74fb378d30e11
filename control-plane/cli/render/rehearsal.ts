// What a rehearsal found, as people read it.
import type { RehearsalResult, RehearsedGuardrail } from '../../../shared/protocol/api-foresight.ts';
import type { Output } from '../output.ts';
import { renderTable } from './table.ts';

export function renderRehearsal(result: RehearsalResult, output: Pick<Output, 'tint'>): string {
  const { guardrails, runs, seed, basis, allowedPct, notes } = result;
  const stages = [...new Set(guardrails.flatMap(({ visible }) => visible.map(({ stage }) => stage)))];
  const rows = guardrails.map((each) => [
    each.guardrail,
    falseAlarms(each),
    rate(each, allowedPct, output),
    each.looks === 0 ? '–' : `${Math.round((100 * each.passed) / each.looks)} %`,
    ...stages.map((stage) => each.visible.find((visible) => visible.stage === stage)?.text ?? ''),
  ]);
  const titles = [
    'GUARDRAIL',
    'FALSE ALARMS',
    `RATE (allowed ${allowedPct} %)`,
    'PASSED',
    ...stages.map((stage) => `SEES: ${stage}`),
  ];
  return [
    `${runs} rehearsals with the baseline as its own candidate, seed ${seed}, ${basis === 'recorded' ? 'recorded windows' : output.tint('warn', 'SIMULATED windows')}`,
    '',
    renderTable(
      titles.map((title) => ({ title })),
      rows,
    ),
    ...guardrails.flatMap(({ example }) => (example === null ? [] : [output.tint('warn', `false alarm: ${example}`)])),
    ...notes.map((note) => `note: ${note}`),
  ].join('\n');
}

function falseAlarms({ falseAlarms: count, runs }: RehearsedGuardrail): string {
  return runs === 0 ? 'not judged' : `${count} of ${runs}`;
}

function rate(
  { ratePct, lowPct, highPct }: RehearsedGuardrail,
  allowedPct: number,
  output: Pick<Output, 'tint'>,
): string {
  if (ratePct === null || lowPct === null || highPct === null) return '–';
  const text = `${ratePct} % (${lowPct} … ${highPct} %)`;
  return lowPct > allowedPct ? output.tint('bad', text) : text;
}
