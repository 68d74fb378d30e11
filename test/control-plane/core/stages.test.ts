// Who has which role in a stage, and what it is told.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { desiredInStage, desiredOutside } from '../../../control-plane/core/desired.ts';
import { assignStage, type LedgerDevice, type Role } from '../../../control-plane/core/stages.ts';
import { desiredSchema } from '../../../shared/protocol/documents.ts';
import { DEFAULT_LIMITS } from '../../../shared/protocol/limits.ts';
import { BASELINE, CANDIDATE } from './builders.ts';

function ledgerOf(
  sizes: Readonly<Record<string, number>>,
  pins: Readonly<Record<string, LedgerDevice['pin']>> = {},
): readonly LedgerDevice[] {
  return Object.entries(sizes).flatMap(([site, size]) =>
    Array.from({ length: size }, (_, i) => {
      const device = `${site}${i}`;
      return { site, device, hardwareClass: 'x', key: i, pin: pins[device] ?? null, role: 'none' as Role };
    }),
  );
}

const having = (roles: ReadonlyMap<string, Role>, role: Role) =>
  [...roles].filter(([, each]) => each === role).map(([key]) => key);
const withRoles = (ledger: readonly LedgerDevice[], roles: ReadonlyMap<string, Role>) =>
  ledger.map((device) => ({ ...device, role: roles.get(`${device.site}/${device.device}`) ?? device.role }));

describe('assignStage', () => {
  it('takes the first of each site, at least the minimum', () => {
    const roles = assignStage({ mode: 'serve', percent: 5 }, ledgerOf({ a: 40, b: 3 }), 1);
    expect(having(roles, 'serve')).toEqual(['a/a0', 'a/a1', 'b/b0']);
  });

  it('shares a number of devices among sites, and keeps those who serve when it grows', () => {
    const ledger = ledgerOf({ a: 8, b: 4 });
    const first = assignStage({ mode: 'serve', count: 3 }, ledger, 1);
    expect(having(first, 'serve')).toEqual(['a/a0', 'a/a1', 'b/b0']);
    const grown = assignStage({ mode: 'serve', count: 6 }, withRoles(ledger, first), 1);
    expect(having(grown, 'serve')).toEqual(expect.arrayContaining(having(first, 'serve')));
    expect(having(grown, 'serve')).toHaveLength(6);
  });

  it('lets shadows go that do not serve next, and takes nobody back who serves', () => {
    const ledger = ledgerOf({ a: 4 });
    const shadow = withRoles(ledger, assignStage({ mode: 'shadow', percent: 100 }, ledger, 1));
    const serve = assignStage({ mode: 'serve', percent: 25 }, shadow, 1);
    expect([...serve.values()]).toEqual(['serve', 'none', 'none', 'none']);
    const again = assignStage({ mode: 'shadow', percent: 100 }, withRoles(ledger, serve), 1);
    expect([...again.values()]).toEqual(['serve', 'shadow', 'shadow', 'shadow']);
  });

  it('counts neither those pinned to the candidate nor those pinned to the baseline', () => {
    const ledger = ledgerOf({ a: 6 }, { a0: 'candidate', a5: 'baseline' });
    expect(having(assignStage({ mode: 'serve', percent: 25 }, ledger, 1), 'serve')).toEqual(['a/a0', 'a/a1']);
    expect(having(assignStage({ mode: 'serve', percent: 100 }, ledger, 1), 'none')).toEqual(['a/a5']);
  });
});

