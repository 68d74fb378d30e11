// The rules of growing: what a stage lacks before it may be promoted, whose approval it needs, and when it may start at all.
// Every rule here stands below safety in the precedence of decide.ts.
import type { Verdict } from '../../shared/rollout/verdict.ts';
import { type DecideFacts, type Decision, type Draft, firstOf, isUndo, type Rule, refuse, wait } from './decision.ts';

/** Why the stage may not be promoted now; null when every enforced guardrail allows it and every reachable device is there. */
export function lackingEvidence({ verdicts, pending, exposed, stage, objectives = [] }: DecideFacts): string | null {
  if (exposed === 0) return 'no device reports the candidate';
  if (pending !== null) return pending;
  const isWished = ({ guardrail }: Verdict) => objectives.some(({ id }) => id === guardrail);
  const open = verdicts.find(
    (verdict) => !isWished(verdict) && verdict.enforce !== 'observe' && !allowsPromotion(verdict, stage.judge),
  );
  return open?.sentence ?? lackingImprovement(verdicts, objectives);
}

/** An objective is met by the whole plausible range, as are the guardrails that it names, whatever else the stage is judged by. */
function lackingImprovement(
  verdicts: readonly Verdict[],
  objectives: NonNullable<DecideFacts['objectives']>,
): string | null {
  for (const { id, with: others } of objectives) {
    const of = (name: string) =>
      verdicts.filter(({ guardrail }) => guardrail === name || guardrail.startsWith(`${name}/`));
    const own = of(id).find(({ verdict }) => verdict !== 'pass');
    if (own !== undefined || of(id).length === 0)
      return `objective ${id} is not shown yet: ${own?.sentence ?? 'not judged'}`;
    for (const name of others) {
      const open = of(name).find(({ verdict }) => verdict !== 'pass');
      if (open !== undefined || of(name).length === 0)
        return `objective ${id} asks for ${name} at the same look: ${open?.sentence ?? 'not judged'}`;
    }
  }
  return null;
}

/**
 * `noBreach`: at the last gate few controls are left, and the whole range rarely fits under the limit; the estimate must, with
 * all the evidence that the guardrail asks for.
 */
function allowsPromotion(verdict: Verdict, judge: DecideFacts['stage']['judge']): boolean {
  if (verdict.verdict === 'pass') return true;
  if (judge !== 'noBreach' || verdict.verdict !== 'inconclusive') return false;
  const { estimate, limitLow, limitHigh, minimums } = verdict;
  if (estimate === null || minimums.some(({ met }) => !met)) return false;
  return (limitHigh === null || estimate <= limitHigh) && (limitLow === null || estimate >= limitLow);
}

export function summaryOfPasses({ verdicts, approvals, stage }: DecideFacts): string {
  const enforced = verdicts.filter(({ enforce }) => enforce !== 'observe');
  const approved = stage.promote === 'approval' ? `approved by ${names(approvals.given)}; ` : '';
  const [first] = enforced;
  if (first === undefined) return `${approved}every reachable device proved the candidate`;
  if (enforced.length === 1) return `${approved}${first.sentence}`;
  const isByRange = enforced.every(({ verdict }) => verdict === 'pass');
  const all = isByRange ? 'pass' : 'hold, by no breach and the estimate';
  return `${approved}all ${enforced.length} guardrails ${all}: ${first.sentence}; …`;
}

/** In words: how many approvals are there and how many are missing; null when the stage needs none, or no more. */
export function lackingApprovals({ stage, approvals }: DecideFacts): string | null {
  const { needed, given, approvers, startedBy } = approvals;
  if (stage.promote !== 'approval' || given.length >= needed) return null;
  const open = approvers.filter((name) => name !== startedBy && given.every(({ actor }) => actor !== name));
  const who = open.length === 0 ? '' : `; may approve: ${open.join(', ')}`;
  const from = given.length === 0 ? '' : ` (${names(given)})`;
  const what = approvals.signoff == null ? '' : ` of ${approvals.signoff}`;
  return `${given.length} of ${needed} approval${needed === 1 ? '' : 's'}${what}${from}${who}`;
}

