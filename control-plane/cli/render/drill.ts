// A drill as people read it: kept or not, what was measured against what is promised, and what happened.
import type { Drill, DrillResult } from '../../../shared/protocol/api-drills.ts';
import type { Output } from '../output.ts';
import { renderTable } from './table.ts';

/** Of the timeline; --json has all of it. */
const TIMELINE_SHOWN = 20;

export function renderDrill(drill: Drill, output: Pick<Output, 'tint'>): string {
  const { id, failure, scope, state, result, rolloutId } = drill;
  const tone = state === 'passed' ? 'good' : state === 'failed' ? 'bad' : 'warn';
  const head = [
    `${output.tint('bold', id)}  ${output.tint(tone, state)}  ${failure} on ${scope}`,
    ...(rolloutId === null ? [] : [`  as rollout ${rolloutId}`]),
  ];
  if (result === null) return head.join('\n');
  return [
    ...head,
    `  ${result.sentence}`,
    '',
    renderPromises(result, output),
    '',
    ...renderTimeline(result),
    ...notes(result),
  ].join('\n');
}

function renderPromises({ promises }: DrillResult, output: Pick<Output, 'tint'>): string {
  const rows = promises.map(({ what, tookMs, limitMs, kept }) => [
    kept ? output.tint('good', '✔') : output.tint('bad', '✘'),
    what,
    tookMs === null ? '–' : formatSeconds(tookMs),
    `< ${formatSeconds(limitMs)}`,
  ]);
  return renderTable(
    ['', 'PROMISE', 'TOOK', 'LIMIT'].map((title) => ({ title })),
    rows,
  );
}

function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function renderTimeline({ timeline }: DrillResult): readonly string[] {
  const shown = timeline
    .slice(0, TIMELINE_SHOWN)
    .map(({ afterMs, text }) => `  ${`${(afterMs / 1000).toFixed(1)} s`.padStart(9)}  ${text}`);
  return timeline.length > TIMELINE_SHOWN
    ? [...shown, `             … ${timeline.length - TIMELINE_SHOWN} more: --json`]
    : shown;
}

function notes({ assumptions }: DrillResult): readonly string[] {
  return assumptions.map((assumption) => `  note: ${assumption}`);
}
