// A rollout on one screen: status, stages, devices, factories, guardrails, last decisions. Text in, text out.
import type { RolloutView } from '../../../shared/protocol/api-rollouts.ts';
import type { Verdict } from '../../../shared/rollout/verdict.ts';
import type { Output, Tone } from '../output.ts';
import { formatDuration, renderTable } from './table.ts';

type Tint = Pick<Output, 'tint'>;

/** How many of the newest decisions are shown. */
const DECISIONS_SHOWN = 5;

export function renderRollout(view: RolloutView, output: Tint): string {
  const from = view.baselines.map((baseline) => baseline.release).join(', ') || '?';
  const parts = [
    [
      `Rollout   ${view.name} (${view.id})   ${from} → ${view.candidate.release}   owner ${view.owners.primary} (backup ${view.owners.backup})`,
      `Status    ${output.tint(toneOf(view), describeState(view))}  ${view.status}`,
      `Stages    ${view.stages.map((stage) => renderStage(stage, output)).join(' – ')}${renderNext(view)}`,
      `Devices   ${renderExposure(view)}`,
    ].join('\n'),
    renderFactories(view),
    renderGuardrails(view.guardrails, output),
    renderDecisions(view),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function describeState(view: RolloutView): string {
  if (view.killed !== null) return `KILLED (${view.state})`;
  const state = view.state.replaceAll('_', ' ').toUpperCase();
  return view.state === 'running' ? `${state} ${view.stage}${view.phase ? `, ${view.phase}` : ''}` : state;
}

function toneOf(view: RolloutView): Tone {
  if (view.killed !== null || view.state === 'rolled_back' || view.state === 'rolling_back' || view.state === 'aborted')
    return 'bad';
  return view.state === 'holding' ? 'warn' : 'good';
}

function renderStage(stage: RolloutView['stages'][number], output: Tint): string {
  const size = stage.percent === null ? `${stage.count} devices` : `${stage.percent}%`;
  const text = `${stage.name} ${size} ${formatDuration(stage.bakeMs)}`;
  if (stage.status === 'done') return `${text} ${output.tint('good', '✔')}`;
  return stage.status === 'current' ? output.tint('bold', `[${text}]`) : text;
}

function renderNext(view: RolloutView): string {
  if (view.nextDecisionAtMs === null) return '';
  const inMs = view.nextDecisionAtMs - view.nowMs;
  return inMs > 0 ? `   next look in ${formatDuration(inMs)}` : '   looking now';
}

function renderExposure({ exposure, controls }: RolloutView): string {
  const { assigned, exposed, evaluated, reverted, dark, reachable } = exposure;
  const trouble = [
    reverted > 0 ? `${reverted} reverted` : '',
    dark > 0 ? `${dark} silent` : '',
    assigned > reachable ? `${assigned - reachable} offline` : '',
  ];
  return [
    `${exposed}/${assigned} have the candidate`,
    `${evaluated} with enough evidence`,
    `${controls} controls`,
    ...trouble.filter(Boolean),
  ].join('   ');
}

function renderFactories(view: RolloutView): string {
  const columns = [
    { title: 'FACTORY' },
    ...['DEVICES', 'CANDIDATE', 'EXPOSED', 'CONTROLS', 'ONLINE', 'REVERTED'].map((title) => ({
      title,
      align: 'right' as const,
    })),
  ];
  const rows = view.factories.map((factory) => [
    factory.site,
    ...[factory.devices, factory.candidate, factory.exposed, factory.controls, factory.online, factory.reverted].map(
      String,
    ),
  ]);
  return rows.length === 0 ? '' : renderTable(columns, rows);
}

function renderGuardrails(verdicts: readonly Verdict[], output: Tint): string {
  if (verdicts.length === 0) return '';
  const columns = [
    { title: 'GUARDRAIL' },
    { title: 'LIMIT' },
    { title: 'NOW', align: 'right' as const },
    { title: 'PLAUSIBLE RANGE' },
    { title: 'DEVICES', align: 'right' as const },
    { title: 'COUNT', align: 'right' as const },
    { title: 'VERDICT' },
  ];
  const rows = verdicts.map((verdict) => [
    verdict.title,
    verdict.limitText,
    formatNumber(verdict.estimate, verdict.unit),
    verdict.low === null || verdict.high === null
      ? '–'
      : `${formatNumber(verdict.low, '')} … ${formatNumber(verdict.high, verdict.unit)}`,
    String(verdict.n),
    String(verdict.count),
    output.tint(VERDICT_TONES[verdict.verdict], verdict.verdict),
  ]);
  return renderTable(columns, rows);
}

const VERDICT_TONES = { pass: 'good', breach: 'bad', inconclusive: 'warn', 'no-data': 'dim' } as const;

function formatNumber(value: number | null, unit: string): string {
  if (value === null) return '–';
  const sign = value > 0 ? '+' : '';
  return `${sign}${value.toFixed(Math.abs(value) < 10 ? 1 : 0)}${unit === '' ? '' : ` ${unit}`}`;
}

function renderDecisions(view: RolloutView): string {
  return view.decisions
    .slice(0, DECISIONS_SHOWN)
    .map(
      (decision) =>
        `${new Date(decision.atMs).toISOString().slice(11, 19)}  ${decision.kind.padEnd(9)} ${decision.reason}${decision.actor === 'belay' ? '' : ` (${decision.actor})`}`,
    )
    .join('\n');
}
