// Evidence in sentences: the devices behind a guardrail, the cells of the matrix, the classes of a shadow.
import type {
  EvidenceCell,
  GuardrailEvidence,
  RolloutEvidence,
  ShadowClass,
  ShadowEvidence,
} from '../../../../shared/protocol/api-rollout-charts.ts';
import type { Verdict } from '../../../../shared/rollout/verdict.ts';
import { count, momentText, type Tone, valueText } from './words.ts';

/** How the devices lie, and which one lies furthest to the bad side. */
export function pairsSummary(evidence: GuardrailEvidence): string {
  const { candidate, control, points, limitHigh, pointsOmitted, shows } = evidence;
  const own = (points ?? []).filter(({ arm }) => arm === 'candidate').toSorted((a, b) => a.value - b.value);
  const worst = limitHigh === null ? own[0] : own.at(-1);
  if (candidate === null || worst === undefined) return 'No candidate device has said anything yet.';
  const what = shows === 'change' ? ' against their own past' : '';
  const others =
    control === null ? '' : `; ${count(control.devices, 'control')} by ${valueText(evidence, control.mean)}`;
  const left = pointsOmitted === 0 ? '' : ` ${count(pointsOmitted, 'device')} are not drawn.`;
  const verb = shows === 'change' ? 'changed by' : 'stand at';
  return `${count(candidate.devices, 'candidate device')} ${verb} ${valueText(evidence, candidate.mean)}${what} on average${others}. Furthest: ${worst.site}/${worst.device} with ${valueText(evidence, worst.value)}.${left}`;
}

/** What each arm changed by, or stands at, with its devices. */
export function changesText(verdict: Verdict, arms: GuardrailEvidence | undefined): string {
  if (arms === undefined || arms.candidate === null) return count(verdict.n, 'device');
  const { candidate, control } = arms;
  const change = arms.shows === 'change' ? 'change against its own past: ' : '';
  const own = `${change}candidate ${valueText(verdict, candidate.mean)} (${count(candidate.devices, 'device')})`;
  return control === null
    ? own
    : `${own}, controls ${valueText(verdict, control.mean)} (${count(control.devices, 'device')})`;
}

export type MatrixCell = {
  readonly text: string;
  readonly sign: string;
  readonly tone: Tone;
  readonly stands: string;
  /** For the pointer and for those who listen. */
  readonly says: string;
};

/** A few devices outside their limit are worth a look, and no verdict: red is left to those. */
export function cellOf(evidence: GuardrailEvidence, cell: EvidenceCell, verdict: Verdict | undefined): MatrixCell {
  const { sign, tone, stands } = CELLS[standsOf(cell, verdict)];
  const range = `${valueText(evidence, cell.low)} to ${valueText(evidence, cell.high)}`;
  return {
    text: valueText(evidence, cell.estimate),
    sign,
    tone,
    stands,
    says: `${evidence.title} at ${cell.site} on ${cell.hardwareClass}: ${valueText(evidence, cell.estimate)}, ${stands} ${evidence.limitText}; devices from ${range}; ${count(cell.devices, 'device')}, ${count(cell.controls, 'control')}`,
  };
}

const CELLS = {
  unlimited: { sign: '·', tone: 'soft', stands: 'without a plain limit' },
  inside: { sign: '✓', tone: 'good', stands: 'inside the limit' },
  outside: { sign: '!', tone: 'warn', stands: 'outside the limit' },
  breach: { sign: '✕', tone: 'bad', stands: 'in breach of the limit' },
} as const;

function standsOf({ within, site, hardwareClass }: EvidenceCell, verdict: Verdict | undefined): keyof typeof CELLS {
  if (within === null) return 'unlimited';
  if (within) return 'inside';
  const parts = verdict?.slices?.filter(({ slice }) => slice === site || slice === hardwareClass) ?? [];
  return [verdict, ...parts].some((judged) => judged?.verdict === 'breach') ? 'breach' : 'outside';
}

/** Columns of the matrix: every site and hardware class that some guardrail has evidence of. */
export function placesOf({
  guardrails,
}: RolloutEvidence): readonly { readonly site: string; readonly hardwareClass: string }[] {
  const places = guardrails.flatMap(({ cells }) => cells).map(({ site, hardwareClass }) => ({ site, hardwareClass }));
  const named = new Map(places.map((place) => [`${place.site}\u0000${place.hardwareClass}`, place]));
  return [...named].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, place]) => place);
}

export function shadowSummary({ windows, isPartial, devices, fromMs, toMs, frames, offered }: ShadowEvidence): string {
  const share = offered === 0 ? '' : ` (${Math.round((frames / offered) * 100)} % of those offered)`;
  const of = isPartial ? `the newest ${count(windows, 'window')}` : count(windows, 'window');
  return `Both releases answered ${count(frames, 'frame')}${share} on ${count(devices, 'device')}, from ${of} between ${momentText(fromMs)} and ${momentText(toMs)}.`;
}

/** Of all confident answers of either release, those that both give. */
export function agreementText({ agreed, lost, gained, wrongClass }: ShadowClass): string {
  const all = agreed + lost + gained + wrongClass;
  return all === 0 ? 'none' : `${((agreed / all) * 100).toFixed(1)} % of ${all.toLocaleString('en')}`;
}
