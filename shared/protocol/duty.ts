// The duty of a device in words, and why a person may not change it now: one rule for the control plane, the CLI and the page.
import type { Duty, DutyVerb, Mark } from './api-duty.ts';

export const IN_SERVICE: Duty = { version: 0, pinned: null, drained: null, retired: null };

export type Aside = { readonly kind: 'pinned' | 'drained' | 'retired'; readonly sentence: string };

/** Why rollouts leave it out: what weighs most; null: it takes part. */
export function asideOf(duty: Duty | null | undefined): Aside | null {
  if (duty == null) return null;
  const { pinned, drained, retired } = duty;
  if (retired) return { kind: 'retired', sentence: `retired ${by(retired)}` };
  if (drained) return { kind: 'drained', sentence: `drained ${by(drained)}` };
  return pinned && { kind: 'pinned', sentence: `pinned to ${pinned.release} ${by(pinned)}` };
}

/** All that was said of it, what weighs most first. */
export function tellDuty(duty: Duty | null | undefined): readonly string[] {
  if (duty == null) return [];
  const { pinned, drained, retired } = duty;
  return [{ retired }, { drained }, { pinned }].flatMap((one) => asideOf({ ...IN_SERVICE, ...one })?.sentence ?? []);
}

function by({ actor, sinceMs, reason }: Mark): string {
  return `by ${actor} since ${new Date(sinceMs).toISOString().slice(0, 16)}Z: ${reason}`;
}

export type DutyAsked = {
  readonly duty: Duty;
  readonly online: boolean;
  /** Whether it has told what it has committed. */
  readonly hasCommitted: boolean;
  readonly force?: boolean;
};

type WhyNot = (asked: DutyAsked) => string | null;

const WHY_NOT: Readonly<Record<DutyVerb, WhyNot>> = {
  pin: ({ hasCommitted }) =>
    hasCommitted ? null : 'it has not reported what it runs, so nothing is known to be safe there',
  unpin: ({ duty }) => (duty.pinned ? null : 'it is not pinned'),
  drain: ({ duty }) => (duty.drained ? `it is ${asideOf(duty)?.sentence}` : null),
  undrain: ({ duty }) => (duty.drained ? null : 'it is not drained'),
  retire: ({ online, force = false }) => (online && !force ? 'it is reporting: stop its agent first' : null),
  unretire: ({ duty }) => (duty.retired ? null : 'it is not retired'),
};

/** Null: it can be done. Whether a release may be pinned is known to the control plane alone. */
export function whyNotDuty(verb: DutyVerb, asked: DutyAsked): string | null {
  if (asked.duty.retired && verb !== 'unretire')
    return `it is ${asideOf(asked.duty)?.sentence}; bring it back first (unretire)`;
  return WHY_NOT[verb](asked);
}
