// The changelog entry of a release: what a rollout made of it, where, and with which figures. Pure; written when it ends.
import { describeDuration } from '../../shared/rollout/durations.ts';
import { signed, trim, unitText } from '../../shared/rollout/expression-text.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';
import type { Verification } from '../../shared/rollout/verification.ts';

export type OutcomeFacts = {
  readonly rolloutId: string;
  readonly state: 'completed' | 'rolled_back' | 'aborted' | 'superseded';
  readonly stage: string;
  readonly tookMs: number;
  /** Why it went back or was ended. */
  readonly reason: string;
  readonly devices: readonly {
    readonly site: string;
    readonly role: 'none' | 'prove' | 'shadow' | 'serve';
    readonly activatedAtMs: number | null;
  }[];
  readonly verdicts: readonly Verdict[];
  readonly verification: Verification | null;
  /** Factories that had gone back before, and are not among the devices. */
  readonly factoriesOut?: readonly string[];
};

/** Guardrails named in an entry; the report has all of them. */
const FIGURES_MAX = 6;

export function outcomeText(facts: OutcomeFacts): string {
  const { rolloutId, state, stage, tookMs, reason, verification } = facts;
  if (state === 'completed')
    return [
      `completed in rollout ${rolloutId} after ${describeDuration(tookMs)}`,
      whereOf(facts),
      outOf(facts),
      figuresOf(facts),
    ]
      .filter(Boolean)
      .join('; ');
  const verb = state === 'rolled_back' ? 'rolled-back' : state;
  return [
    `${verb} in rollout ${rolloutId} at stage ${stage} after ${describeDuration(tookMs)}: ${reason}`,
    whereOf(facts),
    outOf(facts),
    verification?.sentence ?? '',
  ]
    .filter(Boolean)
    .join('; ');
}

function whereOf({ devices, state }: OutcomeFacts): string {
  const isEveryone = state === 'completed';
  const had = devices.filter(({ role, activatedAtMs }) => isEveryone || (role === 'serve' && activatedAtMs !== null));
  if (had.length === 0) return 'it answered on no device';
  const sites = [...new Set(had.map(({ site }) => site))].sort();
  const bySite = sites.map((site) => `${site} ${had.filter((device) => device.site === site).length}`);
  return `${isEveryone ? 'on' : 'it had answered on'} ${had.length} of ${devices.length} devices (${bySite.join(', ')})`;
}

function outOf({ factoriesOut = [] }: OutcomeFacts): string {
  return factoriesOut.length === 0 ? '' : `not at ${factoriesOut.join(', ')}, which went back alone`;
}

function figuresOf({ verdicts }: OutcomeFacts): string {
  const known = verdicts.filter(({ estimate, enforce }) => estimate !== null && enforce !== 'observe');
  const told = known.slice(0, FIGURES_MAX).map((verdict) => {
    const value = verdict.estimate ?? 0;
    const text = /[+±-]/.test(verdict.limitText) ? signed(value) : trim(value);
    return `${verdict.title} ${text} ${unitText(verdict.unit)} (limit ${verdict.limitText})`;
  });
  const more = known.length - told.length;
  return [...told, ...(more > 0 ? [`${more} more guardrails passed`] : [])].join(', ');
}
