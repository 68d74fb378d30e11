// Which sites a request touches, told from its path: the site itself, or those of a rollout, an incident, a kill or a drill.
import type { KillScope } from '../../shared/protocol/documents.ts';
import type { Database } from '../database/database.ts';

/** `route` as it was registered, not as it was written in the request. `'none'`: it names nothing that lies on sites. Empty: it
 * names something that is not there. `'*'` among them: the whole fleet. */
export type TouchedSites = (route: string, params: unknown) => Promise<readonly string[] | 'none'>;

export type SitesOf = {
  /** Every rollout that has a device on one of these sites, by id. */
  rolloutsOn(sites: readonly string[]): Promise<ReadonlySet<string>>;
  rollout(idOrName: string): Promise<readonly string[]>;
  incident(id: string): Promise<readonly string[]>;
  kill(scope: KillScope): Promise<readonly string[]>;
  drill(id: string): Promise<readonly string[]>;
};

export function openTouchedSites(sitesOf: SitesOf, scopeOfKill: (id: string) => KillScope | null): TouchedSites {
  const ofKill = async (id: string): Promise<readonly string[]> => {
    const scope = scopeOfKill(id);
    return scope ? sitesOf.kill(scope) : [];
  };
  const finders: Readonly<Record<string, (id: string) => Promise<readonly string[]>>> = {
    rollouts: sitesOf.rollout,
    incidents: sitesOf.incident,
    drills: sitesOf.drill,
    kills: ofKill,
    kill: ofKill, // the page
  };
  return async (route, params) => {
    const { site, id } = (params ?? {}) as { readonly site?: string; readonly id?: string };
    if (site !== undefined) return [site];
    const [, collection = ''] = /^\/(?:v1\/)?([a-z-]+)\//.exec(route) ?? [];
    const find = finders[collection];
    return id === undefined || find === undefined ? 'none' : find(id);
  };
}

export function openSitesOf(database: Database): SitesOf {
  const ofRollout = async (id: string): Promise<readonly string[]> => {
    const rows = await database
      .selectFrom('rollout_assignments')
      .select('site')
      .distinct()
      .where('rollout_id', '=', (query) =>
        query
          .selectFrom('rollouts')
          .select('id')
          .where((where) => where.or([where('id', '=', id), where('name', '=', id)]))
          .orderBy((order) => order.case().when('id', '=', id).then(0).else(1).end())
          .orderBy('created_at_ms', 'desc')
          .limit(1),
      )
      .orderBy('site')
      .execute();
    return rows.map(({ site }) => site);
  };
  return {
    rolloutsOn: async (sites) => {
      const rows = await database
        .selectFrom('rollout_assignments')
        .select('rollout_id')
        .distinct()
        .where('site', 'in', [...sites])
        .execute();
      return new Set(rows.map(({ rollout_id }) => rollout_id));
    },
    rollout: ofRollout,
    incident: async (id) => {
      const row = await database.selectFrom('incidents').select('rollout_id').where('id', '=', id).executeTakeFirst();
      return ofRollout(row?.rollout_id ?? id);
    },
    kill: async (scope) => {
      if (scope.kind === 'site' || scope.kind === 'device') return [scope.site];
      return scope.kind === 'rollout' ? ofRollout(scope.rolloutId) : ['*'];
    },
    drill: async (id) => {
      const row = await database.selectFrom('drills').select('scope').where('id', '=', id).executeTakeFirst();
      if (!row) return [];
      const { agents } = JSON.parse(row.scope) as { readonly agents?: { readonly site: string } };
      return [agents?.site ?? '*'];
    },
  };
}
