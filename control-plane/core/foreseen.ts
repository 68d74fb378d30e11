// Devices that a change is about, counted for people: by site, and by what they would answer with. Pure.

export type ForeseenDevice = {
  readonly site: string;
  readonly online: boolean;
  /** What answers now; null: not known. */
  readonly from: string | null;
  /** What would answer; null: the device decides. */
  readonly to: string | null;
  readonly isChanging: boolean;
};

export type Foreseen = {
  readonly sites: {
    readonly site: string;
    readonly devices: number;
    readonly online: number;
    readonly offline: number;
    readonly changing: number;
  }[];
  readonly moves: { readonly from: string | null; readonly to: string | null; readonly devices: number }[];
};

export function countForeseen(devices: readonly ForeseenDevice[]): Foreseen {
  const sites = Map.groupBy(devices, ({ site }) => site);
  const moves = Map.groupBy(
    devices.filter(({ isChanging }) => isChanging),
    ({ from, to }) => JSON.stringify([from, to]),
  );
  return {
    sites: [...sites]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([site, here]) => {
        const online = here.filter((device) => device.online).length;
        const changing = here.filter(({ isChanging }) => isChanging).length;
        return { site, devices: here.length, online, offline: here.length - online, changing };
      }),
    moves: [...moves.values()]
      .map((here) => ({ from: here[0]?.from ?? null, to: here[0]?.to ?? null, devices: here.length }))
      .toSorted((a, b) => b.devices - a.devices),
  };
}

/** `12 devices at 2 sites, 1 of them offline`. */
export function describeCount(devices: readonly ForeseenDevice[]): string {
  const sites = new Set(devices.map(({ site }) => site)).size;
  const offline = devices.filter(({ online }) => !online).length;
  const where = sites === 0 ? '' : ` at ${count(sites, 'site')}`;
  return `${count(devices.length, 'device')}${where}${offline === 0 ? '' : `, ${offline} of them offline`}`;
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
