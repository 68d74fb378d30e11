// Who gets the candidate: per site one total order, from which a stage takes the first p %. Exact and nested by construction.
// A hash threshold would give a 20-device site no candidate at 5 % in 36 % of rollouts; the order gives exactly one.

export type Member = {
  readonly device: string;
  readonly hardwareClass: string;
  /** First 48 bits of SHA-256(salt ‖ 0x00 ‖ hardwareId), as a number. */
  readonly key: number;
};

/** The order of a site: each class by key, the classes merged by Sainte-Laguë, so that every prefix has the site's mix. */
export function cohortOrder<T extends Member>(members: readonly T[]): readonly T[] {
  return mergeBySainteLague(groupBy(members, (member) => member.hardwareClass).map((group) => group.toSorted(byKey)));
}

/** Several sites' orders merged into one, for stages that name a number of devices over all sites. */
export function mergeBySainteLague<T extends Member>(groups: readonly (readonly T[])[]): readonly T[] {
  const taken = groups.map(() => 0);
  const merged: T[] = [];
  const total = groups.reduce((sum, group) => sum + group.length, 0);
  while (merged.length < total) {
    const next = nextGroup(groups, taken);
    const member = groups[next]?.[taken[next] ?? 0];
    if (!member) break;
    merged.push(member);
    taken[next] = (taken[next] ?? 0) + 1;
  }
  return merged;
}

/** How many of `eligible` devices a percentage means: rounded, at least `minimum`, never more than there are. */
export function quotaOf(percent: number, eligible: number, minimum: number): number {
  return Math.min(eligible, Math.max(Math.min(minimum, eligible), Math.round((percent / 100) * eligible)));
}

/**
 * The ledger rule: everyone who was assigned stays, missing places are taken by the next in order.
 * Devices that joined after the start are not in `order` and so stay controls.
 */
export function growCohort(order: readonly string[], assigned: ReadonlySet<string>, quota: number): readonly string[] {
  const kept = order.filter((device) => assigned.has(device));
  const fresh = order.filter((device) => !assigned.has(device)).slice(0, Math.max(0, quota - kept.length));
  const cohort = new Set([...kept, ...fresh]);
  return order.filter((device) => cohort.has(device));
}

/** The group with the largest size / (2·taken + 1) that is not exhausted; ties go to the lower key, so that names decide nothing. */
function nextGroup(groups: readonly (readonly Member[])[], taken: readonly number[]): number {
  let best = -1;
  groups.forEach((group, index) => {
    if ((taken[index] ?? 0) >= group.length) return;
    if (best < 0 || precedes({ groups, taken }, index, best)) best = index;
  });
  return best;
}

type Merging = { readonly groups: readonly (readonly Member[])[]; readonly taken: readonly number[] };

function precedes({ groups, taken }: Merging, a: number, b: number): boolean {
  const [groupA, groupB] = [groups[a] ?? [], groups[b] ?? []];
  const [takenA, takenB] = [taken[a] ?? 0, taken[b] ?? 0];
  // size_a / (2·taken_a + 1) against size_b / (2·taken_b + 1), without division.
  const difference = groupA.length * (2 * takenB + 1) - groupB.length * (2 * takenA + 1);
  if (difference !== 0) return difference > 0;
  const [memberA, memberB] = [groupA[takenA], groupB[takenB]];
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
