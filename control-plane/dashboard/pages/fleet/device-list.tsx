// The fleet as a list with numbers: sorted by any column, and cut where a page would grow too long to be read.
import type { LiveDevice } from '../../../../shared/protocol/api-live.ts';
import { Age } from '../../shell/kit.tsx';
import { CONDITIONS, shapeOf } from './conditions.ts';
import { addressOf, type Filter, type SortKey, sorted } from './filter.ts';
import { shortRelease } from './words.ts';

const ROWS_MAX = 200;

const COLUMNS: readonly (readonly [SortKey, string, boolean])[] = [
  ['device', 'Device', false],
  ['condition', 'Condition', false],
  ['release', 'Answers with', false],
  ['fps', 'FPS', true],
  ['p95', 'p95, ms', true],
  ['temperature', '°C', true],
  ['battery', 'Battery, %', true],
  ['seen', 'Heard', true],
];

export function DeviceList({ devices, filter }: { readonly devices: readonly LiveDevice[]; readonly filter: Filter }) {
  const rows = sorted(devices, filter).slice(0, ROWS_MAX);
  return (
    <div class="scrolled">
      <table class="device-list">
        <thead>
          <tr>
            {COLUMNS.map(([key, word, isNumber]) => (
              <ColumnHead key={key} sort={key} word={word} isNumber={isNumber} filter={filter} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((device) => (
            <Row key={`${device.site}/${device.device}`} device={device} />
          ))}
        </tbody>
      </table>
      {devices.length > rows.length ? (
        <p class="soft">
          The first {rows.length} of {devices.length.toLocaleString('en')}. Filter to see others, or: belay device list
        </p>
      ) : null}
    </div>
  );
}

type HeadProps = { readonly sort: SortKey; readonly word: string; readonly isNumber: boolean; readonly filter: Filter };

function ColumnHead({ sort, word, isNumber, filter }: HeadProps) {
  const isSorted = filter.sort === sort;
  const isDescending = isSorted ? !filter.isDescending : false;
  return (
    <th
      scope="col"
      class={isNumber ? 'number' : undefined}
      aria-sort={isSorted ? (filter.isDescending ? 'descending' : 'ascending') : undefined}
    >
      <a href={addressOf({ ...filter, sort, isDescending })}>
        {word}
        <span aria-hidden="true">{isSorted ? (filter.isDescending ? ' ↓' : ' ↑') : ''}</span>
      </a>
    </th>
  );
}

function Row({ device }: { readonly device: LiveDevice }) {
  const { site, device: name, condition, because, release, role, fps, p95Ms, temperatureC, batteryPct } = device;
  return (
    <tr class={device.online ? undefined : 'gone'}>
      <th scope="row">
        <a href={`/devices/${site}/${name}`}>
          {site}/{name}
        </a>{' '}
        <span class="soft">{[device.line, device.hardwareClass].filter((part) => part !== null).join(' · ')}</span>
      </th>
      <td>
        <span
          class="shape"
          aria-hidden="true"
          style={{ clipPath: shapeOf(condition), background: `var(${CONDITIONS[condition].colour})` }}
        />{' '}
        {CONDITIONS[condition].word} <span class="soft">{because}</span>
      </td>
      <td title={release ?? undefined}>
        {release === null ? '–' : shortRelease(release)}{' '}
        {role === 'candidate' || role === 'shadow' ? <em>{role}</em> : null}
      </td>
      <td class="number">{fps === null ? '–' : fps.toFixed(1)}</td>
      <td class="number">{p95Ms === null ? '–' : Math.round(p95Ms)}</td>
      <td class="number">{temperatureC === null ? '–' : Math.round(temperatureC)}</td>
      <td class="number">{batteryPct === null ? '–' : Math.round(batteryPct)}</td>
      <td class="number">
        <Age atMs={device.lastSeenAtMs} />
      </td>
    </tr>
  );
}
