// The stages of a rollout as a ladder: what was planned, what came, and how far the current one is.
import type { RolloutView } from '../../../../shared/protocol/api-rollouts.ts';
import { describeDuration } from '../../../../shared/rollout/durations.ts';
import { count, hasEnded, momentText, type Sign, signOfState } from './words.ts';

type Stage = RolloutView['stages'][number];

export type Rung = Sign & {
  readonly name: string;
  readonly status: Stage['status'];
  /** `5 %, 12 devices, serving`. */
  readonly size: string;
  /** `60m, up to 2 × 60m more, then by itself`. */
  readonly planned: string;
  /** What came of it, or the soonest that it can begin. */
  readonly actual: string;
  /** Of the current one, 0..1; null: nothing is running down. */
  readonly share: number | null;
};

const MODES: Readonly<Record<Stage['mode'], string>> = { golden: 'self-test', shadow: 'shadow', serve: 'serving' };

export function ladderOf(view: RolloutView, nowMs: number): readonly Rung[] {
  let soonestMs = Math.max(nowMs, view.nextDecisionAtMs ?? nowMs);
  return view.stages.map((stage) => {
    const startsAtMs = soonestMs;
    if (stage.status === 'pending') soonestMs += stage.bakeMs;
    return {
      ...signOf(stage, view),
      name: stage.name,
      status: stage.status,
      size: [sizeText(stage), count(stage.devices, 'device'), MODES[stage.mode]].filter(Boolean).join(', '),
      planned: plannedText(stage),
      actual: actualText(stage, view, { nowMs, startsAtMs }),
      share: stage.status === 'current' ? shareOf(stage, view, nowMs) : null,
    };
  });
}

function signOf({ status, startedAtMs }: Stage, view: RolloutView): Sign {
  if (status === 'done') return { sign: '✓', word: 'done', tone: 'good' };
  if (status === 'pending' && startedAtMs !== null)
    return { ...signOfState({ ...view, killed: null }), word: 'ended here' };
  if (status === 'pending')
    return {
      sign: '○',
      word: hasEnded(view) || view.state === 'rolling_back' ? 'not reached' : 'to come',
      tone: 'soft',
    };
  if (view.state === 'holding') return { sign: '‖', word: 'held here', tone: 'warn' };
  if (view.state === 'rolling_back') return { sign: '↶', word: 'going back', tone: 'bad' };
  return { sign: '▶', word: view.phase ?? 'now', tone: 'busy' };
}

function sizeText({ percent, count: devices }: Stage): string {
  if (percent !== null) return `${percent} %`;
  return devices === null ? '' : `${devices} asked for`;
}

function plannedText({ bakeMs, extend, promote, approvals }: Stage): string {
  const more = extend.times > 0 ? `, up to ${extend.times} × ${describeDuration(extend.eachMs)} more` : '';
  const then = {
    auto: 'then by itself',
    manual: 'then by a person',
    approval: `then by ${count(approvals, 'approval')}`,
  };
  return `${describeDuration(bakeMs)}${more}, ${then[promote]}`;
}

type Clock = { readonly nowMs: number; readonly startsAtMs: number };

function actualText(
  { status, startedAtMs, endedAtMs }: Stage,
  view: RolloutView,
  { nowMs, startsAtMs }: Clock,
): string {
  if (startedAtMs === null) {
    const isOpen = status === 'pending' && view.state === 'running' && view.killed === null;
    return isOpen ? `from ${momentText(startsAtMs)} at the soonest` : '';
  }
  const since = `from ${momentText(startedAtMs)}`;
  if (endedAtMs !== null) return `${since}, took ${describeDuration(endedAtMs - startedAtMs)}`;
  const untilMs = view.endedAtMs ?? nowMs;
  return `${since}, ${describeDuration(untilMs - startedAtMs)} ${view.endedAtMs === null ? 'so far' : 'until the end'}`;
}

function shareOf({ startedAtMs }: Stage, { nextDecisionAtMs }: RolloutView, nowMs: number): number | null {
  if (startedAtMs === null || nextDecisionAtMs === null || nextDecisionAtMs <= startedAtMs) return null;
  return Math.min(1, Math.max(0, (nowMs - startedAtMs) / (nextDecisionAtMs - startedAtMs)));
}
