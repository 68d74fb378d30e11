// The words and signs of a rollout: states, verdicts, values with their units, clocks. A sign and a word always stand together.

import type { RolloutState, RolloutSummary, RolloutView } from '../../../../shared/protocol/api-rollouts.ts';
import { ENDED } from '../../../../shared/protocol/rollout-states.ts';
import { describeDuration } from '../../../../shared/rollout/durations.ts';
import type { Verdict, VerdictKind } from '../../../../shared/rollout/verdict.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'busy' | 'soft';
export type Sign = { readonly sign: string; readonly word: string; readonly tone: Tone };

const STATES: Readonly<Record<RolloutState, Sign>> = {
  draft: { sign: '○', word: 'draft', tone: 'soft' },
  awaiting_approval: { sign: '?', word: 'waits for approval', tone: 'warn' },
  scheduled: { sign: '○', word: 'scheduled', tone: 'soft' },
  running: { sign: '▶', word: 'running', tone: 'busy' },
  holding: { sign: '‖', word: 'holding', tone: 'warn' },
  rolling_back: { sign: '↶', word: 'rolling back', tone: 'bad' },
  rolled_back: { sign: '↶', word: 'rolled back', tone: 'bad' },
  completed: { sign: '✓', word: 'completed', tone: 'good' },
  aborted: { sign: '✕', word: 'aborted', tone: 'bad' },
  superseded: { sign: '→', word: 'superseded', tone: 'soft' },
};

const VERDICTS: Readonly<Record<VerdictKind, Sign>> = {
  pass: { sign: '✓', word: 'pass', tone: 'good' },
  breach: { sign: '✕', word: 'breach', tone: 'bad' },
  inconclusive: { sign: '?', word: 'inconclusive', tone: 'warn' },
  'no-data': { sign: '–', word: 'no data', tone: 'soft' },
};

export function hasEnded({ state }: Pick<RolloutSummary, 'state'>): boolean {
  return ENDED.includes(state);
}

/** What is killed says so first. */
export function signOfState({ state, killed }: Pick<RolloutSummary, 'state' | 'killed'>): Sign {
  return killed === null ? STATES[state] : { sign: '■', word: `killed, ${STATES[state].word}`, tone: 'bad' };
}

export function signOfVerdict(kind: VerdictKind): Sign {
  return VERDICTS[kind];
}

/** `stage 2 of 5: quarter`. */
export function stageText({ stage, stageIndex, stageCount }: RolloutSummary): string {
  return `stage ${Math.min(stageIndex + 1, stageCount)} of ${stageCount}: ${stage}`;
}

/** When it is decided next, by the server's clock. */
export function clockText(
  { nextDecisionAtMs, state, killed }: Pick<RolloutSummary, 'nextDecisionAtMs' | 'state' | 'killed'>,
  nowMs: number,
): string {
  if (ENDED.includes(state)) return 'over';
  if (killed !== null) return 'stopped by a kill';
  if (nextDecisionAtMs !== null && nextDecisionAtMs !== undefined) {
    const leftMs = nextDecisionAtMs - nowMs;
    return leftMs <= 0 ? 'looking now' : `next look in ${describeDuration(leftMs)}`;
  }
  return WAITS[state] ?? 'no look is due';
}

const WAITS: Partial<Record<RolloutState, string>> = {
  awaiting_approval: 'waits for an approval',
  scheduled: 'waits for its window',
  holding: 'waits for a person',
  rolling_back: 'waits for devices to go back',
  running: 'waits for devices',
};

/** `14:03:20` in the reader's own time. */
export function timeText(atMs: number): string {
  return new Date(atMs).toLocaleTimeString(undefined, { hour12: false });
}

/** `22 Nov, 14:03`. */
export function momentText(atMs: number): string {
  const at = new Date(atMs);
  const day = at.toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
  return `${day}, ${at.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hour12: false })}`;
}

type Shown = Pick<Verdict, 'limitText' | 'unit'>;

/** Changes carry a sign and plain values do not, exactly as their limit is written: `+4.1 %`, `0.21 %`. */
export function valueText(shown: Shown, value: number | null): string {
  return value === null ? '–' : `${numberText(shown, value)} ${unitText(shown.unit)}`.trimEnd();
}

/** `−1 … +11 %`. */
export function rangeText(shown: Shown, low: number | null, high: number | null): string {
  if (low === null || high === null) return 'no range yet';
  return `${numberText(shown, low)} … ${numberText(shown, high)} ${unitText(shown.unit)}`.trimEnd();
}

function numberText({ limitText }: Shown, value: number): string {
  const magnitude = Math.abs(value);
  const text = String(Number(magnitude.toFixed(magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2)));
  if (value < 0 && text !== '0') return `−${text}`;
  return /[+±-]/.test(limitText) ? `+${text}` : text;
}

export function unitText(unit: string): string {
  return unit === 'C' ? '°C' : unit;
}

/** `1 device`, `12 devices`. */
export function count(n: number, word: string): string {
  return `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;
}

/** The name of a release without what follows its version. */
export function shortRelease(release: string): string {
  return release.split('+')[0] ?? release;
}

/** `weld-seg:1.4.3 → weld-seg:1.5.0`. */
export function moveText({ baselines, candidate }: Pick<RolloutView, 'baselines' | 'candidate'>): string {
  const from = baselines.map(({ release }) => shortRelease(release)).join(', ') || 'nothing';
  return `${from} → ${shortRelease(candidate.release)}`;
}

/** The exposure as people ask for it; what is nought and would only alarm is left out. */
export function exposureFacts({ exposure, controls }: RolloutView): readonly (readonly [word: string, n: number])[] {
  const { assigned, exposed, reporting, evaluated, reverted, dark } = exposure;
  return [
    ['assigned', assigned],
    ['exposed', exposed],
    ['reporting', reporting],
    ['evaluated', evaluated],
    ['reverted', reverted],
    ['dark', dark],
    ['controls', controls],
  ];
}
