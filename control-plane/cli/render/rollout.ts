// A rollout on one screen: status, stages, devices, factories, guardrails, last decisions. Text in, text out.
import type { RolloutView } from '../../../shared/protocol/api-rollouts.ts';
import { signed, trim, unitText } from '../../../shared/rollout/expression-text.ts';
import type { Verdict } from '../../../shared/rollout/verdict.ts';
import type { Output, Tone } from '../output.ts';
import { renderMetadata } from './plan.ts';
import { countDevices, formatDuration, renderTable, wrapParts } from './table.ts';

type Tint = Pick<Output, 'tint'>;

/** How many of the newest decisions are shown. */
const DECISIONS_SHOWN = 5;
/** Under the first word of a headed line. */
const INDENT = ' '.repeat(10);

export function renderRollout(view: RolloutView, output: Tint): string {
  const from = view.baselines.map((baseline) => baseline.release).join(', ') || '?';
  const parts = [
    [
      `Rollout   ${wrapParts([`${view.name} (${view.id})`, `owner ${view.owners.primary} (backup ${view.owners.backup})`], '   ', INDENT)}`,
      ...renderMetadata(view),
      `Release   ${wrapParts([from, `→ ${view.candidate.release}`], ' ', INDENT)}`,
      ...(view.killed === null ? [] : [`Kill      ${output.tint('bad', view.killed)}`]),
      `Status    ${output.tint(toneOf(view), describeState(view))}  ${view.status}`,
      `Stages    ${wrapParts(
        view.stages.map((stage) => renderStage(stage, output)),
        ' – ',
        INDENT,
      )}`,
      ...renderNext(view),
      ...renderVerified(view, output),
      ...renderApprovals(view),
      ...renderRevisions(view, output),
      ...renderOut(view, output),
      `Devices   ${wrapParts(renderExposure(view), '   ', INDENT)}`,
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

/** What is not here goes well. A rollout that made way for another did nothing wrong, and reached nobody either. */
const STATE_TONES: Partial<Record<RolloutView['state'], Tone>> = {
  rolled_back: 'bad',
  rolling_back: 'bad',
  aborted: 'bad',
  superseded: 'warn',
  holding: 'warn',
};

function toneOf(view: RolloutView): Tone {
  if (view.killed !== null) return 'bad';
  return STATE_TONES[view.state] ?? 'good';
}

function renderStage(stage: RolloutView['stages'][number], output: Tint): string {
  const size = stage.percent === null ? countDevices(stage.count ?? stage.devices) : `${stage.percent}%`;
  const text = `${stage.name} ${size} ${formatDuration(stage.bakeMs)}`;
  if (stage.status === 'done') return `${text} ${output.tint('good', '✔')}`;
  return stage.status === 'current' ? output.tint('bold', `[${text}]`) : text;
}

function renderApprovals({ approvals }: RolloutView): readonly string[] {
  if (approvals === null) return [];
  const { needed, given, approvers } = approvals;
  const who = given.map(({ actor, reason }) => `${actor}: ${reason}`);
  const open = given.length < needed && approvers.length > 0 ? [`may approve: ${approvers.join(', ')}`] : [];
  return [`Approvals ${wrapParts([`${given.length} of ${needed}`, ...who, ...open], '   ', INDENT)}`];
}

function renderOut({ factories }: RolloutView, output: Tint): readonly string[] {
  const words = factories.flatMap(({ out }) => (out === null ? [] : [output.tint('bad', out)]));
  return words.length === 0 ? [] : [`Went back ${wrapParts(words, '   ', INDENT)}`];
}

/** Nothing while it follows the file that it was started with. */
function renderRevisions({ revision, revisions }: RolloutView, output: Tint): readonly string[] {
  const shown = revisions.filter(({ number, state }) => state === 'proposed' || (number === revision && number > 1));
  if (shown.length === 0) return [];
  const words = shown.map(({ number, state, actor, reason, needed, approvals }) => {
    const stands = state === 'proposed' ? `proposed, ${approvals.length} of ${needed} approvals` : 'in force';
    return output.tint(state === 'proposed' ? 'warn' : 'bold', `${number} ${stands} (${actor}: ${reason})`);
  });
  return [`Revision  ${wrapParts(words, '   ', INDENT)}`];
}

function renderNext(view: RolloutView): readonly string[] {
  if (view.nextDecisionAtMs === null) return [];
  const inMs = view.nextDecisionAtMs - view.nowMs;
  return [`Next      ${inMs > 0 ? `look in ${formatDuration(inMs)}` : 'looking now'}`];
}

function renderVerified({ verification }: RolloutView, output: Tint): readonly string[] {
  if (verification === null) return [];
  const tone = verification.kind === 'not-verified' ? 'warn' : 'good';
  return [`Undone    ${output.tint(tone, verification.sentence)}`];
}

function renderExposure({ exposure, controls }: RolloutView): readonly string[] {
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
  ];
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
    verdict.slice ? `${verdict.title} on ${verdict.slice}` : verdict.title,
    verdict.limitText,
    verdict.estimate === null ? '–' : `${showNumber(verdict, verdict.estimate)} ${unitText(verdict.unit)}`.trimEnd(),
    renderRange(verdict),
    String(verdict.n),
    String(verdict.count),
    output.tint(VERDICT_TONES[verdict.verdict], verdict.verdict),
  ]);
  return renderTable(columns, rows);
}

function renderRange(verdict: Verdict): string {
  const { low, high, unit } = verdict;
  if (low === null || high === null) return '–';
  return `${showNumber(verdict, low)} … ${showNumber(verdict, high)} ${unitText(unit)}`.trimEnd();
}

/** Changes carry a sign and plain values do not, exactly as their limit is written. */
function showNumber({ limitText }: Verdict, value: number): string {
  return /[+±-]/.test(limitText) ? signed(value) : trim(value);
}

const VERDICT_TONES = { pass: 'good', breach: 'bad', inconclusive: 'warn', 'no-data': 'dim' } as const;

function renderDecisions(view: RolloutView): string {
  return view.decisions
    .slice(0, DECISIONS_SHOWN)
    .map(
      (decision) =>
        `${new Date(decision.atMs).toISOString().slice(11, 19)}  ${decision.kind.padEnd(9)} ${decision.reason}${decision.actor === 'belay' ? '' : ` (${decision.actor})`}`,
    )
    .join('\n');
}
