// The order of a site: golden vector, and the promises that every stage rests on.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Clustered,
  clusterOrder,
  cohortOrder,
  growCohort,
  type Member,
  mergeBySainteLague,
  quotaOf,
} from '../../../control-plane/core/cohorts.ts';
import { cohortKey } from '../../../control-plane/rollouts/hashes.ts';

function siteOf(counts: Readonly<Record<string, number>>, salt: string): readonly Member[] {
  const classes = Object.entries(counts).flatMap(([hardwareClass, count]) => Array<string>(count).fill(hardwareClass));
  return classes.map((hardwareClass, i) => ({ device: `d${i}`, hardwareClass, key: cohortKey(salt, `d${i}`) }));
}

const names = (members: readonly Member[]): readonly string[] => members.map(({ device }) => device);

const anySite = fc
  .record({
    orin: fc.integer({ min: 0, max: 40 }),
    nano: fc.integer({ min: 0, max: 40 }),
    x86: fc.integer({ min: 0, max: 40 }),
    salt: fc.string(),
  })
  .map(({ salt, ...counts }) => ({ counts, members: siteOf(counts, salt) }));

describe('cohortOrder', () => {
  it('gives the published order for 7 orin, 3 nano and 2 x86 with salt r1', () => {
    const order = names(cohortOrder(siteOf({ orin: 7, nano: 3, x86: 2 }, 'r1')));
    expect(order.join(' ')).toBe('d3 d8 d4 d10 d0 d1 d7 d5 d11 d2 d9 d6');
  });

  it('does not depend on the order in which devices are listed', () => {
    fc.assert(
      fc.property(anySite, fc.integer(), ({ members }, seed) => {
        const shuffled = members.toSorted((a, b) => ((a.key ^ seed) >>> 0) - ((b.key ^ seed) >>> 0));
        expect(names(cohortOrder(shuffled))).toEqual(names(cohortOrder(members)));
      }),
    );
  });

  it('keeps every prefix within one device of the mix of its site', () => {
    fc.assert(
      fc.property(anySite, ({ counts, members }) => {
        const order = cohortOrder(members);
        expect(order).toHaveLength(members.length);
        for (let size = 1; size <= order.length; size += 1) {
          for (const [hardwareClass, count] of Object.entries(counts)) {
            const taken = order.slice(0, size).filter((member) => member.hardwareClass === hardwareClass).length;
            expect(Math.abs(taken - (size * count) / order.length)).toBeLessThan(1.2);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('gives other devices the first place when the salt changes', () => {
    const firsts = new Set(Array.from({ length: 60 }, (_, i) => cohortOrder(siteOf({ orin: 20 }, `r${i}`))[0]?.device));
    expect(firsts.size).toBeGreaterThan(10);
  });
});

describe('quotaOf', () => {
  it.each([
    [5, 10, 1, 1],
    [5, 20, 1, 1],
    [5, 50, 1, 3],
    [5, 100, 1, 5],
    [25, 4, 1, 1],
    [50, 3, 1, 2],
    [100, 7, 1, 7],
    [5, 0, 1, 0],
    [5, 3, 0, 0],
    [5, 2, 5, 2],
  ])('%d %% of %d devices with a minimum of %d is %d', (percent, eligible, minimum, quota) => {
    expect(quotaOf(percent, eligible, minimum)).toBe(quota);
  });
});

describe('growCohort', () => {
  it('is exact and nested from stage to stage', () => {
    fc.assert(
      fc.property(anySite, fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 6 }), ({ members }, percents) => {
        const order = names(cohortOrder(members));
        let assigned: ReadonlySet<string> = new Set();
        for (const percent of percents.toSorted((a, b) => a - b)) {
          const cohort = growCohort(order, assigned, quotaOf(percent, order.length, 1));
          expect(cohort).toHaveLength(quotaOf(percent, order.length, 1));
          expect([...assigned].every((device) => cohort.includes(device))).toBe(true);
          assigned = new Set(cohort);
        }
      }),
    );
  });

  it('never takes a device back while others join and leave', () => {
    const churn = fc.array(
      fc.record({ leaves: fc.integer({ min: 0, max: 200 }), percent: fc.integer({ min: 1, max: 100 }) }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(anySite, churn, ({ members }, events) => {
        let order = names(cohortOrder(members));
        let assigned: ReadonlySet<string> = new Set();
        let percent = 0;
        for (const event of events) {
          order = order.filter((_, index) => index !== event.leaves);
          percent = Math.max(percent, event.percent);
          const cohort = growCohort(order, assigned, quotaOf(percent, order.length, 1));
          const present = [...assigned].filter((device) => order.includes(device));
          expect(present.every((device) => cohort.includes(device))).toBe(true);
          expect(cohort.length).toBe(Math.max(present.length, quotaOf(percent, order.length, 1)));
          assigned = new Set(cohort);
        }
      }),
    );
  });

  it('gives a free place to the next in order', () => {
    expect(growCohort(['a', 'c', 'd', 'e'], new Set(['a', 'b']), 2)).toEqual(['a', 'c']);
  });
});

describe('mergeBySainteLague', () => {
  it('shares a number of devices among sites by their size', () => {
    const site = (name: string, size: number) =>
      Array.from({ length: size }, (_, i) => ({ device: `${name}${i}`, hardwareClass: 'x', key: i }));
    const first = mergeBySainteLague([site('a', 60), site('b', 30), site('c', 10)]).slice(0, 10);
    const count = (name: string) => first.filter(({ device }) => device.startsWith(name)).length;
    expect([count('a'), count('b'), count('c')]).toEqual([6, 3, 1]);
  });
});

/** Lines of 1 to 6 devices, each of its own mix of hardware, and devices without a line. */
const anyLines = fc
  .record({
    sizes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 12 }),
    alone: fc.integer({ min: 0, max: 6 }),
    salt: fc.string(),
  })
  .map(({ sizes, alone, salt }) => {
    const inLines = sizes.flatMap((size, line) => Array.from({ length: size }, (_, i) => ({ line: `l${line}`, i })));
    const all = [...inLines, ...Array.from({ length: alone }, (_, i) => ({ line: null, i }))];
    return all.map(({ line, i }): Clustered & { readonly line: string | null } => {
      const device = `${line ?? 'x'}-d${i}`;
      const cluster = line === null ? null : { name: line, key: cohortKey(salt, line) };
      return { device, hardwareClass: i % 2 === 0 ? 'orin' : 'x86', key: cohortKey(salt, device), cluster, line };
    });
  });

describe('clusterOrder', () => {
  it('keeps the devices of a line together, loses nobody, and does not depend on how they are listed', () => {
    fc.assert(
      fc.property(anyLines, fc.integer(), (members, seed) => {
        const order = clusterOrder(members);
        expect(names(order).toSorted()).toEqual(names(members).toSorted());
        for (const line of new Set(members.flatMap((member) => member.line ?? []))) {
          const places = order.flatMap((member, place) => (member.line === line ? [place] : []));
          expect((places.at(-1) ?? 0) - (places[0] ?? 0)).toBe(places.length - 1);
        }
        const shuffled = members.toSorted((a, b) => ((a.key ^ seed) >>> 0) - ((b.key ^ seed) >>> 0));
        expect(names(clusterOrder(shuffled))).toEqual(names(order));
      }),
      { numRuns: 60 },
    );
  });

  it('is the order of devices where every line has one', () => {
    fc.assert(
      fc.property(anySite, ({ members }) => {
        const alone = members.map((member) => ({ ...member, cluster: null }));
        expect(names(clusterOrder(alone))).toEqual(names(cohortOrder(members)));
      }),
      { numRuns: 30 },
    );
  });
});
