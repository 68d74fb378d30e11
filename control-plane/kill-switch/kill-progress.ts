// How far a kill has come, short enough to be asked for twice a second, and what would answer again if it ended. Pure.
import type { KillProgress } from '../../shared/protocol/api-kill-page.ts';
import type { KillAck, KillResult } from '../../shared/protocol/api-kills.ts';
import type { KillScope } from '../../shared/protocol/documents.ts';
import { addressKey, type DevicePresence } from '../devices/presence.ts';
import { isInScope } from './kill-records.ts';

export type ProgressFacts = {
  readonly result: KillResult;
  readonly devices: readonly DevicePresence[];
  /** Other kills in force. */
  readonly others: readonly { readonly id: string; readonly scope: KillScope }[];
  readonly fault: string | null;
};

/** Names that fit on a page; the counts are whole. */
const NAMED_MAX = 200;

export function killProgress({ result, devices, others, fault }: ProgressFacts): KillProgress {
  const { acks, stragglers, offline, ...rest } = result;
  return {
    ...rest,
    p95Ms: percentileOf(acks, 0.95),
    stragglers: stragglers.toSorted(byAddress).slice(0, NAMED_MAX),
    offline: offline.toSorted(byAddress).slice(0, NAMED_MAX),
    stragglerCount: stragglers.length,
    offlineCount: offline.length,
    comesBack: tellComesBack(result.scope, devices, others),
    fault,
  };
}

/** Everything that devices were told to try, or have committed, and that only this kill keeps from answering. */
export function tellComesBack(
  scope: KillScope,
  devices: readonly DevicePresence[],
  others: readonly { readonly scope: KillScope }[],
): string {
  const counts = new Map<string, number>();
  for (const device of devices) {
    if (!isInScope(scope, device)) continue;
    for (const release of new Set(heldBack(scope, device, others))) counts.set(release, (counts.get(release) ?? 0) + 1);
  }
  if (counts.size === 0)
    return 'No device is told to try, or has committed, anything that this kill alone holds back: nothing answers again by itself.';
  const list = [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([release, n]) => `${release} on ${n} device${n === 1 ? '' : 's'}`);
  return `These may answer again at once: ${list.join(', ')}. A rollout that it stopped grows only when a person resumes it.`;
}

function heldBack(
  scope: KillScope,
  device: DevicePresence,
  others: readonly { readonly scope: KillScope }[],
): readonly string[] {
  const { desiredCandidate, committed } = device;
  const held: Held[] = [];
  if (desiredCandidate !== null) held.push(desiredCandidate);
  // What is committed is stopped by a kill that names it, and by no other.
  if (committed !== null && 'digest' in scope) held.push(committed);
  return held
    .filter(
      (ref) => stops(scope, ref) && !others.some((kill) => isInScope(kill.scope, device) && stops(kill.scope, ref)),
    )
    .map(({ release, role = 'serve' }) => (role === 'serve' ? release : `${release} (${role})`));
}

type Held = {
  readonly release: string;
  readonly digest: string;
  readonly rolloutId?: string;
  /** Of a candidate; what is committed serves. */
  readonly role?: string;
};

function stops(scope: KillScope, ref: { readonly digest: string; readonly rolloutId?: string }): boolean {
  switch (scope.kind) {
    case 'fleet':
    case 'site':
    case 'device':
      return true;
    case 'release':
      return scope.digest === ref.digest;
    case 'rollout':
      return scope.digest === ref.digest || scope.rolloutId === ref.rolloutId;
  }
}

/** Nearest rank: a time that was really measured. */
function percentileOf(acks: readonly KillAck[], q: number): number | null {
  const times = acks.flatMap((ack) => (ack.wasOffline || ack.roundTripMs === null ? [] : [ack.roundTripMs]));
  times.sort((a, b) => a - b);
  return times[Math.max(0, Math.ceil(q * times.length) - 1)] ?? null;
}

function byAddress(a: { site: string; device: string }, b: { site: string; device: string }): number {
  return addressKey(a) < addressKey(b) ? -1 : 1;
}
