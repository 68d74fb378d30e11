// What a person can do to a rollout now, and why not: the server decides again, this only says it beforehand.
import type { SessionAnswer } from '../../../../shared/protocol/api-identity.ts';
import type { RolloutVerb, RolloutView } from '../../../../shared/protocol/api-rollouts.ts';
import { LEAST_ROLE, may, maySomewhere } from '../../../../shared/protocol/permissions.ts';
import { count, hasEnded, moveText, shortRelease, signOfState } from './words.ts';

export type Verb = {
  readonly verb: RolloutVerb | 'edit';
  /** On the button. */
  readonly word: string;
  /** In a sentence, before it is done. */
  readonly says: string;
  readonly command: string;
  /** Null: it can be done. */
  readonly disabledBecause: string | null;
  readonly tone: 'plain' | 'good' | 'bad';
  /** `*`: whatever it is by then; what makes safer never fails because something moved. */
  readonly ifMatch: string;
};

/** Null: may, or it is not known who asks. Without sites (nothing is chosen yet) the right on any site is enough. */
export function lackOf(
  session: SessionAnswer | null,
  right: 'operate' | 'approve',
  sites: readonly string[],
): string | null {
  if (session === null || session.open) return null;
  const { identity } = session;
  if (identity.kind === 'nobody') return 'sign in first';
  const role = LEAST_ROLE[right];
  if (sites.length === 0)
    return maySomewhere(identity, right) ? null : `${identity.name} is ${role} nowhere; ask an admin`;
  const missing = sites.filter((site) => !may(identity, right, site));
  if (missing.length === 0) return null;
  return `${identity.name} is not ${role} at ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ' …' : ''}; ask an admin`;
}

export function verbsOf(view: RolloutView, session: SessionAnswer | null): readonly Verb[] {
  const seen = `"v${view.version}"`;
  const lacksOperator = lackOf(session, 'operate', view.sites);
  const lacksApprover = lackOf(session, 'approve', view.sites);
  const verb = (of: RolloutVerb, rest: Omit<Verb, 'verb' | 'command'>): Verb => {
    return { verb: of, command: `belay rollout ${of} ${view.id} --reason REASON`, ...rest };
  };
  return [
    verb('hold', {
      word: 'Hold',
      says: `Stop growth; ${count(view.exposure.exposed, 'exposed device')} keep the candidate`,
      disabledBecause: lacksOperator ?? noHold(view),
      tone: 'plain',
      ifMatch: '*',
    }),
    verb('resume', {
      word: 'Resume',
      says: 'Go on with this stage after the hold',
      disabledBecause: lacksOperator ?? noResume(view),
      tone: 'good',
      ifMatch: seen,
    }),
    verb('approve', {
      word: 'Approve',
      says: `Approve stage ${view.approvals?.stage ?? view.stage} of this plan`,
      disabledBecause: lacksApprover ?? noApproval(view, session),
      tone: 'good',
      ifMatch: seen,
    }),
    verb('promote', {
      word: 'Promote',
      says: `Go from stage ${view.stage} to ${nextStage(view)} now`,
      disabledBecause: lacksOperator ?? noPromotion(view),
      tone: 'good',
      ifMatch: seen,
    }),
    verb('rollback', {
      word: 'Roll back',
      says: rollbackText(view),
      disabledBecause: lacksOperator ?? ending(view),
      tone: 'bad',
      ifMatch: '*',
    }),
    verb('abort', {
      word: 'Abort',
      says: 'End this rollout',
      disabledBecause: lacksOperator ?? ending(view),
      tone: 'bad',
      ifMatch: '*',
    }),
  ];
}

/** What was there first, and how many devices go back to it. */
export function rollbackText(view: RolloutView): string {
  const back = view.baselines.map(({ release }) => shortRelease(release)).join(' or ') || 'what it ran before';
  return `Take ${count(goingBack(view), 'device')} from ${shortRelease(view.candidate.release)} back to ${back}`;
}

/** Devices that shall have the candidate now, in whatever role. */
export function goingBack({ devices }: RolloutView): number {
  return devices.filter(({ role }) => role !== 'none').length;
}

/** Each device goes back to what it ran before: so many to which release. */
export function returnsOf({ devices }: RolloutView): readonly { readonly release: string; readonly devices: number }[] {
  const inside = devices.filter(({ role }) => role !== 'none');
  return [...Map.groupBy(inside, ({ baseline }) => baseline.release)].map(([release, of]) => {
    return { release, devices: of.length };
  });
}

/** Why it may not be edited. */
export function noEdit(view: RolloutView, session: SessionAnswer | null): string | null {
  return lackOf(session, 'operate', view.sites) ?? ending(view);
}

function ending(view: RolloutView): string | null {
  if (hasEnded(view)) return `it has ended: ${signOfState({ ...view, killed: null }).word}`;
  return view.state === 'rolling_back' ? 'it is rolling back already' : null;
}

function moving(view: RolloutView): string | null {
  return ending(view) ?? (view.phase === 'committing' ? 'every stage is done; it may only be rolled back' : null);
}

function noHold(view: RolloutView): string | null {
  return moving(view) ?? (view.state === 'holding' ? 'it is held already' : null);
}

function noResume(view: RolloutView): string | null {
  if (view.killed !== null) return `a kill is in force: ${view.killed}`;
  return moving(view) ?? (view.state === 'holding' ? null : 'it is not held');
}

function noApproval(view: RolloutView, session: SessionAnswer | null): string | null {
  const over = moving(view);
  if (over !== null) return over;
  const { approvals } = view;
  if (approvals === null) return 'this stage needs no approval';
  if (approvals.given.length >= approvals.needed) return `it has its ${count(approvals.needed, 'approval')}`;
  const name = session === null || session.open ? null : session.identity.name;
  if (name !== null && name === view.startedBy) return `${name} started it: somebody else approves`;
  if (name !== null && approvals.given.some(({ actor }) => actor === name)) return `${name} has approved it already`;
  return null;
}

function noPromotion(view: RolloutView): string | null {
  if (view.killed !== null) return `a kill is in force: ${view.killed}`;
  const over = moving(view);
  if (over !== null) return over;
  const breach = view.guardrails.find(({ verdict, enforce }) => verdict === 'breach' && enforce !== 'observe');
  if (breach !== undefined) return `${breach.title} breaks its limit ${breach.limitText}: never over a breach`;
  return view.closed === null ? null : `closed by the schedule: ${view.closed}`;
}

function nextStage({ stages, stageIndex }: RolloutView): string {
  return stages[stageIndex + 1]?.name ?? 'the end, for every device';
}

/** For the title of the page. */
export function headline(view: RolloutView): string {
  return `${view.name}: ${moveText(view)}`;
}
