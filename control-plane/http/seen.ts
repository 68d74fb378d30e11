// What of a list somebody may see: by site, or by the sites of a rollout.
import type { FastifyRequest } from 'fastify';
import type { KillScope } from '../../shared/protocol/documents.ts';
import { sees, seesEverything } from '../../shared/protocol/permissions.ts';

/** Keeps what lies on a site that the caller may see. */
export function onSeenSites<T extends { readonly site: string }>({ identity }: FastifyRequest, all: readonly T[]): T[] {
  return seesEverything(identity) ? [...all] : all.filter(({ site }) => sees(identity, site));
}

/** Which rollouts the caller may see: those with a device on one of its sites. */
export async function seenRollouts({ identity, server }: FastifyRequest): Promise<(rolloutId: string) => boolean> {
  if (seesEverything(identity)) return () => true;
  const sites = identity.grants.flatMap((grant) => (grant.sites === '*' ? [] : grant.sites));
  const seen = await server.sitesOf.rolloutsOn(sites);
  return (rolloutId) => seen.has(rolloutId);
}

/** Which kills the caller may see: those that reach one of its sites, and so every kill of the fleet or of a release. */
export async function seenKills(request: FastifyRequest): Promise<(scope: KillScope) => boolean> {
  const { identity } = request;
  if (seesEverything(identity)) return () => true;
  const isSeen = await seenRollouts(request);
  return (scope) => {
    if (scope.kind === 'rollout') return isSeen(scope.rolloutId);
    return scope.kind === 'site' || scope.kind === 'device' ? sees(identity, scope.site) : true;
  };
}

/** Of which subjects of the audit the caller may see the rows. What belongs to no site (releases) is for everybody; accounts
 * and tokens are for who sees everything. */
export async function seenSubjects(
  request: FastifyRequest,
  scopeOfKill: (id: string) => KillScope | null,
): Promise<(subject: string) => boolean> {
  const { identity, server } = request;
  const isRolloutSeen = await seenRollouts(request);
  const isKillSeen = await seenKills(request);
  const incidents = await server.sitesOf.rolloutsOfIncidents();
  const drills = await server.sitesOf.sitesOfDrills();
  const isSiteSeen = (site: string) => sees(identity, site);
  const rules: Readonly<Record<string, (id: string) => boolean>> = {
    release: () => true,
    device: isSiteSeen,
    site: isSiteSeen,
    rollout: isRolloutSeen,
    incident: (id) => isRolloutSeen(incidents.get(id) ?? ''),
    drill: (id) => drills.get(id) === '*' || isSiteSeen(drills.get(id) ?? ''),
    kill: (id) => {
      const scope = scopeOfKill(id);
      return scope !== null && isKillSeen(scope);
    },
  };
  return (subject) => {
    const [kind = '', id = ''] = subject.split('/', 2);
    return Object.hasOwn(rules, kind) && rules[kind]?.(id) === true;
  };
}