describe('desired', () => {
  const old = { release: 'cv-detector:1.8.2+data=aaaa', digest: BASELINE };
  const next = { release: 'cv-detector:2.0.0+data=bbbb', digest: CANDIDATE };
  const placement = {
    role: 'shadow',
    baseline: old,
    candidate: next,
    rolloutId: 'r-1',
    stage: 'shadow',
    sampleEvery: 5,
    limits: { ...DEFAULT_LIMITS, latencyRatio: 2 },
    lease: { ttlMs: 900_000, onLapse: 'revert' },
    requireWarm: true,
  } as const;
  const whole = (choice: object) =>
    desiredSchema.parse({ ...choice, v: 1, site: 'plant-a', device: 'dev-1', generation: 1, issuedAtMs: 0 });

  it('names role, rollout and stage, with the limits of the rollout', () => {
    expect(whole(desiredInStage(placement, null))).toMatchObject({
      baseline: old,
      candidate: { ...next, role: 'shadow', rolloutId: 'r-1', stage: 'shadow', sampleEvery: 5 },
      cohortId: 'r-1/shadow',
      limits: { latencyRatio: 2 },
    });
  });

  it('needs a lease to serve, and none for less', () => {
    const { candidate: shadow } = desiredInStage(placement, null);
    expect(shadow).toMatchObject({ lease: null, requireWarm: true });
    const { candidate: serving } = desiredInStage({ ...placement, role: 'serve' }, null);
    expect(serving).toMatchObject({ lease: { ttlMs: 900_000, onLapse: 'revert' }, requireWarm: true });
  });

  it('is the baseline alone outside, with the standard limits, and keeps lifted quarantines', () => {
    const previous = whole({
      ...desiredInStage(placement, null),
      liftQuarantine: [{ digest: CANDIDATE, reason: 'fixed' }],
    });
    for (const choice of [desiredInStage({ ...placement, role: 'none' }, previous), desiredOutside(old, previous)])
      expect(whole(choice)).toMatchObject({
        baseline: old,
        candidate: null,
        cohortId: 'baseline',
        limits: DEFAULT_LIMITS,
        liftQuarantine: [{ reason: 'fixed' }],
      });
  });
});

/** One site with lines of these sizes, in this order. */
function linesOf(sizes: readonly number[]): readonly LedgerDevice[] {
  return sizes
    .flatMap((size, line) => Array.from({ length: size }, (_, i) => ({ line: `l${line}`, i })))
    .map(({ line, i }, key) => ({
      ...{ site: 'a', device: `${line}-${i}`, hardwareClass: 'orin', key, cluster: line },
      pin: null,
      role: 'none' as const,
    }));
}

describe('assignStage by lines', () => {
  it('takes whole lines, misses the quota by less than one, is nested, and leaves whole lines as controls', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 14 });
    const percents = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(sizes, percents, fc.constantFrom(0, 10), (lines, steps, holdback) => {
        let ledger = linesOf(lines);
        for (const percent of steps.toSorted((a, b) => a - b)) {
          const before = ledger.filter(({ role }) => role === 'serve').map(({ device }) => device);
          ledger = withRoles(ledger, assignStage({ mode: 'serve', percent, holdback }, ledger, 1));
          const serving = ledger.filter(({ role }) => role === 'serve');
          const names = new Set(serving.map(({ device }) => device));
          expect(before.every((device) => names.has(device))).toBe(true);
          for (const line of new Set(serving.map(({ cluster }) => cluster)))
            expect(serving.filter(({ cluster }) => cluster === line)).toHaveLength(lines[Number(line?.slice(1))] ?? 0);
          const quota = Math.max(1, Math.round((percent / 100) * ledger.length));
          expect(serving.length - quota).toBeLessThan(Math.max(...lines));
          if (holdback === 0) expect(serving.length).toBeGreaterThanOrEqual(quota);
          else expect(serving.length).toBeLessThan(ledger.length);
        }
      }),
      { numRuns: 120 },
    );
  });
});

describe('minDevicesPerHw', () => {
  it('brings in so many of each class where there are as many, and nobody more than that needs', () => {
    const counts = fc.record({ orin: fc.nat(12), nano: fc.nat(3), x86: fc.nat(1) });
    fc.assert(
      fc.property(fc.array(counts, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 3 }), (sites, min) => {
        const ledger = sites.flatMap((classes, site) =>
          Object.entries(classes).flatMap(([hardwareClass, count]) =>
            Array.from(
              { length: count },
              (_, i): LedgerDevice => ({
                ...{ site: `s${site}`, device: `${hardwareClass}-${i}`, hardwareClass, key: i },
                pin: null,
                role: 'none',
              }),
            ),
          ),
        );
        const stage = { mode: 'golden' as const, percent: 1 };
        const plain = having(assignStage(stage, ledger, 0), 'prove').length;
        const roles = assignStage({ ...stage, minDevicesPerHw: min }, ledger, 0);
        const proving = ledger.filter((device) => roles.get(`${device.site}/${device.device}`) === 'prove');
        for (const name of ['orin', 'nano', 'x86']) {
          const there = ledger.filter(({ hardwareClass }) => hardwareClass === name).length;
          expect(proving.filter(({ hardwareClass }) => hardwareClass === name).length).toBeGreaterThanOrEqual(
            Math.min(min, there),
          );
        }
        expect(proving.length).toBeLessThanOrEqual(plain + 3 * min);
      }),
      { numRuns: 80 },
    );
  });
});
