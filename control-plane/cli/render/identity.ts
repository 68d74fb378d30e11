// Who somebody is and what that allows where, in words. Text in, text out.
import type { Account, ApiToken, Grant, Identity } from '../../../shared/protocol/api-identity.ts';
import { formatAge, renderTable } from './table.ts';

/** `operator on plant-a, plant-b; viewer everywhere` */
export function describeGrants(grants: readonly Grant[]): string {
  if (grants.length === 0) return 'no role';
  return grants
    .map(({ role, sites }) => `${role} ${sites === '*' ? 'everywhere' : `on ${sites.join(', ')}`}`)
    .join('; ');
}

export function describeIdentity({ name, kind, grants, mayKill }: Identity): string {
  const kill = mayKill ? 'may kill' : 'may not kill';
  return kind === 'nobody'
    ? `nobody; ${describeGrants(grants)}; ${kill}`
    : `${name} (${kind}); ${describeGrants(grants)}; ${kill}`;
}

export function renderAccounts(accounts: readonly Account[], nowMs: number): string {
  const rows = accounts.map((account) => [
    account.name,
    account.disabled ? 'disabled' : 'active',
    describeGrants(account.grants),
    account.mayKill ? 'yes' : 'no',
    formatAge(account.lastSignInAtMs, nowMs),
  ]);
  return renderTable(
    ['ACCOUNT', 'STATE', 'MAY', 'KILL', 'SIGNED IN'].map((title) => ({ title })),
    rows,
  );
}

export function renderTokens(tokens: readonly ApiToken[], nowMs: number): string {
  if (tokens.length === 0) return 'No tokens. Next: belay token create NAME';
  const rows = tokens.map((token) => [
    token.id,
    token.name,
    token.owner,
    describeGrants(token.grants),
    token.expiresAtMs <= nowMs ? 'expired' : formatDay(token.expiresAtMs),
    formatAge(token.lastUsedAtMs, nowMs),
  ]);
  return renderTable(
    ['TOKEN', 'NAME', 'OWNER', 'MAY', 'UNTIL', 'USED'].map((title) => ({ title })),
    rows,
  );
}

export function formatDay(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
