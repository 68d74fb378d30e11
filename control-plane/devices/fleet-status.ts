// The fleet in counts: per site, and per release. Pure: devices in, numbers out.
import type { SiteStatus, VersionShare } from '../../shared/protocol/api-status.ts';
import type { Device } from './device.ts';

export function countSites(devices: readonly Device[]): readonly SiteStatus[] {
  const sites = Map.groupBy(devices, (device) => device.site);
  return [...sites].map(([site, members]) => ({
    site,
    devices: members.length,
    online: members.filter((device) => device.online).length,
    onTrial: members.filter((device) => device.reported?.candidate != null).length,
    blocked: members.filter((device) => (device.reported?.blocked.length ?? 0) > 0).length,
    killed: members.filter((device) => (device.reported?.kills.length ?? 0) > 0).length,
    behind: members.filter(isBehind).length,
  }));
}

/** Most served first. */
export function countReleases(devices: readonly Device[]): readonly VersionShare[] {
  const shares = new Map<string, VersionShare>();
  const add = (ref: { release: string; digest: string } | null | undefined, key: 'serving' | 'committed'): void => {
    if (!ref) return;
    const { release, digest } = ref;
    const share = shares.get(digest) ?? { release, digest, serving: 0, committed: 0 };
    shares.set(digest, { ...share, [key]: share[key] + 1 });
  };
  for (const { reported } of devices) {
    add(reported?.serving, 'serving');
    add(reported?.committed, 'committed');
  }
  return [...shares.values()].sort((a, b) => b.serving - a.serving || b.committed - a.committed);
}

function isBehind({ desired, reported }: Device): boolean {
  return desired !== null && (reported?.generation ?? 0) < desired.generation;
}
