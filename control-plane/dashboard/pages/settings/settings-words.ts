// What the settings page asks and says: sections, roles as text, and why something cannot be done.
import type { Account, ApiToken, Grant, Role, SessionAnswer } from '../../../../shared/protocol/api-identity.ts';
import { may, type Right } from '../../../../shared/protocol/permissions.ts';

export const SECTIONS = [
  ['you', 'You'],
  ['tokens', 'API tokens'],
  ['people', 'People'],
  ['sites', 'Sites'],
  ['webhooks', 'Webhooks'],
] as const;
export type SectionName = (typeof SECTIONS)[number][0];

export function sectionOf(text: string | undefined): SectionName {
  return SECTIONS.find(([name]) => name === text)?.[0] ?? 'you';
}

const ROLES: readonly Role[] = ['viewer', 'operator', 'approver', 'admin'];

export type ReadGrants =
  | { readonly kind: 'grants'; readonly grants: Grant[] }
  | { readonly kind: 'mistake'; readonly says: string };

/** `operator@plant-a,plant-b viewer`: a role alone is for every site. */
export function readGrants(text: string): ReadGrants {
  const words = text.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return { kind: 'mistake', says: 'Say at least one role, such as operator@plant-a.' };
  const grants: Grant[] = [];
  for (const word of words) {
    const [name = '', sites = '*'] = word.split('@');
    const role = ROLES.find((one) => one === name);
    if (role === undefined) return { kind: 'mistake', says: `"${name}" is no role; there are ${ROLES.join(', ')}.` };
    const listed = sites.split(',').filter((site) => site !== '');
    if (listed.length === 0) return { kind: 'mistake', says: `"${word}" names no site after the @.` };
    grants.push({ role, sites: sites === '*' ? '*' : listed });
  }
  return { kind: 'grants', grants };
}

export function writeGrants(grants: readonly Grant[]): string {
  return grants.map(({ role, sites }) => (sites === '*' ? role : `${role}@${sites.join(',')}`)).join(' ');
}

/** Null where it is not known yet, or nobody has to sign in: the server looks again. */
export function whyNotRight(session: SessionAnswer | null, right: Right): string | null {
  if (session === null || session.open || may(session.identity, right, '*')) return null;
  return `${session.identity.name} lacks the role for this on every site; an admin can give it.`;
}

/** Why a token cannot be made here. */
export function whyNoToken(session: SessionAnswer | null): string | null {
  if (session === null) return null;
  if (session.identity.kind === 'person') return null;
  return 'A token belongs to a person: sign in first.';
}

export function accountStanding({ disabled, mayKill }: Pick<Account, 'disabled' | 'mayKill'>): string {
  if (disabled) return '✕ disabled';
  return mayKill ? '● active, may kill' : '● active, may not kill';
}

/** `expired`, or days that are left. */
export function tokenStanding({ expiresAtMs }: Pick<ApiToken, 'expiresAtMs'>, nowMs: number): string {
  const days = Math.floor((expiresAtMs - nowMs) / 86_400_000);
  if (expiresAtMs <= nowMs) return '✕ expired';
  return days < 14 ? `! ${days} days left` : `${days} days left`;
}

export type PicturesChange = {
  readonly wanted: 'on' | 'off';
  readonly word: string;
  readonly says: string;
  readonly disabledBecause: string | null;
};

/** The only change of a site's policy that there is: to the other side. */
export function picturesChange(
  { site, pictures }: { readonly site: string; readonly pictures: 'on' | 'off' },
  session: SessionAnswer | null,
): PicturesChange {
  const isAllowed = session === null || session.open || may(session.identity, 'administer', site);
  const disabledBecause = isAllowed ? null : `${session.identity.name} is not admin at ${site}`;
  return pictures === 'off'
    ? { wanted: 'on', word: 'Allow …', says: `Let operators of ${site} look at what its devices see`, disabledBecause }
    : { wanted: 'off', word: 'Forbid …', says: `Let nobody look at ${site}, and forget its pictures`, disabledBecause };
}
