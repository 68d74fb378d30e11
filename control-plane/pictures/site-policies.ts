// What each site allows, in memory with the database behind it: asked for every picture, changed once a year. Pictures are
// off until an admin of the site turns them on, and every change stands in the audit.
import type { SitePolicy } from '../../shared/protocol/api-pictures.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../database/database.ts';

export type PolicyChange = Pick<SitePolicy, 'site' | 'pictures'> & { readonly actor: string; readonly reason: string };

export type SitePolicies = {
  of(site: string): SitePolicy;
  set(change: PolicyChange): Promise<SitePolicy>;
};

export type SitePoliciesParts = {
  readonly database: Database;
  readonly audit: Pick<Audit, 'append'>;
  readonly wallNow: () => number;
};

export async function openSitePolicies({ database, audit, wallNow }: SitePoliciesParts): Promise<SitePolicies> {
  const rows = await database.selectFrom('site_policies').selectAll().execute();
  const known = new Map(
    rows.map((row): [string, SitePolicy] => {
      const { site, pictures, changed_at_ms: changedAtMs, changed_by: changedBy } = row;
      return [site, { site, pictures: pictures === 1 ? 'on' : 'off', changedAtMs, changedBy }];
    }),
  );
  const of = (site: string): SitePolicy =>
    known.get(site) ?? { site, pictures: 'off', changedAtMs: null, changedBy: null };
  return {
    of,
    set: async ({ site, pictures, actor, reason }) => {
      const before = of(site).pictures;
      const policy: SitePolicy = { site, pictures, changedAtMs: wallNow(), changedBy: actor };
      const values = { pictures: pictures === 'on' ? 1 : 0, changed_at_ms: wallNow(), changed_by: actor };
      await database.transaction().execute(async (transaction) => {
        await transaction
          .insertInto('site_policies')
          .values({ site, ...values })
          .onConflict((conflict) => conflict.column('site').doUpdateSet(values))
          .execute();
        const details = { pictures: { before, after: pictures } };
        await audit.append(transaction, { actor, action: 'site-policy', subject: `site/${site}`, reason, details });
      });
      known.set(site, policy);
      return policy;
    },
  };
}
