// What of the fleet is shown, as it stands in the address: everything that is chosen can be sent to a colleague. No DOM here.

import type { LiveCondition, LiveDevice } from '../../../../shared/protocol/api-live.ts';
import { LIVE_CONDITIONS } from './condition-names.ts';

export type SortKey = 'device' | 'condition' | 'release' | 'fps' | 'p95' | 'temperature' | 'battery' | 'seen';

export type Filter = {
  readonly site: string;
  readonly hardware: string;
  readonly line: string;
  readonly release: string;
  readonly condition: LiveCondition | 'trouble' | '';
  /** Part of `site/device`, line, hardware or release. */
  readonly search: string;
  readonly view: 'wall' | 'list';
  readonly sort: SortKey;
  readonly isDescending: boolean;
  /** On a screen on the wall. */
  readonly isKiosk: boolean;
};

const SORT_KEYS: readonly SortKey[] = [
  'device',
  'condition',
  'release',
  'fps',
  'p95',
  'temperature',
  'battery',
  'seen',
];

export function readFilter(query: Readonly<Record<string, string | undefined>>): Filter {
  const sort = query.sort ?? '';
  const key = SORT_KEYS.find((each) => each === sort.replace(/^-/, ''));
  const condition =
    query.condition === 'trouble' ? 'trouble' : LIVE_CONDITIONS.find((each) => each === query.condition);
  return {
    site: query.site ?? '',
    hardware: query.hardware ?? '',
    line: query.line ?? '',
    release: query.release ?? '',
    condition: condition ?? '',
    search: query.search ?? '',
    view: query.view === 'list' ? 'list' : 'wall',
    sort: key ?? 'condition',
    isDescending: sort.startsWith('-'),
    isKiosk: query.kiosk === '1',
  };
}

/** The address of the page with that; what is as usual is left out. */
export function addressOf(filter: Filter): string {
  const { site, hardware, line, release, condition, search, view, sort, isDescending, isKiosk } = filter;
  const sorted = sort === 'condition' && !isDescending ? '' : `${isDescending ? '-' : ''}${sort}`;
  const kiosk = isKiosk ? '1' : '';
  const shown = { view: view === 'list' ? 'list' : '', sort: sorted, kiosk };
  const said = { site, hardware, line, release, condition, search, ...shown };
  const text = new URLSearchParams(Object.entries(said).filter(([, value]) => value !== '')).toString();
  return text === '' ? '/' : `/?${text}`;
}

export function isShown(filter: Filter, device: LiveDevice): boolean {
  const { site, hardware, line, release, condition, search } = filter;
  if (site !== '' && device.site !== site) return false;
  if (hardware !== '' && (device.hardwareClass ?? 'unknown') !== hardware) return false;
  if (line !== '' && device.line !== line) return false;
  if (release !== '' && device.release !== release) return false;
  if (condition === 'trouble' && device.condition === 'ok') return false;
  if (condition !== '' && condition !== 'trouble' && device.condition !== condition) return false;
  return search === '' || textOf(device).includes(search.toLowerCase());
}

function textOf({ site, device, line, hardwareClass, release, because }: LiveDevice): string {
  return `${site}/${device} ${line ?? ''} ${hardwareClass ?? ''} ${release ?? ''} ${because}`.toLowerCase();
}

const RANK: ReadonlyMap<LiveCondition, number> = new Map(LIVE_CONDITIONS.map((condition, rank) => [condition, rank]));

type Sorted = string | number | null;

const VALUES: Readonly<Record<SortKey, (device: LiveDevice) => Sorted>> = {
  device: ({ site, device }) => `${site}/${device}`,
  condition: ({ condition }) => RANK.get(condition) ?? 0,
  release: ({ release }) => release,
  fps: ({ fps }) => fps,
  p95: ({ p95Ms }) => p95Ms,
  temperature: ({ temperatureC }) => temperatureC,
  battery: ({ batteryPct }) => batteryPct,
  seen: ({ lastSeenAtMs }) => lastSeenAtMs,
};

/** What is not known comes last either way; equals by their names. */
export function sorted(devices: readonly LiveDevice[], { sort, isDescending }: Filter): readonly LiveDevice[] {
  const read = VALUES[sort];
  const known = devices.filter((device) => read(device) !== null);
  const unknown = devices.filter((device) => read(device) === null);
  const direction = isDescending ? -1 : 1;
  known.sort((a, b) => direction * compare(read(a) ?? 0, read(b) ?? 0) || byName(a, b));
  return [...known, ...unknown.sort(byName)];
}

function compare(a: string | number, b: string | number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function byName(a: LiveDevice, b: LiveDevice): number {
  const [x, y] = [`${a.site}/${a.device}`, `${b.site}/${b.device}`];
  return x < y ? -1 : x > y ? 1 : 0;
}
