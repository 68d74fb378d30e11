// The decision on a rollout at one moment: facts in, one decision with one reason out. The precedence is the table below, and
// nothing else; a promotion is its last row, so that it can never outrank anything above it.
import type { RolloutPhase, RolloutState, RolloutVerb } from '../../shared/protocol/api-rollouts.ts';
import { describeDuration } from '../../shared/rollout/durations.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';

export type HoldKind = 'person' | 'guardrail' | 'missing-data' | 'inconclusive' | 'reverts' | 'killed';

export type PersonRequest = {
  readonly verb: RolloutVerb;
  readonly actor: string;
  readonly reason: string;
  readonly override: boolean;
  readonly keep: boolean;
};

export type DecideFacts = {
  readonly nowMs: number;
  readonly state: RolloutState;
  readonly phase: RolloutPhase;
  readonly holdKind: HoldKind | null;
  readonly stage: { readonly name: string; readonly isLast: boolean; readonly promote: 'auto' | 'manual' };
  /** When the bake (or its extension) ends; null while devices are still switching. */
  readonly lookAtMs: number | null;
  readonly extensionsLeft: number;
  readonly extendMs: number;
  /** A kill in force that covers the candidate, in words. */
  readonly kill: string | null;
  /** Devices that went back by themselves, of those that ever had the candidate in this rollout. */
  readonly reverts: {
    readonly devices: readonly string[];
    readonly exposed: number;
    /** Devices that shall have it in this stage. */
    readonly assigned: number;
    readonly percent: number;
    readonly min: number;
  };
  readonly request: PersonRequest | null;
  /** Verdicts of the guardrails of this stage, and the ids of breaches that have lasted as long as they must. */
  readonly verdicts: readonly Verdict[];
  readonly sustained: ReadonlySet<string>;
  /** Silent devices, blind cameras, devices that do not start: in words; null when all is there. */
  readonly missing: string | null;
  /** Reachable devices that are not on the candidate yet, in words; null when all are. */
  readonly pending: string | null;
  /** Devices that report the candidate. */
  readonly exposed: number;
};

export type DecisionKind = 'promote' | 'extend' | 'hold' | 'rollback' | 'complete' | 'wait';

export type Decision = {
  readonly kind: DecisionKind;
  readonly rule: RuleName;
  readonly reason: string;
  readonly to: RolloutState;
  readonly holdKind: HoldKind | null;
  /** A person's request that was not granted. */
  readonly refused?: true;
};

export type RuleName =
  | 'kill'
  | 'device-trip-wire'
  | 'person-abort'
  | 'guardrail-breach'
  | 'missing-data'
  | 'reverts'
  | 'person-hold'
  | 'held'
  | 'person-promote'
  | 'settling'
  | 'bake'
  | 'evidence'
  | 'approval'
  | 'promote';

type Rule = { readonly name: RuleName; readonly decide: (facts: DecideFacts) => Draft | null };
type Draft = Omit<Decision, 'rule'>;

/** Highest first. The first rule that has something to say decides. */
export const PRECEDENCE: readonly Rule[] = [
  { name: 'kill', decide: onKill },
  { name: 'device-trip-wire', decide: onDeviceReverts },
  { name: 'person-abort', decide: onAbort },
  { name: 'guardrail-breach', decide: onBreach },
  { name: 'missing-data', decide: onMissing },
  { name: 'reverts', decide: onSomeReverts },
  { name: 'person-hold', decide: onHoldOrResume },
  { name: 'held', decide: onHeld },
  { name: 'person-promote', decide: onPersonPromote },
  { name: 'settling', decide: onSettling },
  { name: 'bake', decide: onBake },
  { name: 'evidence', decide: onEvidence },
  { name: 'approval', decide: onApproval },
  { name: 'promote', decide: onPromote },
];

/** For a rollout that is running, holding or awaiting approval. */
export function decide(facts: DecideFacts): Decision {
  for (const { name, decide: rule } of PRECEDENCE) {
    const draft = rule(facts);
    if (draft !== null) return { ...draft, rule: name };
  }
  throw new TypeError('the last rule of the precedence always decides');
}

function onKill({ kill, request }: DecideFacts): Draft | null {
  // Going back further is always allowed: a killed rollout may be rolled back or ended by a person.
  if (kill === null || isUndo(request)) return null;
  return hold('killed', `${kill}: no device answers with the candidate; a person must resume after re-arming`);
}

