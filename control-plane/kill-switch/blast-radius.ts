// Whom a kill would reach and what would answer there then, from memory: it can be asked while the database is down. Pure.
import type { DryRun } from '../../shared/protocol/api-dry-run.ts';
import type { KillSummary } from '../../shared/protocol/api-kills.ts';
import type { KillScope, ReleaseRef } from '../../shared/protocol/documents.ts';
import { count, countForeseen, describeCount, type ForeseenDevice } from '../core/foreseen.ts';
import type { DevicePresence } from '../devices/presence.ts';
import { isInScope, isSameScope } from './kill-records.ts';

export type BlastFacts = {
  readonly scope: KillScope;
  readonly devices: readonly DevicePresence[];
  readonly isOnline: (device: DevicePresence) => boolean;
  readonly active: readonly KillSummary[];
};

export function blastRadius({ scope, devices, isOnline, active }: BlastFacts): DryRun {
  const reached = devices.filter((device) => isInScope(scope, device));
  const concerned = reached.filter((device) => isConcerned(scope, device));
  const foreseen = concerned.map((device): ForeseenDevice => {
    const { serving, committed, site } = device;
    const isChanging = serving !== null && isTaken(scope, device, serving);
    const to = committed !== null && !isTaken(scope, device, committed) ? committed.release : null;
    return { site, online: isOnline(device), from: serving?.release ?? null, to, isChanging };
  });
  const changing = foreseen.filter((device) => device.isChanging);
  const same = active.find((kill) => isSameScope(kill.scope, scope));
  return {
    dryRun: true,
    sentence: sentenceOf(foreseen, changing),
    refusals: [],
    ...countForeseen(foreseen),
    notes: [
      ...(same ? [`the same kill is in force already (${same.id}, by ${same.actor}): it would be sent again`] : []),
      ...(reached.length > concerned.length
        ? [`${count(reached.length - concerned.length, 'more device')} would get the order and have nothing to do`]
        : []),
      'devices that connect later obey before their first frame',
    ],
    plan: null,
    outlook: null,
  };
}

function sentenceOf(concerned: readonly ForeseenDevice[], changing: readonly ForeseenDevice[]): string {
  if (concerned.length === 0) return 'No device in this scope has anything on trial now.';
  if (changing.length === 0)
    return `${describeCount(concerned)} would drop what is on trial; none would answer differently.`;
  return `${describeCount(changing)} would answer with another release.`;
}

/** It has something that the kill takes away: answering, on trial, or ordered. */
function isConcerned(scope: KillScope, device: DevicePresence): boolean {
  const { serving, committed, candidate, desiredRollout } = device;
  const held = [serving, candidate, committed];
  if (held.some((release) => release !== null && isTaken(scope, device, release))) return true;
  if (desiredRollout === null) return false;
  if (scope.kind === 'release') return desiredRollout.digest === scope.digest;
  return scope.kind !== 'rollout' || desiredRollout.rolloutId === scope.rolloutId;
}

/** Kills of a place take what is on trial, and leave what is committed; kills that name a digest take it wherever it is. */
function isTaken(scope: KillScope, { committed }: DevicePresence, { digest }: ReleaseRef): boolean {
  if (scope.kind === 'release' || scope.kind === 'rollout') return digest === scope.digest;
  return committed?.digest !== digest;
}
