// What can be killed, with how many devices each would reach. Pure, and from memory alone: it must answer without a database.
import type { KillChoice } from '../../shared/protocol/api-kill-page.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { type KillScopeText, nameKillScope, writeKillScope } from '../../shared/protocol/kill-scope-text.ts';
import { isOnline } from '../devices/device.ts';
import type { DevicePresence } from '../devices/presence.ts';

/** Fleet first, then sites, then rollouts and releases: the most devices first. */
export function killChoices(devices: readonly DevicePresence[], nowMs: number): readonly KillChoice[] {
  const choice = (scope: Chosen, members: readonly DevicePresence[]): KillChoice => {
    const offline = members.filter((device) => !isOnline(device, nowMs)).length;
    const counts = { devices: members.length, offline, onTrial: members.filter(isOnTrial).length };
    const says = sayCount(counts);
    return { scope: writeKillScope(scope), kind: scope.kind, name: nameKillScope(scope), ...counts, says };
  };
  const sites = Map.groupBy(devices, (device) => device.site);
  const rollouts = Map.groupBy(
    devices.filter((device) => device.desiredRollout !== null),
    (device) => device.desiredRollout?.rolloutId ?? '',
  );
  const releases = groupByRelease(devices);
  return [
    choice({ kind: 'fleet' }, devices),
    ...[...sites].map(([site, members]) => choice({ kind: 'site', site }, members)).sort(byName),
    ...[...rollouts].map(([rolloutId, members]) => choice({ kind: 'rollout', rolloutId }, members)).sort(byCount),
    ...[...releases].map(([release, members]) => choice({ kind: 'release', release }, members)).sort(byCount),
  ];
}

type Chosen = Exclude<KillScopeText, { kind: 'device' }>;

/** `612 of 640 devices; 28 offline will obey on reconnect`. */
export function sayCount({ devices, offline }: Pick<KillChoice, 'devices' | 'offline'>): string {
  const word = devices === 1 ? 'device' : 'devices';
  return offline === 0
    ? `${devices} ${word}, all online`
    : `${devices - offline} of ${devices} ${word}; ${offline} offline will obey on reconnect`;
}

function isOnTrial({ candidate, desiredCandidate }: DevicePresence): boolean {
  return candidate !== null || desiredCandidate !== null;
}

/** By what a device runs, has committed or shall try. */
function groupByRelease(devices: readonly DevicePresence[]): ReadonlyMap<string, readonly DevicePresence[]> {
  const groups = new Map<string, DevicePresence[]>();
  for (const device of devices) {
    for (const release of new Set(releasesOf(device).map((ref) => ref.release))) push(groups, release, device);
  }
  return groups;
}

function releasesOf({ serving, committed, candidate, desiredCandidate }: DevicePresence): readonly ReleaseRef[] {
  return [serving, committed, candidate, desiredCandidate].filter((ref) => ref !== null);
}

function byName(a: KillChoice, b: KillChoice): number {
  return a.name < b.name ? -1 : 1;
}

function byCount(a: KillChoice, b: KillChoice): number {
  return b.devices - a.devices || byName(a, b);
}

function push(groups: Map<string, DevicePresence[]>, key: string, device: DevicePresence): void {
  const group = groups.get(key);
  if (group) group.push(device);
  else groups.set(key, [device]);
}
