// The decision on a rollout at one moment: facts in, one decision with one reason out. The precedence is the table below, and
// nothing else; a promotion is its last row, so that it can never outrank anything above it.
import { describeDuration } from '../../shared/rollout/durations.ts';
import {
  type DecideFacts,
  type Decision,
  type Draft,
  firstOf,
  hold,
  isUndo,
  type Rule,
  refuse,
  rollback,
  rollbackSite,
  wait,
} from './decision.ts';
import { factoryOfAll, onlyFactory } from './factory-scope.ts';
import {
  decideScheduled,
  lackingApprovals,
  lackingEvidence,
  onApproval,
  onPersonApprove,
  onSchedule,
  summaryOfPasses,
} from './growth.ts';

export type { DecideFacts, Decision, HoldKind, PersonRequest } from './decision.ts';

/** Highest first. The first rule that has something to say decides. */
export const PRECEDENCE: readonly Rule[] = [
  { name: 'kill', decide: onKill },
  { name: 'device-trip-wire', decide: onDeviceReverts },
  { name: 'person-abort', decide: onAbort },
  { name: 'guardrail-breach', decide: onBreach },
  { name: 'missing-data', decide: onMissing },
  { name: 'reverts', decide: onSomeReverts },
  { name: 'person-hold', decide: onHoldOrResume },
  { name: 'person-approve', decide: onPersonApprove },
  { name: 'held', decide: onHeld },
  { name: 'schedule', decide: (facts) => onSchedule(facts, onSettling(facts) ?? onBake(facts)) },
  { name: 'person-promote', decide: onPersonPromote },
  { name: 'settling', decide: onSettling },
  { name: 'bake', decide: onBake },
  { name: 'evidence', decide: onEvidence },
  { name: 'approval', decide: onApproval },
  { name: 'promote', decide: onPromote },
];

/** For a rollout that has not ended and is not rolling back. */
export function decide(facts: DecideFacts): Decision {
  return facts.state === 'scheduled' ? decideScheduled(facts) : firstOf(PRECEDENCE, facts);
}

function onKill({ kill, request }: DecideFacts): Draft | null {
  // Going back further is always allowed: a killed rollout may be rolled back or ended by a person.
  if (kill === null || isUndo(request)) return null;
  return hold('killed', `${kill}: no device answers with the candidate; a person must resume after re-arming`);
}

function onDeviceReverts({ reverts, factories, request }: DecideFacts): Draft | null {
  const { exposed, assigned, percent, min } = reverts;
  const isEveryone = reverts.devices.length >= assigned;
  const devices = isEveryone ? reverts.devices : (reverts.recent ?? reverts.devices);
  if (devices.length === 0) return null;
  if (!isEveryone && (devices.length < min || sharePct({ ...reverts, devices }) <= percent)) return null;
  const limit = isEveryone ? 'all of them' : `limit ${percent} % and ${min} devices`;
  const reason = `${devices.length} of ${exposed} devices went back by themselves (${limit}): ${list(devices)}`;
  // A person who wants everybody back gets that, not one factory.
  const site = isEveryone || isUndo(request) ? null : factoryOfAll(devices, factories);
  return site === null ? rollback(reason) : rollbackSite(site, reason);
}

function onAbort({ request }: DecideFacts): Draft | null {
  if (!isUndo(request) || request === null) return null;
  if (request.verb === 'abort' && request.keep)
    return {
      kind: 'rollback',
      reason: `${request.actor} ended it and left devices as they are: ${request.reason}`,
      to: 'aborted',
      holdKind: null,
    };
  return rollback(`${request.actor}: ${request.reason}`);
}

function onBreach(facts: DecideFacts): Draft | null {
  const { verdicts, sustained } = facts;
  const breaches = verdicts.filter(({ guardrail, verdict }) => verdict === 'breach' && sustained.has(guardrail));
  const worse = breaches.filter(({ enforce }) => enforce === 'rollback');
  const [worst] = worse;
  if (worst && facts.onBreach === 'rollback') {
    const site = onlyFactory(worse, facts.factories);
    return site === null ? rollback(worst.sentence) : rollbackSite(site, worst.sentence);
  }
  const holding = breaches.find(({ enforce }) => enforce === 'hold') ?? (facts.onBreach === 'hold' ? worst : undefined);
  if (holding) return hold('guardrail', holding.sentence);
  return worst ? freeze(facts, worst.sentence) : null;
}

/** Nobody new gets it, whoever has it keeps it, judging goes on. A hold that needs a person is not replaced by one that does not. */
function freeze({ holdKind, request }: DecideFacts, sentence: string): Draft | null {
  const isHeldForPerson = holdKind !== null && holdKind !== 'frozen' && holdKind !== 'missing-data';
  if (isHeldForPerson || request?.verb === 'hold') return null;
  return hold('frozen', `frozen: ${sentence}`);
}

function onMissing({ missing, holdKind, request }: DecideFacts): Draft | null {
  // A person's hold is the stricter one: it does not lift by itself.
  if (request?.verb === 'hold') return null;
  // Another reason to hold needs a person and is kept; missing data clears by itself.
  if (missing === null || (holdKind !== null && holdKind !== 'missing-data')) return null;
  return hold('missing-data', missing);
}