/** Growth that nothing but the calendar stands in the way of waits for it; a person's promote does, too. */
export function onSchedule(facts: DecideFacts, notReady: Draft | null): Draft | null {
  const { closed, request, state, stage } = facts;
  if (closed === null) return null;
  if (request?.verb === 'promote') return refuse(state, `${closed}; safety acts at any time, growth does not`);
  const isDue = notReady === null && lackingEvidence(facts) === null;
  if (!isDue || stage.promote === 'manual' || lackingApprovals(facts) !== null) return null;
  return wait(state, `ready; ${closed}`);
}

export function onPersonApprove(facts: DecideFacts): Draft | null {
  const { request, state, stage, approvals } = facts;
  if (request?.verb !== 'approve') return null;
  const refusal = whyNotApproved(facts, request.actor, request.planHash ?? approvals.planHash);
  if (refusal !== null) return refuse(state, refusal);
  const count = `${approvals.given.length + 1} of ${approvals.needed}`;
  const act = approvals.signoff == null ? 'approved' : `signed off ${approvals.signoff} and approved`;
  const reason = `${request.actor} ${act} stage ${stage.name} (${count}): ${request.reason}`;
  return { kind: 'approve', reason, to: state, holdKind: facts.holdKind };
}

function whyNotApproved(facts: DecideFacts, actor: string, planHash: string): string | null {
  const { state, holdKind, stage, approvals } = facts;
  if (stage.promote !== 'approval') return `stage ${stage.name} asks for no approval`;
  if (planHash !== approvals.planHash) return 'the plan is not the one that was approved: look at it again';
  // What a person may override needs the same approvals.
  const isOverridable = state === 'holding' && (holdKind === 'inconclusive' || holdKind === 'reverts');
  const isAsked = state === 'awaiting_approval' || isOverridable;
  if (!isAsked) return `stage ${stage.name} is not ready to be approved`;
  return whyNotBy(actor, approvals, { did: 'started it', what: `stage ${stage.name}` });
}

type Approving = Pick<DecideFacts['approvals'], 'given' | 'approvers' | 'startedBy'>;

/** Why this person's yes would not count; the same for stages and for revisions. */
export function whyNotBy(
  actor: string,
  { startedBy, approvers, given }: Approving,
  { did, what }: { readonly did: string; readonly what: string },
): string | null {
  if (actor === startedBy) return `${actor} ${did}; somebody else must approve it`;
  if (approvers.length > 0 && !approvers.includes(actor))
    return `${actor} is not among its approvers (${approvers.join(', ')})`;
  return given.some((one) => one.actor === actor) ? `${actor} has approved ${what} already` : null;
}

export function onApproval(facts: DecideFacts): Draft | null {
  const { stage, state, closed } = facts;
  const lacking = stage.promote === 'manual' ? 'a person must promote it' : lackingApprovals(facts);
  if (lacking === null) return null;
  const reason = `stage ${stage.name} is ready; ${lacking}${closed === null ? '' : `; then it ${closed}`}`;
  if (state === 'awaiting_approval') return wait('awaiting_approval', reason);
  return { kind: 'hold', reason, to: 'awaiting_approval', holdKind: null };
}

/** Before the first device is told: only a kill, a person and the calendar have a say. */
const BEFORE_START: readonly Rule[] = [
  {
    name: 'kill',
    decide: ({ kill, request }) =>
      kill === null || isUndo(request) ? null : wait('scheduled', `not started: ${kill}`),
  },
  {
    name: 'person-abort',
    decide: ({ request }) => {
      if (request === null || !isUndo(request)) return null;
      const reason = `${request.actor} ended it before it began: ${request.reason}`;
      return { kind: 'rollback', reason, to: 'aborted', holdKind: null };
    },
  },
  {
    name: 'person-hold',
    decide: ({ request, state }) =>
      request === null ? null : refuse(state, 'it has not started: abort it, or let it start'),
  },
  { name: 'schedule', decide: ({ closed }) => (closed === null ? null : wait('scheduled', closed)) },
  {
    name: 'start',
    decide: () => ({ kind: 'start', reason: 'the window is open', to: 'running', holdKind: null }),
  },
];

export function decideScheduled(facts: DecideFacts): Decision {
  return firstOf(BEFORE_START, facts);
}

function names(given: DecideFacts['approvals']['given']): string {
  return given.map(({ actor }) => actor).join(', ');
}
