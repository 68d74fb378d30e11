// Who gets the candidate: per site one total order, from which a stage takes the first p %. Exact and nested by construction.
// A hash threshold would give a 20-device site no candidate at 5 % in 36 % of rollouts; the order gives exactly one.

export type Member = {
  readonly device: string;
  readonly hardwareClass: string;
  /** First 48 bits of SHA-256(salt ‖ 0x00 ‖ hardwareId), as a number. */
  readonly key: number;
  /** Devices that it stands for; a line of cameras has several. */
  readonly weight?: number;
};

/** A device that must stay with others of its line; null: it stands alone. */
export type Clustered = Member & { readonly cluster: { readonly name: string; readonly key: number } | null };

/** The order of a site: each class by key, the classes merged by Sainte-Laguë, so that every prefix has the site's mix. */
export function cohortOrder<T extends Member>(members: readonly T[]): readonly T[] {
  return mergeBySainteLague(groupBy(members, (member) => member.hardwareClass).map((group) => group.toSorted(byKey)));
}

/** The same order over lines: each line by a key of its own, its devices together, lines with the same hardware as one class. */
export function clusterOrder<T extends Clustered>(members: readonly T[]): readonly T[] {
  const groups = groupBy(members, ({ cluster, device }) =>
    cluster === null ? `device ${device}` : `line ${cluster.name}`,
  );
  const units = groups.map((group) => unitOf(group.toSorted(byKey)));
  return cohortOrder(units).flatMap(({ devices }) => devices);
}

function unitOf<T extends Clustered>(devices: readonly T[]): Member & { readonly devices: readonly T[] } {
  const [first] = devices;
  if (!first) throw new TypeError('a line has devices');
  const classes = [...new Set(devices.map(({ hardwareClass }) => hardwareClass))].sort();
  const { name, key } = first.cluster ?? { name: first.device, key: first.key };
  return { device: name, hardwareClass: classes.join('+'), key, weight: devices.length, devices };
}

/** Several sites' orders merged into one, for stages that name a number of devices over all sites. */
export function mergeBySainteLague<T extends Member>(groups: readonly (readonly T[])[]): readonly T[] {
  const merging = groups.map((members) => ({ members, size: weigh(members), next: 0, taken: 0 }));
  const merged: T[] = [];
  for (;;) {
    const group = nextGroup(merging);
    const member = group?.members[group.next];
    if (!group || !member) return merged;
    merged.push(member);
    group.next += 1;
    group.taken += weightOf(member);
  }
}

/** How many of `eligible` devices a percentage means: rounded, at least `minimum`, never more than there are. */
export function quotaOf(percent: number, eligible: number, minimum: number): number {
  return Math.min(eligible, Math.max(Math.min(minimum, eligible), Math.round((percent / 100) * eligible)));
}

/**
 * The ledger rule: everyone who was assigned stays, missing places are taken by the next in order. Lines are taken whole until
 * the quota is met, so that it is missed by less than a line. Devices that joined after the start are not in `order`.
 */
export function growCohort(
  order: readonly string[],
  assigned: ReadonlySet<string>,
  quota: number,
  weights: ReadonlyMap<string, number> = new Map(),
): readonly string[] {
  const cohort = new Set(order.filter((name) => assigned.has(name)));
  let have = [...cohort].reduce((sum, name) => sum + (weights.get(name) ?? 1), 0);
  for (const name of order) {
    if (have >= quota) break;
    if (cohort.has(name)) continue;
    cohort.add(name);
    have += weights.get(name) ?? 1;
  }
  return order.filter((name) => cohort.has(name));
}

function weightOf({ weight = 1 }: Member): number {
  return weight;
}

function weigh(members: readonly Member[]): number {
  return members.reduce((sum, member) => sum + weightOf(member), 0);
}

type Merging<T> = { readonly members: readonly T[]; readonly size: number; next: number; taken: number };

/** The group with the largest size / (2·taken + 1) that is not exhausted; ties go to the lower key, so that names decide nothing. */
function nextGroup<T extends Member>(groups: readonly Merging<T>[]): Merging<T> | null {
  let best: Merging<T> | null = null;
  for (const group of groups) {
    if (group.next < group.members.length && (best === null || precedes(group, best))) best = group;
  }
  return best;
}

function precedes<T extends Member>(a: Merging<T>, b: Merging<T>): boolean {
  // size_a / (2·taken_a + 1) against size_b / (2·taken_b + 1), without division.
  const difference = a.size * (2 * b.taken + 1) - b.size * (2 * a.taken + 1);
  if (difference !== 0) return difference > 0;
  const [memberA, memberB] = [a.members[a.next], b.members[b.next]];
  return memberA !== undefined && memberB !== undefined && byKey(memberA, memberB) < 0;
}

/** Equal 48-bit keys are as good as impossible; the name settles them, so that the order stays total. */
function byKey(a: Member, b: Member): number {
  return a.key - b.key || (a.device < b.device ? -1 : a.device > b.device ? 1 : 0);
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return [...groups.keys()].sort().map((key) => groups.get(key) ?? []);
}
