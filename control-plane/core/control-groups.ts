// Controls in groups, so that each candidate is compared with those like it: same site and hardware, else same hardware, else the
// fleet. Worked out once for all parts of the fleet that ask; judges nothing.
import type { ControlLevel } from '../../shared/rollout/verdict.ts';
import type { DeviceChange } from './device-change.ts';
import { sum } from './device-metrics.ts';

/** Controls that candidates are compared with, and what they show together: worked out once, however many parts ask. */
type Group = {
  readonly devices: readonly DeviceChange[];
  readonly level: ControlLevel;
  readonly mean: number;
  /** Around the mean of their own group: what a whole site did is subtracted from the candidates too. */
  readonly squares: number;
};

type ControlGroups = {
  /** That of a site's hardware, else that of the hardware, else the fleet. */
  readonly nearest: (site: string, hardwareClass: string) => Group;
};

export type GroupsOf = (controls: readonly DeviceChange[]) => ControlGroups;

const NOBODY: Group = { devices: [], level: 'own baseline only', mean: 0, squares: 0 };

function groupControls(controls: readonly DeviceChange[]): ControlGroups {
  const strata = new Map<string, Map<string, DeviceChange[]>>();
  for (let at = 0; at < controls.length; at += 1) {
    const control = controls[at];
    if (!control) continue;
    const site = strata.get(control.site) ?? new Map<string, DeviceChange[]>();
    if (site.size === 0) strata.set(control.site, site);
    const stratum = site.get(control.hardwareClass);
    if (stratum) stratum.push(control);
    else site.set(control.hardwareClass, [control]);
  }
  const found = new Map<string, Group>();
  const remember = (name: string, level: ControlLevel, devices: readonly DeviceChange[]): Group => {
    const group = found.get(name) ?? groupOf(devices, level);
    found.set(name, group);
    return group;
  };
  const nearest = (site: string, hardwareClass: string): Group => {
    const near = strata.get(site)?.get(hardwareClass);
    if (near) return remember(`${site}\0${hardwareClass}`, 'site and hardware', near);
    const isAlike = (device: DeviceChange) => device.hardwareClass === hardwareClass;
    if (controls.some(isAlike)) return remember(`\0${hardwareClass}`, 'hardware', controls.filter(isAlike));
    return controls.length > 0 ? remember('', 'fleet', controls) : NOBODY;
  };
  // Asked once for each stratum of the candidates.
  return { nearest };
}

function groupOf(devices: readonly DeviceChange[], level: ControlLevel): Group {
  const changes = new Float64Array(devices.length);
  for (let at = 0; at < devices.length; at += 1) changes[at] = devices[at]?.change ?? 0;
  return { devices, level, mean: averageOf(changes), squares: squares(changes) };
}

/** For scopes that share their controls: these are put into groups once. */
export function rememberGroups(): GroupsOf {
  const known = new Map<readonly DeviceChange[], ControlGroups>();
  return (controls) => {
    const groups = known.get(controls) ?? groupControls(controls);
    known.set(controls, groups);
    return groups;
  };
}

/** Like with like. */
export type Matched = {
  /** Each candidate's change minus the mean of its group. */
  readonly changes: Float64Array;
  /** In the order in which candidates ask for them, and how many do. */
  readonly users: ReadonlyMap<Group, Users>;
};

type Users = { readonly group: Group; count: number };

function usersOf(users: Map<Group, Users>, group: Group): Users {
  const known = users.get(group) ?? { group, count: 0 };
  users.set(group, known);
  return known;
}

function remember(
  known: Map<string, Map<string, Users>>,
  { site, hardwareClass }: Pick<DeviceChange, 'site' | 'hardwareClass'>,
  users: Users,
): Users {
  const ofSite = known.get(site) ?? new Map<string, Users>();
  known.set(site, ofSite.set(hardwareClass, users));
  return users;
}

export function match(candidates: readonly DeviceChange[], { nearest }: ControlGroups): Matched {
  const changes = new Float64Array(candidates.length);
  const users = new Map<Group, Users>();
  const known = new Map<string, Map<string, Users>>();
  // Counted, not iterated: this runs for every guardrail, part and device of a tick, and must not leave garbage behind.
  for (let at = 0; at < candidates.length; at += 1) {
    const candidate = candidates[at];
    if (!candidate) continue;
    const { site, hardwareClass } = candidate;
    const own =
      known.get(site)?.get(hardwareClass) ?? remember(known, candidate, usersOf(users, nearest(site, hardwareClass)));
    own.count += 1;
    changes[at] = candidate.change - own.group.mean;
  }
  return { changes, users };
}

export function controlsOf(users: Matched['users']): readonly DeviceChange[] {
  const all = [...users.keys()].flatMap(({ devices }) => devices);
  return isOfOneLevel(users) ? all : [...new Set(all)];
}

export function countControls(users: Matched['users']): number {
  return isOfOneLevel(users) ? sum([...users.keys()], ({ devices }) => devices.length) : controlsOf(users).length;
}

/** Groups of one level share no device; only those of several levels may. */
function isOfOneLevel(users: Matched['users']): boolean {
  return new Set([...users.keys()].map(({ level }) => level)).size === 1;
}

/** Sum of squared distances from the mean. */
export function squares(values: Float64Array): number {
  const average = averageOf(values);
  let total = 0;
  for (let at = 0; at < values.length; at += 1) total += ((values[at] ?? 0) - average) ** 2;
  return total;
}

/** 0 of nothing. */
export function averageOf(values: Float64Array): number {
  let total = 0;
  for (let at = 0; at < values.length; at += 1) total += values[at] ?? 0;
  return values.length === 0 ? 0 : total / values.length;
}
