// What of the fleet is shown: every choice goes into the address, so that it can be sent to a colleague.
import { useRef } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { LiveDevice } from '../../../../shared/protocol/api-live.ts';
import { LIVE_CONDITIONS } from './condition-names.ts';
import { addressOf, type Filter } from './filter.ts';

type FiltersProps = { readonly filter: Filter; readonly devices: readonly LiveDevice[]; readonly shown: number };

export function Filters({ filter, devices, shown }: FiltersProps) {
  const names = useNames(devices);
  const { route } = useLocation();
  const choose = (change: Partial<Filter>): void => route(addressOf({ ...filter, ...change }), true);
  const isFiltered =
    shown !== devices.length || addressOf({ ...filter, view: 'wall', sort: 'condition', isDescending: false }) !== '/';
  return (
    <search class="filters">
      <input
        type="search"
        data-filter
        placeholder="Find a device, line or release  ( / )"
        aria-label="Find a device, line or release"
        value={filter.search}
        onInput={(event) => choose({ search: event.currentTarget.value })}
        onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
      />
      <Choice name="site" all="every factory" values={names.site} {...{ filter, choose }} />
      <Choice name="hardware" all="any hardware" values={names.hardware} {...{ filter, choose }} />
      <Choice name="line" all="any line" values={names.line} {...{ filter, choose }} />
      <Choice name="release" all="any release" values={names.release} {...{ filter, choose }} />
      <Choice name="condition" all="any condition" values={['trouble', ...LIVE_CONDITIONS]} {...{ filter, choose }} />
      <span class="views">
        <a href={addressOf({ ...filter, view: 'wall' })} aria-current={filter.view === 'wall' ? 'true' : undefined}>
          Wall
        </a>
        <a href={addressOf({ ...filter, view: 'list' })} aria-current={filter.view === 'list' ? 'true' : undefined}>
          List
        </a>
        <a href={addressOf({ ...filter, isKiosk: true })} title="For a screen on the wall: large, no controls, awake">
          Kiosk
        </a>
      </span>
      {isFiltered ? (
        <span class="soft">
          {shown.toLocaleString('en')} of {devices.length.toLocaleString('en')} shown · <a href="/">show all</a>
        </span>
      ) : null}
    </search>
  );
}

type ChoiceProps = {
  readonly name: 'site' | 'hardware' | 'line' | 'release' | 'condition';
  readonly all: string;
  readonly values: readonly string[];
  readonly filter: Filter;
  readonly choose: (change: Partial<Filter>) => void;
};

function Choice({ name, all, values, filter, choose }: ChoiceProps) {
  if (values.length < 2 && filter[name] === '') return null;
  return (
    <select
      aria-label={name}
      value={filter[name]}
      onChange={(event) => choose({ [name]: event.currentTarget.value } as Partial<Filter>)}
    >
      <option value="">{all}</option>
      {values.map((value) => (
        <option key={value} value={value}>
          {value}
        </option>
      ))}
    </select>
  );
}

type Names = Readonly<Record<'site' | 'hardware' | 'line' | 'release', readonly string[]>>;

const NAMES_FOR_MS = 5000;

/** What there is to choose from; looked at again every few seconds only. */
function useNames(devices: readonly LiveDevice[]): Names {
  const kept = useRef<{ readonly names: Names; readonly count: number; readonly atMs: number } | null>(null);
  const nowMs = performance.now();
  if (kept.current?.count !== devices.length || nowMs - kept.current.atMs > NAMES_FOR_MS)
    kept.current = { names: namesOf(devices), count: devices.length, atMs: nowMs };
  return kept.current.names;
}

function namesOf(devices: readonly LiveDevice[]): Names {
  const [site, hardware, line, release] = [new Set<string>(), new Set<string>(), new Set<string>(), new Set<string>()];
  for (const device of devices) {
    site.add(device.site);
    hardware.add(device.hardwareClass ?? 'unknown');
    if (device.line !== null) line.add(device.line);
    if (device.release !== null) release.add(device.release);
  }
  return {
    site: [...site].sort(),
    hardware: [...hardware].sort(),
    line: [...line].sort(),
    release: [...release].sort(),
  };
}
