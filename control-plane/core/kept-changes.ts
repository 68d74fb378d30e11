// Changes of many devices in rows, one row for each thing that is asked, kept from tick to tick: who has told nothing since the last
// tick is not worked out again. Sums only grow, so the same sum of as many windows says the same.
import type { DeviceChange } from './device-change.ts';
import type { Selected } from './selected.ts';
import type { Span } from './span-sum.ts';

/** In the order of the devices; null says nothing. */
export type ChangeRow = readonly (DeviceChange | null)[];

/** Of the whole stage and of its last finished window. */
export type KeptChanges = Readonly<Record<'whole' | 'finished', KeptArms>>;
export type KeptArms = { readonly candidates: KeptRows; readonly controls: KeptRows };

export function keepChanges(): KeptChanges {
  return { whole: keepArms(), finished: keepArms() };
}

export function keepArms(): KeptArms {
  return { candidates: new KeptRows(), controls: new KeptRows() };
}

/** What a device had told when its changes were worked out. */
type Stamp = {
  readonly since: Span;
  readonly sinceWindows: number;
  readonly before: Span;
  readonly beforeWindows: number;
  readonly hardwareClass: string;
};

type Asking = {
  /** Differs when anything else is asked. */
  readonly name: string;
  readonly count: number;
  /** Null says nothing. */
  readonly changeBy: (device: Selected, row: number) => number | null;
  readonly changeOf: (device: Selected, row: number, value: number) => DeviceChange;
};

export class KeptRows {
  #name: string | null = null;
  #rows: readonly ChangeRow[] = [];
  readonly #stamps: Stamp[] = [];

  /** One row for each that is asked. */
  read(devices: readonly Selected[], asking: Asking): readonly ChangeRow[] {
    if (this.#name !== asking.name) this.#stamps.length = 0;
    const isKnown = devices.map((device, at) => this.#stamp(at, device));
    const values = valuesOf(devices, isKnown, asking);
    // Row by row: whoever judges a row finds its changes side by side in memory.
    const rows = values.map((row, index) => {
      const known = this.#rows[index] ?? [];
      return devices.map((device, at) => {
        if (isKnown[at]) return known[at] ?? null;
        const value = row[at];
        return value === undefined || Number.isNaN(value) ? null : asking.changeOf(device, index, value);
      });
    });
    this.#stamps.length = devices.length;
    this.#name = asking.name;
    this.#rows = rows;
    return rows;
  }

  /** True: it has told nothing new. */
  #stamp(at: number, { since, before, hardwareClass }: Selected): boolean {
    const told = {
      since: since.opened,
      sinceWindows: since.windows,
      before: before.opened,
      beforeWindows: before.windows,
      hardwareClass,
    };
    const last = this.#stamps[at];
    const isSame =
      last !== undefined &&
      last.hardwareClass === hardwareClass &&
      last.since === told.since &&
      last.sinceWindows === told.sinceWindows &&
      last.before === told.before &&
      last.beforeWindows === told.beforeWindows;
    if (!isSame) this.#stamps[at] = told;
    return isSame;
  }
}

/** Device by device, as the sums of one lie together in memory; NaN says nothing. */
function valuesOf(
  devices: readonly Selected[],
  isKnown: readonly boolean[],
  { count, changeBy }: Asking,
): readonly Float64Array[] {
  const rows = Array.from({ length: count }, () => new Float64Array(devices.length));
  for (let at = 0; at < devices.length; at += 1) {
    const device = devices[at];
    if (isKnown[at] || !device) continue;
    for (let index = 0; index < count; index += 1) {
      const row = rows[index];
      if (row) row[at] = changeBy(device, index) ?? Number.NaN;
    }
  }
  return rows;
}
