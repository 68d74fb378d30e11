// Who stands where in the small fleet: three factories whose lines differ, at least six devices, more on larger machines.

export type FleetDevice = { readonly site: string; readonly device: string; readonly line: string };

const SITES = [
  { site: 'plant-a', lines: ['brackets-1', 'flanges-1'] },
  { site: 'plant-b', lines: ['brackets-2', 'mixed-1'] },
  // Annealed covers never crack: this site cannot see a crack-blind model, and its devices say so.
  { site: 'plant-c', lines: ['covers-1', 'covers-1'] },
] as const;

const DEVICES_MIN = 6;
const DEVICES_MAX = 12;

/** Six devices on up to four cores, then three more for every two cores, twelve at most. */
export function deviceCount(cores: number): number {
  return Math.min(DEVICES_MAX, Math.max(DEVICES_MIN, 3 * Math.floor(cores / 2)));
}

/** Devices spread evenly over the sites, named after their place. */
export function layOutFleet(count: number): readonly FleetDevice[] {
  return Array.from({ length: count }, (_, i) => {
    const place = SITES[i % SITES.length] ?? SITES[0];
    const number = Math.floor(i / SITES.length);
    const line = place.lines[number % place.lines.length] ?? place.lines[0];
    return { site: place.site, device: `${place.site.replace('plant', 'cam')}${number + 1}`, line };
  });
}
