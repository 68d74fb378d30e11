// Sentences about a rollout for people: where it stands, why, and what can be done about it.
import type { RolloutState, RolloutVerb, RolloutView } from '../../shared/protocol/api-rollouts.ts';
import { describeDuration } from '../../shared/rollout/durations.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';
import type { Standing } from './advance.ts';
import type { DecideFacts, Decision } from './decision.ts';

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
      return decision.refused || decision.kind === 'approve' ? progress.reason : decision.reason;
    case 'rolling_back':
      return `rolling back: ${progress.reason}`;
    case 'rolled_back':
      return `rolled back: ${progress.reason}`;
    case 'completed':
      return 'completed: every reachable device has the candidate as its baseline';
    case 'aborted':
      return `ended: ${progress.reason}`;
    case 'superseded':
      return `superseded: ${progress.reason}`;
    case 'scheduled':
      return `not started: ${decision.refused ? (facts.closed ?? 'starts now') : decision.reason}`;
    case 'draft':
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
  readonly approvals: RolloutView['approvals'];
  /** Why no device may be added now, by the schedule. */
  readonly closed: string | null;
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
    ...approvalSentences(facts.approvals),
    ...(facts.closed === null ? [] : [`no device is added now: it ${facts.closed}; safety acts at any time`]),
    ...openFirst(verdicts).map(explainVerdict),
    ...facts.troubles,
  ];
  return { sentences: [...new Set(sentences)], whatYouCanDo: whatYouCanDo(facts) };
}

function approvalSentences(approvals: WhyFacts['approvals']): readonly string[] {
  if (approvals === null) return [];
  const { stage, needed, given, approvers } = approvals;
  const who = given.map(({ actor, reason }) => `${actor}: ${reason}`).join('; ');
  const open = given.length < needed && approvers.length > 0 ? `; may approve: ${approvers.join(', ')}` : '';
  return [`stage ${stage} has ${given.length} of ${needed} approvals${who === '' ? '' : ` (${who})`}${open}`];
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
  approve: 'approve: one of the approvals that this stage needs',
  promote: 'promote: go to the next stage',
  rollback: 'rollback: every device back to what it ran before',
  abort: 'abort: end it, devices go back (or keep: they stay)',
};

function whatYouCanDo({ state, progress: { holdKind }, kill, approvals }: WhyFacts): string[] {
  const canResume = kill === null && holdKind !== 'missing-data' && holdKind !== 'frozen';
  const isByApproval = approvals !== null && approvals.given.length < approvals.needed;
  const verbs = verbsIn(state, canResume)
    .map((verb) => (verb === 'promote' && isByApproval ? 'approve' : verb))
    .filter((verb) => verb !== 'approve' || state === 'awaiting_approval')
    .map((verb) => VERB_TEXT[verb]);
  if (kill !== null && state === 'holding') return ['rearm the kill first, then resume', ...verbs];
  if (holdKind === 'frozen') return ['wait: it goes on by itself when the breach is over', ...verbs];
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
    case 'scheduled':
      return ['abort'];
    case 'draft':
    case 'rolling_back':
    case 'rolled_back':
    case 'completed':
    case 'aborted':
    case 'superseded':
      return [];
  }
}
