// Factories and devices of a rollout, as tables; the filter of the devices is in the address.
import { Empty } from '../../shell/kit.tsx';
import { filterDevices, isTroubled, type ShownDevice, sortDevices } from './filters.ts';
import type { Parts } from './parts.ts';
import { shortRelease } from './words.ts';

/** Rows on the page; the filter finds the others. */
const ROWS_MAX = 200;

export function Factories({ view, query, set }: Parts) {
  const columns = ['Devices', 'Assigned', 'Exposed', 'Controls', 'Online', 'Reverted'] as const;
  return (
    <section aria-labelledby="factories">
      <h2 id="factories">Factories</h2>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Factory</th>
              {columns.map((title) => (
                <th key={title} scope="col" class="n">
                  {title}
                </th>
              ))}
              <th scope="col">Hardware with the candidate</th>
            </tr>
          </thead>
          <tbody>
            {view.factories.map((factory) => {
              const { site, devices, candidate, exposed, controls, online, reverted, byHardware, out } = factory;
              const isChosen = query.site === site;
              return (
                <tr key={site} class={isChosen ? 'chosen' : ''}>
                  <th scope="row">
                    <button
                      type="button"
                      class="link"
                      aria-pressed={isChosen}
                      onClick={() => set({ site: isChosen ? '' : site, hw: '' })}
                    >
                      {site}
                    </button>
                    {out === null ? null : <div class="bad">{out}</div>}
                  </th>
                  {[devices, candidate, exposed, controls, online, reverted].map((n, at) => (
                    <td key={columns[at]} class={at === 5 && n > 0 ? 'n bad' : 'n'}>
                      {n}
                    </td>
                  ))}
                  <td>
                    {Object.entries(byHardware)
                      .map(([hardware, n]) => `${hardware} ${n}`)
                      .join(', ')}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

export function Devices({ view, query, set }: Parts) {
  const found = sortDevices(filterDevices(view.devices, query));
  const choices = (read: (device: ShownDevice) => string) => [...new Set(view.devices.map(read))].sort();
  const select = (name: string, title: string, options: readonly string[]) => (
    <label>
      {title}{' '}
      <select value={query[name] ?? ''} onChange={(event) => set({ [name]: event.currentTarget.value })}>
        <option value="">all</option>
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
  );
  return (
    <section aria-labelledby="devices">
      <h2 id="devices">Devices</h2>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        {select(
          'site',
          'Site',
          choices(({ site }) => site),
        )}
        {select(
          'hw',
          'Hardware',
          choices(({ hardwareClass }) => hardwareClass),
        )}
        {select('arm', 'Show', ['candidate', 'baseline', 'trouble'])}
        <label>
          Find{' '}
          <input
            type="search"
            data-filter
            value={query.q ?? ''}
            onInput={(event) => set({ q: event.currentTarget.value })}
          />
        </label>
        <span class="soft">
          {found.length} of {view.devices.length}
          {found.length > ROWS_MAX ? `, the first ${ROWS_MAX} are shown` : ''}
        </span>
      </form>
      {found.length === 0 ? (
        <Empty title="No device fits the filter" />
      ) : (
        <div class="scroll tall">
          <table class="devices">
            <thead>
              <tr>
                {['Device', 'Hardware', 'Arm', 'Runs', 'Goes back to', 'What it does'].map((title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {found.slice(0, ROWS_MAX).map((device) => (
                <DeviceRow key={`${device.site}/${device.device}`} device={device} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function DeviceRow({ device }: { readonly device: ShownDevice }) {
  const isBad = isTroubled(device);
  return (
    <tr>
      <th scope="row">
        <a href={`/devices/${device.site}/${device.device}`}>
          {device.site}/{device.device}
        </a>
      </th>
      <td>{device.hardwareClass}</td>
      <td>{device.role === 'none' ? 'baseline' : `candidate (${device.role})`}</td>
      <td>{device.serving === null ? 'not known' : shortRelease(device.serving.release)}</td>
      <td>{shortRelease(device.baseline.release)}</td>
      <td class={isBad ? 'warn' : ''}>
        {isBad ? '! ' : ''}
        {device.online ? '' : 'offline; '}
        {device.detail}
      </td>
    </tr>
  );
}
