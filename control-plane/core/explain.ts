// Sentences about a rollout for people: where it stands, why, and what can be done about it.
import type { RolloutState, RolloutVerb } from '../../shared/protocol/api-rollouts.ts';
import { describeDuration } from '../../shared/rollout/durations.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';
import type { Standing } from './advance.ts';
import type { DecideFacts, Decision } from './decide.ts';

/** One sentence: where it stands and what it waits for. */
export function describeStatus({ state, progress }: Standing, decision: Decision, facts: DecideFacts): string {
  const stage = `stage ${facts.stage.name}`;
  switch (state) {
    case 'running':
      return progress.phase === 'committing'
        ? 'completing: every device makes the candidate its baseline'
        : `${stage}: ${decision.refused ? 'going on' : decision.reason}`;
    case 'holding':
      return `held at ${stage}: ${progress.reason}`;
    case 'awaiting_approval':
      return `${stage} is ready and waits for a person to promote it`;
    case 'rolling_back':
      return `rolling back: ${progress.reason}`;
    case 'rolled_back':
      return `rolled back: ${progress.reason}`;
    case 'completed':
      return 'completed: every reachable device has the candidate as its baseline';
    case 'aborted':
      return `ended: ${progress.reason}`;
    case 'draft':
    case 'scheduled':
      return 'not started';
  }
}

export type WhyFacts = Standing & {
  readonly status: string;
  /** The kill in force that covers it, in words. */
  readonly kill: string | null;
  readonly stageName: string;
  readonly nowMs: number;
  readonly verdicts: readonly Verdict[];
  /** Devices that are not where they should be, in words. */
  readonly troubles: readonly string[];
  readonly lastDecision: {
    readonly reason: string;
    readonly rule: string;
    readonly actor: string;
    readonly atMs: number;
  } | null;
};

/** Most important first: the status, the last decision, guardrails that are open, devices in trouble. */
export function explainRollout(facts: WhyFacts): { readonly sentences: string[]; readonly whatYouCanDo: string[] } {
  const { progress, verdicts, lastDecision, nowMs, state } = facts;
  const sentences = [
    facts.status,
    ...(facts.kill === null ? [] : [`the candidate is ${facts.kill}`]),
    ...(lastDecision === null
      ? []
      : [
          `last decision ${describeDuration(nowMs - lastDecision.atMs)} ago by ${lastDecision.actor} (${lastDecision.rule}): ${lastDecision.reason}`,
        ]),
    ...(state === 'running' && progress.lookAtMs !== null && progress.lookAtMs > nowMs
      ? [`next decision in ${describeDuration(progress.lookAtMs - nowMs)}`]
      : []),
    ...openFirst(verdicts).map(explainVerdict),
    ...facts.troubles,
  ];
  return { sentences: [...new Set(sentences)], whatYouCanDo: whatYouCanDo(facts) };
}

const ORDER: readonly Verdict['verdict'][] = ['breach', 'no-data', 'inconclusive', 'pass'];

function openFirst(verdicts: readonly Verdict[]): readonly Verdict[] {
  return verdicts.toSorted((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict));
}

function explainVerdict({ verdict, sentence, needs, enforce }: Verdict): string {
  const open = needs ? `; to decide it: ${needs}` : '';
  return `${verdict}: ${sentence}${open}${enforce === 'observe' ? ' (only observed)' : ''}`;
}

const VERB_TEXT: Readonly<Record<RolloutVerb, string>> = {
  hold: 'hold: stop growth, keep the exposed devices',
  resume: 'resume: go on judging and growing',
  promote: 'promote: go to the next stage',
  rollback: 'rollback: every device back to what it ran before',
  abort: 'abort: end it, devices go back (or keep: they stay)',
};

function whatYouCanDo({ state, progress: { holdKind }, kill }: WhyFacts): string[] {
  const canResume = kill === null && holdKind !== 'missing-data';
  const verbs = verbsIn(state, canResume).map((verb) => VERB_TEXT[verb]);
  if (kill !== null && state === 'holding') return ['rearm the kill first, then resume', ...verbs];
  if (holdKind === 'missing-data') return ['wait: it goes on by itself when the devices are back', ...verbs];
  if (holdKind === 'inconclusive' || holdKind === 'reverts')
    return [...verbs, 'promote with override and a reason: over the evidence'];
  return verbs;
}

/** The verbs that make sense in a state. */
function verbsIn(state: RolloutState, canResume: boolean): readonly RolloutVerb[] {
  switch (state) {
    case 'running':
      return ['hold', 'promote', 'rollback', 'abort'];
    case 'holding':
      return canResume ? ['resume', 'rollback', 'abort'] : ['rollback', 'abort'];
    case 'awaiting_approval':
      return ['promote', 'hold', 'rollback', 'abort'];
    case 'draft':
    case 'scheduled':
    case 'rolling_back':
    case 'rolled_back':
    case 'completed':
    case 'aborted':
      return [];
  }
}