function onDeviceReverts({ reverts }: DecideFacts): Draft | null {
  const { devices, exposed, assigned, percent, min } = reverts;
  if (devices.length === 0) return null;
  const isEveryone = devices.length >= assigned;
  if (!isEveryone && (devices.length < min || sharePct(reverts) <= percent)) return null;
  const limit = isEveryone ? 'all of them' : `limit ${percent} % and ${min} devices`;
  return rollback(`${devices.length} of ${exposed} devices went back by themselves (${limit}): ${list(devices)}`);
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

function onBreach({ verdicts, sustained }: DecideFacts): Draft | null {
  const breaches = verdicts.filter(({ guardrail, verdict }) => verdict === 'breach' && sustained.has(guardrail));
  const worst = breaches.find(({ enforce }) => enforce === 'rollback');
  if (worst) return rollback(worst.sentence);
  const holding = breaches.find(({ enforce }) => enforce === 'hold');
  return holding ? hold('guardrail', holding.sentence) : null;
}

function onMissing({ missing, holdKind }: DecideFacts): Draft | null {
  // Another reason to hold needs a person and is kept; missing data clears by itself.
  if (missing === null || (holdKind !== null && holdKind !== 'missing-data')) return null;
  return hold('missing-data', missing);
}

function onSomeReverts({ reverts, holdKind, request }: DecideFacts): Draft | null {
  if (reverts.devices.length === 0 || sharePct(reverts) <= reverts.percent) return null;
  if (holdKind !== null && holdKind !== 'missing-data') return null;
  if (request?.verb === 'promote' && request.override) return null;
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

function onHeld({ state, holdKind, request }: DecideFacts): Draft | null {
  if (state !== 'holding' || request?.verb === 'promote') return null;
  if (holdKind === 'missing-data')
    return { kind: 'wait', reason: 'the missing devices are back', to: 'running', holdKind: null };
  return { kind: 'wait', reason: 'held until a person resumes it', to: 'holding', holdKind };
}

function onPersonPromote(facts: DecideFacts): Draft | null {
  const { request, state } = facts;
  if (request?.verb !== 'promote') return null;
  if (facts.exposed === 0) return refuse(state, 'no device reports the candidate yet');
  const breach = facts.verdicts.find(({ enforce, verdict }) => enforce !== 'observe' && verdict === 'breach');
  if (breach) return refuse(state, `${breach.sentence}; nothing is promoted over a breach, also while it is young`);
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

function onBake({ lookAtMs, nowMs, state }: DecideFacts): Draft | null {
  if (lookAtMs === null || nowMs >= lookAtMs || state === 'awaiting_approval') return null;
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
  return hold('inconclusive', `${lacking}; no extension is left`);
}

function onApproval({ stage, state }: DecideFacts): Draft | null {
  if (state === 'awaiting_approval') return wait('awaiting_approval', 'ready; waits for a person to promote it');
  if (stage.promote === 'auto') return null;
  return {
    kind: 'hold',
    reason: `stage ${stage.name} is ready; a person must promote it`,
    to: 'awaiting_approval',
    holdKind: null,
  };
}

function onPromote(facts: DecideFacts): Draft {
  return forward(facts, summaryOfPasses(facts.verdicts));
}

/** Why the stage may not be promoted now; null when every enforced guardrail passes and every reachable device is there. */
export function lackingEvidence({ verdicts, pending, exposed }: DecideFacts): string | null {
  if (exposed === 0) return 'no device reports the candidate';
  if (pending !== null) return pending;
  const open = verdicts.find(({ enforce, verdict }) => enforce !== 'observe' && verdict !== 'pass');
  return open?.sentence ?? null;
}

function summaryOfPasses(verdicts: readonly Verdict[]): string {
  const enforced = verdicts.filter(({ enforce }) => enforce !== 'observe');
  if (enforced.length === 0) return 'every reachable device proved the candidate';
  const [first] = enforced;
  return enforced.length === 1 ? `${first?.sentence}` : `all ${enforced.length} guardrails pass: ${first?.sentence}; …`;
}

function forward({ stage }: DecideFacts, reason: string): Draft {
  return { kind: stage.isLast ? 'complete' : 'promote', reason, to: 'running', holdKind: null };
}

function rollback(reason: string): Draft {
  return { kind: 'rollback', reason, to: 'rolling_back', holdKind: null };
}

function hold(holdKind: HoldKind, reason: string): Draft {
  return { kind: 'hold', reason, to: 'holding', holdKind };
}

function wait(to: RolloutState, reason: string): Draft {
  return { kind: 'wait', reason, to, holdKind: null };
}

/** `advance` keeps everything as it is when a request was refused. */
function refuse(state: RolloutState, reason: string): Draft {
  return { kind: 'wait', reason, to: state, holdKind: null, refused: true };
}

function isUndo(request: PersonRequest | null): boolean {
  return request?.verb === 'rollback' || request?.verb === 'abort';
}

function sharePct({ devices, exposed }: DecideFacts['reverts']): number {
  return exposed === 0 ? 100 : (devices.length / exposed) * 100;
}

/** Names for a sentence: all of a few, the first of many. */
export function list(names: readonly string[], shownMax = 5): string {
  const shown = names.slice(0, shownMax).join(', ');
  return names.length > shownMax ? `${shown} and ${names.length - shownMax} more` : shown;
}
