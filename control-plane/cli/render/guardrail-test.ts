// What guardrails would have said about recorded windows, as people read it.
import type { Episode, GuardrailTally, GuardrailTest } from '../../../shared/protocol/api-foresight.ts';
import type { Output } from '../output.ts';
import { formatDuration, renderTable } from './table.ts';

export function renderGuardrailTest(test: GuardrailTest, output: Pick<Output, 'tint'>): string {
  const what = test.candidate === null ? 'baseline against itself' : `windows of ${test.candidate}`;
  const rows = test.guardrails.map((each) => [
    each.guardrail,
    each.limitText,
    each.enforce,
    `${each.trials}`,
    `${each.passed}`,
    `${each.held}`,
    each.broken > 0 ? output.tint('bad', `${each.broken}`) : '0',
  ]);
  const titles = ['GUARDRAIL', 'LIMIT', 'WHEN BROKEN', 'JUDGED', 'PASSED', 'UNSURE', 'BROKEN'];
  return [
    `${what}, ${utc(test.fromMs)} … ${utc(test.toMs)} UTC, ${test.windows} windows`,
    ...renderTrials(test),
    '',
    renderTable(
      titles.map((title) => ({ title })),
      rows,
    ),
    ...test.guardrails.flatMap((each) => renderEpisodes(each, output)),
    ...test.notes.map((note) => output.tint('warn', `note: ${note}`)),
  ].join('\n');
}

function renderTrials({ trials, against }: GuardrailTest): readonly string[] {
  const [first] = trials;
  if (first === undefined) return [];
  const each = formatDuration(first.endAtMs - first.startAtMs);
  if (against === 'baseline')
    return [
      `${trials.length} × ${each} of stage ${first.stage}: ${first.candidates} of ${first.candidates + first.controls} devices as candidates`,
    ];
  return trials.map(
    ({ stage, startAtMs, endAtMs, candidates, controls }) =>
      `judged as stage ${stage}: ${utc(startAtMs)} … ${utc(endAtMs)}, ${candidates} candidate${candidates === 1 ? '' : 's'}, ${controls} others`,
  );
}

function renderEpisodes({ title, episodes, sentence, broken }: GuardrailTally, output: Pick<Output, 'tint'>): string[] {
  if (episodes.length === 0) return [`  ${sentence}`];
  const heading = broken > 0 ? output.tint('bad', `! ${title}`) : output.tint('warn', `? ${title}`);
  return [heading, ...episodes.map((episode) => `    ${when(episode)}  ${episode.sentence}${consequence(episode)}`)];
}

function when({ fromMs, toMs }: Episode): string {
  return fromMs === toMs ? utc(fromMs) : `${utc(fromMs)} … ${utc(toMs)}`;
}

function consequence({ action }: Episode): string {
  return action === 'none' ? '' : ` → ${action}`;
}

function utc(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
}
