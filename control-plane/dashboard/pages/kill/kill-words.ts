// What the kill page says, and when its button may be pressed. Decisions and texts only.

import type { SessionAnswer } from '../../../../shared/protocol/api-identity.ts';
import type { KillChoice, KillProgress } from '../../../../shared/protocol/api-kill-page.ts';
import { type KillScopeText, nameKillScope } from '../../../../shared/protocol/kill-scope-text.ts';

export type KillDraft = {
  /** Null: nothing is chosen, or the device is not written as site/device. */
  readonly scope: KillScopeText | null;
  readonly reason: string;
  /** Typed again for the whole fleet. */
  readonly typed: string;
};

/** Why it cannot be killed yet; null when it can. The server looks again. */
export function whyNotYet({ scope, reason, typed }: KillDraft, session: SessionAnswer | null): string | null {
  if (session !== null && !session.open && !session.identity.mayKill)
    return `${session.identity.name} has no kill right; an operator does.`;
  if (scope === null) return 'Choose what to kill; one device is written as site/device.';
  if (reason.trim() === '') return 'Say why: a reason is needed.';
  if (scope.kind === 'fleet' && typed.trim() !== 'fleet') return 'Type fleet to confirm the whole fleet.';
  return null;
}

export function scopeTitle(scope: KillScopeText): string {
  return scope.kind === 'fleet' ? 'the whole fleet' : `${scope.kind} ${nameKillScope(scope)}`;
}

/** Whom it reaches, below the chosen scope. */
export function reachText(scope: KillScopeText | null, choices: readonly KillChoice[] | null, chosen: string): string {
  if (scope === null) return '';
  if (scope.kind === 'device') return '1 device; when it is offline it obeys on reconnect';
  if (choices === null) return 'The counts have not been read yet; the kill works without them.';
  const choice = choices.find((one) => one.scope === chosen);
  if (choice === undefined) return 'No device is known to have it now.';
  return `${choice.says}. ${choice.onTrial} with something on trial now.`;
}

/** Where it stands, in one sentence. */
export function progressText(kill: KillProgress): string {
  if (!kill.active) return `Re-armed by ${kill.clearedBy ?? 'somebody'}: ${kill.clearedReason ?? ''}`;
  const reachable = kill.sent - kill.offlineCount;
  const offline = kill.offlineCount === 0 ? '' : `; ${kill.offlineCount} offline will obey on reconnect`;
  if (kill.sent === 0) return 'In force. No device is known yet; those that come obey before their first frame.';
  if (kill.stragglerCount > 0)
    return `${kill.acknowledged} of ${reachable} reachable devices have acknowledged${offline}`;
  if (reachable === 1) return `The one reachable device has acknowledged${offline}`;
  return `All ${reachable} reachable devices have acknowledged${offline}`;
}

/** Of those that can answer, 0..1. */
export function acknowledgedShare({ acknowledged, sent, offlineCount }: KillProgress): number {
  const reachable = Math.max(acknowledged, sent - offlineCount);
  return reachable === 0 ? 1 : acknowledged / reachable;
}

const SOON_MS = 500;
const LATER_MS = 5000;

/** How long until it is read again: often while devices are still to answer. */
export function pollMs(kill: KillProgress | null): number {
  return kill === null || (kill.active && kill.stragglerCount > 0) ? SOON_MS : LATER_MS;
}

export function millisecondsText(ms: number | null): string {
  return ms === null ? '–' : `${Math.round(ms)} ms`;
}