function onSomeReverts({ reverts, holdKind, request }: DecideFacts): Draft | null {
  if (reverts.devices.length === 0 || sharePct(reverts) <= reverts.percent) return null;
  if (holdKind !== null && holdKind !== 'missing-data') return null;
  if (request?.verb === 'hold' || (request?.verb === 'promote' && request.override)) return null;
  return hold(
    'reverts',
    `${reverts.devices.length} of ${reverts.exposed} devices went back by themselves (${sharePct(reverts).toFixed(0)} % > ${reverts.percent} %, fewer than ${reverts.min}): ${list(reverts.devices)}`,
  );
}

function onHoldOrResume({ request, state }: DecideFacts): Draft | null {
  if (request?.verb === 'hold') return hold('person', `${request.actor}: ${request.reason}`);
  if (request?.verb !== 'resume') return null;
  if (state !== 'holding') return refuse(state, 'it is not held');
  return { kind: 'wait', reason: `${request.actor} resumed it: ${request.reason}`, to: 'running', holdKind: null };
}

function onHeld(facts: DecideFacts): Draft | null {
  const { state, holdKind, request, inconclusive } = facts;
  if (state !== 'holding' || request?.verb === 'promote') return null;
  if (holdKind === 'missing-data') return wait('running', 'the missing devices are back');
  if (holdKind === 'frozen' && youngBreach(facts) === undefined)
    return wait('running', 'the breach is over; it is judged for one more period');
  if (holdKind === 'inconclusive' && inconclusive.isTimedOut)
    return rollback(
      `nobody decided in time (promotion.inconclusive.timeout): ${lackingEvidence(facts) ?? 'held for doubt'}`,
    );
  return { kind: 'wait', reason: 'held until a person resumes it', to: 'holding', holdKind };
}

/** An enforced breach, also one that has not lasted long enough to act on. */
function youngBreach({ verdicts }: DecideFacts): DecideFacts['verdicts'][number] | undefined {
  return verdicts.find(({ enforce, verdict }) => enforce !== 'observe' && verdict === 'breach');
}

function onPersonPromote(facts: DecideFacts): Draft | null {
  const { request, state } = facts;
  if (request?.verb !== 'promote') return null;
  if (facts.exposed === 0) return refuse(state, 'no device reports the candidate yet');
  const breach = youngBreach(facts);
  if (breach) return refuse(state, `${breach.sentence}; nothing is promoted over a breach, also while it is young`);
  if (facts.missing !== null) return refuse(state, `${facts.missing}; nothing is promoted over missing devices`);
  const unapproved = lackingApprovals(facts);
  if (unapproved !== null) return refuse(state, `${unapproved}; nobody promotes it without them`);
  if (request.override) return forward(facts, `${request.actor} promoted it over the evidence: ${request.reason}`);
  if (state === 'holding') return refuse(state, 'it is held; resume it first, or promote with override and a reason');
  const notReady = onSettling(facts) ?? onBake(facts);
  const lacking = notReady?.reason ?? lackingEvidence(facts);
  if (lacking !== null) return refuse(state, `${lacking}; override needs a reason`);
  return forward(facts, `${request.actor} approved it: ${request.reason}`);
}

function onSettling({ phase, lookAtMs, pending, state, exposed }: DecideFacts): Draft | null {
  if (phase !== 'settling' && lookAtMs !== null) return null;
  const reason =
    pending ?? (exposed === 0 ? 'no device reports the candidate yet' : 'every reachable device is on the candidate');
  return wait(state, reason);
}

function onBake({ lookAtMs, nowMs, state, uncovered = null }: DecideFacts): Draft | null {
  if (lookAtMs === null) return null;
  if (nowMs >= lookAtMs) return uncovered === null ? null : wait(state, `baking: ${uncovered}`);
  return wait(state, `baking: looked at in ${describeDuration(lookAtMs - nowMs)}`);
}

function onEvidence(facts: DecideFacts): Draft | null {
  const lacking = lackingEvidence(facts);
  if (lacking === null) return null;
  if (facts.state === 'awaiting_approval') return wait('running', `no longer ready: ${lacking}`);
  if (facts.extensionsLeft > 0)
    return {
      kind: 'extend',
      reason: `extended by ${describeDuration(facts.extendMs)}: ${lacking}`,
      to: 'running',
      holdKind: null,
    };
  if (facts.inconclusive.afterExtensions === 'rollback') return rollback(`${lacking}; no extension is left`);
  const { asked } = facts.inconclusive;
  return hold('inconclusive', `${lacking}; no extension is left${asked == null ? '' : `; ${asked}`}`);
}

function onPromote(facts: DecideFacts): Draft {
  return forward(facts, summaryOfPasses(facts));
}

function forward({ stage }: DecideFacts, reason: string): Draft {
  return { kind: stage.isLast ? 'complete' : 'promote', reason, to: 'running', holdKind: null };
}

function sharePct({ devices, exposed }: DecideFacts['reverts']): number {
  return exposed === 0 ? 100 : (devices.length / exposed) * 100;
}

/** Names for a sentence: all of a few, the first of many. */
export function list(names: readonly string[], shownMax = 5): string {
  const shown = names.slice(0, shownMax).join(', ');
  return names.length > shownMax ? `${shown} and ${names.length - shownMax} more` : shown;
}
