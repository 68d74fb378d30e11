// The fleet in counts, factory by factory: one pass over all devices. No DOM here.
import type { LiveCondition, LiveDevice } from '../../../../shared/protocol/api-live.ts';
import { LIVE_CONDITIONS } from './condition-names.ts';

export type Share = { readonly release: string | null; readonly devices: number };

export type FactoryCounts = {
  readonly site: string;
  readonly devices: number;
  readonly online: number;
  readonly byCondition: ReadonlyMap<LiveCondition, number>;
  /** Most first. */
  readonly releases: readonly Share[];
  readonly onTrial: number;
  /** The worst device, of the worst condition, that is not ok. */
  readonly worst: LiveDevice | null;
  /** By hardware class, in order; ids in order within. */
  readonly hardware: readonly { readonly hardwareClass: string; readonly ids: readonly string[] }[];
};

const RANK: ReadonlyMap<LiveCondition, number> = new Map(LIVE_CONDITIONS.map((condition, rank) => [condition, rank]));

/** Factories in the order of their names; `devices` in the order of theirs. */
export function countFactories(devices: readonly LiveDevice[]): readonly FactoryCounts[] {
  const bySite = Map.groupBy(devices, ({ site }) => site);
  return [...bySite].sort(([a], [b]) => (a < b ? -1 : 1)).map(([site, members]) => countFactory(site, members));
}

function countFactory(site: string, members: readonly LiveDevice[]): FactoryCounts {
  const byCondition = new Map<LiveCondition, number>();
  const releases = new Map<string | null, number>();
  const hardware = new Map<string, string[]>();
  let [online, onTrial] = [0, 0];
  let worst: LiveDevice | null = null;
  for (const device of members) {
    const { condition, release } = device;
    byCondition.set(condition, (byCondition.get(condition) ?? 0) + 1);
    releases.set(release, (releases.get(release) ?? 0) + 1);
    if (device.online) online += 1;
    if (device.role === 'candidate' || device.role === 'shadow') onTrial += 1;
    if (rankOf(device) < rankOf(worst)) worst = device;
    const kind = device.hardwareClass ?? 'unknown';
    const ids = hardware.get(kind);
    if (ids === undefined) hardware.set(kind, [idOf(device)]);
    else ids.push(idOf(device));
  }
  const shares = [...releases].map(([release, count]) => ({ release, devices: count }));
  const kinds = [...hardware].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    site,
    devices: members.length,
    online,
    byCondition,
    releases: shares.sort((a, b) => b.devices - a.devices),
    onTrial,
    worst,
    hardware: kinds.map(([hardwareClass, ids]) => ({ hardwareClass, ids })),
  };
}

function rankOf(device: LiveDevice | null): number {
  return device === null ? (RANK.get('unknown') ?? 0) + 0.5 : (RANK.get(device.condition) ?? 0);
}

export function idOf({ site, device }: LiveDevice): string {
  return `${site}/${device}`;
}

export function countConditions(devices: readonly LiveDevice[]): ReadonlyMap<LiveCondition, number> {
  const counts = new Map<LiveCondition, number>();
  for (const { condition } of devices) counts.set(condition, (counts.get(condition) ?? 0) + 1);
  return counts;
}
