// What roles allow, and where. Pure and without zod, so that the server, the dashboard and the CLI decide alike.
import type { Grant, Identity, Role } from './api-identity.ts';

export type Right = 'view' | 'operate' | 'approve' | 'administer' | 'kill';

/** `'*'`: every site, also those to come. */
export type SiteName = string;

/** What a decision needs of an identity. */
export type Rights = Pick<Identity, 'grants' | 'mayKill'>;

export const RANK: Readonly<Record<Role, number>> = { viewer: 1, operator: 2, approver: 3, admin: 4 };

/** The smallest role that has a right. The kill right is apart: it goes with no role. */
export const LEAST_ROLE: Readonly<Record<Exclude<Right, 'kill'>, Role>> = {
  view: 'viewer',
  operate: 'operator',
  approve: 'approver',
  administer: 'admin',
};

/** Whether it has the right on this site; `'*'` asks for every site. Killing is allowed wherever it has any role. */
export function may({ grants, mayKill }: Rights, right: Right, site: SiteName): boolean {
  if (right === 'kill') return mayKill && grants.some((grant) => covers(grant, site));
  const least = RANK[LEAST_ROLE[right]];
  return grants.some((grant) => RANK[grant.role] >= least && covers(grant, site));
}

/** On every one of these sites; of none at all (a thing that touches no site) it has to be everywhere. */
export function mayOnAll(rights: Rights, right: Right, sites: readonly SiteName[]): boolean {
  return sites.length === 0 ? may(rights, right, '*') : sites.every((site) => may(rights, right, site));
}

export function maySomewhere({ grants, mayKill }: Rights, right: Right): boolean {
  if (right === 'kill') return mayKill && grants.length > 0;
  return grants.some((grant) => RANK[grant.role] >= RANK[LEAST_ROLE[right]]);
}

export function sees(rights: Rights, site: SiteName): boolean {
  return may(rights, 'view', site);
}

export function seesEverything(rights: Rights): boolean {
  return may(rights, 'view', '*');
}

/** Who gets the kill right when nobody says otherwise: everybody from operator up. */
export function mayKillByDefault(grants: readonly Grant[]): boolean {
  return maySomewhere({ grants: [...grants], mayKill: false }, 'operate');
}

/** What both allow: a token never may more than its owner may now. */
export function intersectGrants(some: readonly Grant[], others: readonly Grant[]): Grant[] {
  return some.flatMap((one) =>
    others.flatMap((other): Grant[] => {
      const sites = commonSites(one.sites, other.sites);
      if (sites !== '*' && sites.length === 0) return [];
      return [{ role: RANK[one.role] <= RANK[other.role] ? one.role : other.role, sites }];
    }),
  );
}

/** Whether `wanted` asks for nothing that `held` does not allow. */
export function isWithin(wanted: Rights, held: Rights): boolean {
  if (wanted.mayKill && !held.mayKill) return false;
  return wanted.grants.every(({ role, sites }) => {
    const enough = held.grants.filter((grant) => RANK[grant.role] >= RANK[role]);
    const asked = sites === '*' ? ['*'] : sites;
    return asked.every((site) => enough.some((grant) => covers(grant, site)));
  });
}

/** In words: `approver on plant-a, plant-b; viewer everywhere`. */
export function describeGrants(grants: readonly Grant[]): string {
  const words = grants.map(({ role, sites }) => `${role} ${sites === '*' ? 'everywhere' : `on ${sites.join(', ')}`}`);
  return words.length === 0 ? 'no role at all' : words.join('; ');
}

function covers({ sites }: Grant, site: SiteName): boolean {
  return sites === '*' || (site !== '*' && sites.includes(site));
}

function commonSites(some: Grant['sites'], others: Grant['sites']): Grant['sites'] {
  if (some === '*') return others;
  return others === '*' ? some : some.filter((site) => others.includes(site));
}
