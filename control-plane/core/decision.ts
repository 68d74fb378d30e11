// What a decision is taken from and what it may be. Types and the words to make one; the precedence is in decide.ts.
import type { RolloutPhase, RolloutState, RolloutVerb } from '../../shared/protocol/api-rollouts.ts';
import type { StageSpec } from '../../shared/rollout/rollout-file.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';

/** `factory`: one factory was taken back, the rest waits for a person. `frozen`: a breach stops growth and lifts by itself when it is over. */
export type HoldKind =
  | 'person'
  | 'guardrail'
  | 'factory'
  | 'frozen'
  | 'missing-data'
  | 'inconclusive'
  | 'reverts'
  | 'killed';

export type PersonRequest = {
  readonly verb: RolloutVerb;
  readonly actor: string;
  readonly reason: string;
  readonly override: boolean;
  readonly keep: boolean;
  /** approve: the plan that the person has seen; absent = the one that is stored. */
  readonly planHash?: string;
};

/** Somebody's yes to one stage of one plan. */
export type Approval = {
  readonly actor: string;
  readonly reason: string;
  readonly atMs: number;
  readonly planHash: string;
};

export type DecideFacts = {
  readonly nowMs: number;
  readonly state: RolloutState;
  readonly phase: RolloutPhase;
  readonly holdKind: HoldKind | null;
  readonly stage: Pick<StageSpec, 'name' | 'promote' | 'judge'> & { readonly isLast: boolean };
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
    /** Of those devices, the ones that count together; absent: all of them. */
    readonly recent?: readonly string[];
  };
  readonly request: PersonRequest | null;
  /** Verdicts of the guardrails of this stage, and the ids of breaches that have lasted as long as they must. */
  readonly verdicts: readonly Verdict[];
  readonly sustained: ReadonlySet<string>;
  /** What a sustained breach of a guardrail with `enforce: rollback` does. */
  readonly onBreach: 'rollback' | 'freeze' | 'hold';
  /** Sites where devices have the candidate, when one of them may be taken back alone; else null. */
  readonly factories: readonly string[] | null;
  /** What lasting doubt does when no extension is left, and whether a hold for doubt has waited long enough for a person. */
  readonly inconclusive: {
    readonly afterExtensions: 'hold' | 'rollback';
    readonly isTimedOut: boolean;
    /** Who is asked to decide, in words; null or absent: nobody by name. */
    readonly asked?: string | null;
  };
  /** What must be shown to improve in this stage, and the guardrails that must be shown to hold with it. */
  readonly objectives?: readonly { readonly id: string; readonly with: readonly string[] }[];
  /** Parts of the peak that the evidence does not cover yet, in words; null or absent: all of it. */
  readonly uncovered?: string | null;
  /** Silent devices, blind cameras, devices that do not start: in words; null when all is there. */
  readonly missing: string | null;
  /** Reachable devices that are not on the candidate yet, in words; null when all are. */
  readonly pending: string | null;
  /** Devices that report the candidate. */
  readonly exposed: number;
  /** Why no device may be added now (outside the windows, or in a freeze), in words; null when it may. */
  readonly closed: string | null;
  /** Approvals of this stage that are bound to the plan as it is stored. */
  readonly approvals: {
    readonly needed: number;
    readonly given: readonly Approval[];
    /** Who may approve; empty: everybody but the one who started it. */
    readonly approvers: readonly string[];
    readonly startedBy: string | null;
    readonly planHash: string;
    /** What an approval of this stage signs; null or absent: nothing by name. */
    readonly signoff?: string | null;
  };
};

export type DecisionKind = 'start' | 'approve' | 'promote' | 'extend' | 'hold' | 'rollback' | 'complete' | 'wait';

export type RuleName =
  | 'kill'
  | 'device-trip-wire'
  | 'person-abort'
  | 'person-supersede'
  | 'guardrail-breach'
  | 'missing-data'
  | 'reverts'
  | 'person-hold'
  | 'person-approve'
  | 'held'
  | 'schedule'
  | 'person-promote'
  | 'settling'
  | 'bake'
  | 'evidence'
  | 'approval'
  | 'promote'
  | 'start';

export type Decision = {
  readonly kind: DecisionKind;
  readonly rule: RuleName;
  readonly reason: string;
  readonly to: RolloutState;
  readonly holdKind: HoldKind | null;
  /** The only factory that a rollback takes back; absent: everywhere. */
  readonly site?: string;
  /** A person's request that was not granted. */
  readonly refused?: true;
};

export type Draft = Omit<Decision, 'rule'>;
export type Rule = { readonly name: RuleName; readonly decide: (facts: DecideFacts) => Draft | null };

/** The first rule that has something to say decides; the last one of a table always does. */
export function firstOf(rules: readonly Rule[], facts: DecideFacts): Decision {
  for (const { name, decide } of rules) {
    const draft = decide(facts);
    if (draft !== null) return { ...draft, rule: name };
  }
  throw new TypeError('the last rule of a precedence always decides');
}

export function rollback(reason: string): Draft {
  return { kind: 'rollback', reason, to: 'rolling_back', holdKind: null };
}

/** One factory goes back, the rest keeps what it has and grows no further. */
export function rollbackSite(site: string, reason: string): Draft {
  return {
    kind: 'rollback',
    reason: `${site} goes back, the rest is held: ${reason}`,
    to: 'holding',
    holdKind: 'factory',
    site,
  };
}

export function hold(holdKind: HoldKind, reason: string): Draft {
  return { kind: 'hold', reason, to: 'holding', holdKind };
}

export function wait(to: RolloutState, reason: string): Draft {
  return { kind: 'wait', reason, to, holdKind: null };
}

/** `advance` keeps everything as it is when a request was refused. */
export function refuse(state: RolloutState, reason: string): Draft {
  return { kind: 'wait', reason, to: state, holdKind: null, refused: true };
}

export function isUndo(request: PersonRequest | null): boolean {
  return request?.verb === 'rollback' || request?.verb === 'abort';
}
