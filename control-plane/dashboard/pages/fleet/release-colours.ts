// A colour for each release, the same everywhere on the page: most common first, so that what is new stands out. No DOM here.
import type { LiveDevice } from '../../../../shared/protocol/api-live.ts';

/** Told apart in both themes; beyond them all are one grey, and the words say which is which. */
const COLOURS = ['#5b7ea6', '#d08a2e', '#8e6bb5', '#3f9c8f', '#b5577c', '#7f8c3a'] as const;
const OTHER = '#8a8f98';

export function releaseColours(devices: readonly LiveDevice[]): (release: string | null) => string {
  const counts = new Map<string, number>();
  for (const { release } of devices) if (release !== null) counts.set(release, (counts.get(release) ?? 0) + 1);
  const ranked = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const colours = new Map(ranked.map(([release], rank) => [release, COLOURS[rank] ?? OTHER]));
  return (release) => (release === null ? OTHER : (colours.get(release) ?? OTHER));
}
