// What roles allow: the table as properties, so that no change of it lets a smaller role do more than a larger one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Grant } from '../../../shared/protocol/api-identity.ts';
import {
  intersectGrants,
  isWithin,
  may,
  mayKillByDefault,
  mayOnAll,
  maySomewhere,
  RANK,
  type Right,
} from '../../../shared/protocol/permissions.ts';

const ROLES = ['viewer', 'operator', 'approver', 'admin'] as const;
const RIGHTS: readonly Right[] = ['view', 'operate', 'approve', 'administer', 'kill'];
const SITES = ['plant-a', 'plant-b', 'plant-c'];

const role = fc.constantFrom(...ROLES);
const sites = fc.oneof(fc.constant('*' as const), fc.subarray(SITES, { minLength: 1 }));
const grant: fc.Arbitrary<Grant> = fc.record({ role, sites });
const grants = fc.array(grant, { maxLength: 4 });
const right = fc.constantFrom(...RIGHTS);
const site = fc.constantFrom(...SITES, '*', 'plant-of-tomorrow');
const rights = fc.record({ grants, mayKill: fc.boolean() });

describe('roles', () => {
  it('allow what the table says', () => {
    const allowed = ROLES.map((each) => {
      const own = [{ role: each, sites: ['plant-a'] }];
      const held = { grants: own, mayKill: mayKillByDefault(own) };
      return [each, ...RIGHTS.filter((one) => may(held, one, 'plant-a'))].join(' ');
    });
    expect(allowed).toEqual([
      'viewer view',
      'operator view operate kill',
      'approver view operate approve kill',
      'admin view operate approve administer kill',
    ]);
  });

  it('never allow less to a larger role', () => {
    fc.assert(
      fc.property(fc.tuple(role, role), sites, right, site, ([one, other], where, asked, there) => {
        const [small, large] = RANK[one] <= RANK[other] ? [one, other] : [other, one];
        const held = (each: (typeof ROLES)[number]) => ({ grants: [{ role: each, sites: where }], mayKill: true });
        return !may(held(small), asked, there) || may(held(large), asked, there);
      }),
    );
  });

  it('reach no further than their sites, and everywhere only with the star', () => {
    const own = { grants: [{ role: 'admin' as const, sites: [...SITES] }], mayKill: true };
    for (const each of RIGHTS) {
      expect(may(own, each, 'plant-of-tomorrow')).toBe(false);
      expect(may(own, each, '*')).toBe(false);
      expect(mayOnAll(own, each, ['plant-a', 'plant-z'])).toBe(false);
      expect(mayOnAll(own, each, [])).toBe(false);
      expect(may({ grants: [{ role: 'admin', sites: '*' }], mayKill: true }, each, 'plant-of-tomorrow')).toBe(true);
    }
  });

  it('allow nothing without a grant, also not the kill switch', () => {
    for (const each of RIGHTS) expect(maySomewhere({ grants: [], mayKill: true }, each)).toBe(false);
  });

  it('are the kill right in no case: it is asked for apart', () => {
    fc.assert(fc.property(grants, site, (own, there) => !may({ grants: own, mayKill: false }, 'kill', there)));
  });
});

describe('a token', () => {
  it('may what it and its owner may, no less and no more', () => {
    fc.assert(
      fc.property(grants, grants, right, site, (token, owner, asked, there) => {
        const both = { grants: intersectGrants(token, owner), mayKill: true };
        const each = [token, owner].map((own) => may({ grants: own, mayKill: true }, asked, there));
        return may(both, asked, there) === each.every(Boolean);
      }),
    );
  });

  it('that was let through may nothing that its maker may not', () => {
    fc.assert(
      fc.property(rights, rights, right, site, (wanted, held, asked, there) => {
        fc.pre(isWithin(wanted, held));
        return !may(wanted, asked, there) || may(held, asked, there);
      }),
      { numRuns: 2000 },
    );
  });
});
