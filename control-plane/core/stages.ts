// Who has which role in a stage. Golden and shadow stages take the first of the order; serving only ever grows.
import type { CandidateRole } from '../../shared/protocol/documents.ts';
import type { StageSpec } from '../../shared/rollout/rollout-file.ts';
import { growCohort, type Member, mergeBySainteLague, quotaOf } from './cohorts.ts';

export type Role = 'none' | CandidateRole;

/** A device of the plan, in the order of its site. */
export type LedgerDevice = Member & {
  readonly site: string;
  readonly pin: 'candidate' | 'baseline' | null;
  readonly role: Role;
  /** Its line, when the devices of a line stay together. */
  readonly cluster?: string | null;
};

export type StageSize = Pick<StageSpec, 'mode'> & {
  readonly percent?: number | undefined;
  readonly count?: number | undefined;
  /** Share of each site that this stage leaves on the baseline as controls, in percent. */
  readonly holdback?: number;
  /** So many of each hardware class, over all sites, where there are as many. */
  readonly minDevicesPerHw?: number;
};

const ROLE_OF_MODE = { golden: 'prove', shadow: 'shadow', serve: 'serve' } as const;

export function roleOfMode(mode: StageSpec['mode']): CandidateRole {
  return ROLE_OF_MODE[mode];
}

/** Role per device (`site/device`) in the stage; the ledger must be in order within each site. */
export function assignStage(
  stage: StageSize,
  ledger: readonly LedgerDevice[],
  minPerFactory: number,
): ReadonlyMap<string, Role> {
  const role = roleOfMode(stage.mode);
  const chosen = chooseDevices(stage, ledger, minPerFactory);
  return new Map(
    ledger.map((device) => {
      const key = keyOf(device);
      // Whoever serves goes on serving: taking exposure back is a rollback, not a stage.
      if (device.role === 'serve') return [key, 'serve'];
      return [key, chosen.has(key) ? role : 'none'];
    }),
  );
}

export function keyOf({ site, device }: { readonly site: string; readonly device: string }): string {
  return `${site}/${device}`;
}

function chooseDevices(stage: StageSize, ledger: readonly LedgerDevice[], minPerFactory: number): ReadonlySet<string> {
  const pinned = ledger.filter(({ pin }) => pin === 'candidate').map(keyOf);
  const free = ledger.filter(({ pin }) => pin === null);
  const sites = sitesOf(free).map((devices) => ({ eligible: devices.length, units: unitsOf(devices) }));
  const chosen = chooseUnits(stage, sites, minPerFactory);
  const keys = new Set([...pinned, ...chosen.flatMap(({ devices }) => devices.map(keyOf))]);
  return coverHardware(keys, { ledger, units: sites.map(({ units }) => units), min: stage.minDevicesPerHw ?? 0 });
}

/** What is taken or left as a whole: a device, or the devices of a line. */
type Unit = Member & { readonly weight: number; readonly devices: readonly LedgerDevice[] };
type SiteUnits = { readonly eligible: number; readonly units: readonly Unit[] };

function unitsOf(devices: readonly LedgerDevice[]): readonly Unit[] {
  const groups = new Map<string, LedgerDevice[]>();
  for (const device of devices) {
    const name = device.cluster == null ? keyOf(device) : `${device.site}/line ${device.cluster}`;
    const group = groups.get(name);
    if (group) group.push(device);
    else groups.set(name, [device]);
  }
  return [...groups].map(([name, group]) => {
    const [first] = group;
    const { hardwareClass = '', key = 0 } = first ?? {};
    return { device: name, hardwareClass, key, weight: group.length, devices: group };
  });
}

function chooseUnits(stage: StageSize, sites: readonly SiteUnits[], minPerFactory: number): readonly Unit[] {
  const orders = sites.map(({ eligible, units }) => ({
    eligible,
    units: withoutHeldBack(units, eligible, stage.holdback ?? 0),
  }));
  if (stage.count !== undefined) return grow(mergeBySainteLague(orders.map(({ units }) => units)), stage.count);
  return orders.flatMap(({ units, eligible }) => grow(units, quotaOf(stage.percent ?? 0, eligible, minPerFactory)));
}

function grow(units: readonly Unit[], quota: number): readonly Unit[] {
  const serving = units.filter(({ devices }) => devices.some(({ role }) => role === 'serve'));
  const names = (list: readonly Unit[]) => list.map(({ device }) => device);
  const weights = new Map(units.map(({ device, weight }) => [device, weight]));
  const cohort = new Set(growCohort(names(units), new Set(names(serving)), quota, weights));
  return units.filter(({ device }) => cohort.has(device));
}

/** The last of the order, so that stages stay nested; at least one of a site that has two, or there would be no controls. */
function withoutHeldBack(units: readonly Unit[], eligible: number, percent: number): readonly Unit[] {
  if (percent === 0 || units.length < 2) return units;
  const needed = quotaOf(percent, eligible, 1);
  let end = units.length;
  for (let held = 0; end > 1 && held < needed; end -= 1) held += units[end - 1]?.weight ?? 0;
  return units.slice(0, end);
}

type Coverage = {
  readonly ledger: readonly LedgerDevice[];
  readonly units: readonly (readonly Unit[])[];
  readonly min: number;
};

/** A self-test of 1 % must not miss a class: the next of each class in order, wherever they stand. */
function coverHardware(chosen: ReadonlySet<string>, { ledger, units, min }: Coverage): ReadonlySet<string> {
  if (min === 0) return chosen;
  const covered = new Set(chosen);
  const inTurn = units
    .flatMap((site) => site.map((unit, place) => ({ unit, place: place / site.length })))
    .toSorted((a, b) => a.place - b.place || a.unit.key - b.unit.key)
    .map(({ unit }) => unit);
  for (const name of [...new Set(ledger.map(({ hardwareClass }) => hardwareClass))].sort()) {
    const isOfClass = ({ hardwareClass }: LedgerDevice) => hardwareClass === name;
    const count = () => ledger.filter((device) => isOfClass(device) && covered.has(keyOf(device))).length;
    for (const { devices } of inTurn) {
      if (count() >= min) break;
      if (devices.some(isOfClass)) for (const device of devices) covered.add(keyOf(device));
    }
  }
  return covered;
}

function sitesOf(ledger: readonly LedgerDevice[]): readonly (readonly LedgerDevice[])[] {
  return [...new Set(ledger.map(({ site }) => site))].sort().map((site) => ledger.filter((each) => each.site === site));
}
