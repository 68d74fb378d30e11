// What one onlooker gets to see of the stream: the topics they asked for, of the sites that they may see.
import { LIVE_TOPICS, type LiveChange, type LiveSnapshot, type LiveTopic } from '../../shared/protocol/api-live.ts';
import type { KillScope } from '../../shared/protocol/documents.ts';
import { type Rights, seesEverything } from '../../shared/protocol/permissions.ts';

export type Sites = '*' | ReadonlySet<string>;

export type Sight = {
  readonly topics: ReadonlySet<LiveTopic>;
  readonly sites: Sites;
  /** Equal for onlookers who see the same. */
  readonly key: string;
};

export type Topics =
  | { readonly kind: 'topics'; readonly topics: ReadonlySet<LiveTopic> }
  | { readonly kind: 'unknown'; readonly word: string };

/** Left out or empty: all. */
export function readTopics(text: string | undefined): Topics {
  const words = (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  const unknown = words.find((word) => !isTopic(word));
  if (unknown !== undefined) return { kind: 'unknown', word: unknown };
  return { kind: 'topics', topics: new Set(words.length === 0 ? LIVE_TOPICS : words.filter(isTopic)) };
}

function isTopic(word: string): word is LiveTopic {
  return (LIVE_TOPICS as readonly string[]).includes(word);
}

export function sightOf(topics: ReadonlySet<LiveTopic>, sites: Sites): Sight {
  const seen = sites === '*' ? '*' : JSON.stringify([...sites].sort());
  return { topics, sites, key: `${[...topics].sort().join(',')} ${seen}` };
}

/** The sites on which a rollout has devices; empty: it is not known. */
export type SitesOfRollout = (rolloutId: string) => ReadonlySet<string>;

/** As lists of the API keep it: a rollout and its incidents are seen by who sees one of its sites, a kill by whom it reaches. */
export function isSeen({ topics, sites }: Sight, change: LiveChange, sitesOf: SitesOfRollout): boolean {
  if (!topics.has(change.resource)) return false;
  if (sites === '*') return true;
  switch (change.resource) {
    case 'device':
      return sites.has(change.id.split('/', 1)[0] ?? '');
    case 'rollout':
      return isRolloutSeen(sites, change.id, sitesOf);
    case 'incident':
      return change.value === null || isRolloutSeen(sites, change.value.rolloutId, sitesOf);
    case 'kill':
      return change.value === null || isScopeSeen(sites, change.value.scope, sitesOf);
    default:
      return true;
  }
}

export function seenSnapshot(whole: LiveSnapshot, sites: Sites, sitesOf: SitesOfRollout): LiveSnapshot {
  if (sites === '*') return whole;
  return {
    ...whole,
    devices: whole.devices.filter(({ site }) => sites.has(site)),
    rollouts: whole.rollouts.filter(({ id }) => isRolloutSeen(sites, id, sitesOf)),
    kills: whole.kills.filter(({ scope }) => isScopeSeen(sites, scope, sitesOf)),
    incidents: whole.incidents.filter(({ rolloutId }) => isRolloutSeen(sites, rolloutId, sitesOf)),
  };
}

function isRolloutSeen(sites: ReadonlySet<string>, rolloutId: string, sitesOf: SitesOfRollout): boolean {
  return [...sitesOf(rolloutId)].some((site) => sites.has(site));
}

function isScopeSeen(sites: ReadonlySet<string>, scope: KillScope, sitesOf: SitesOfRollout): boolean {
  if (scope.kind === 'rollout') return isRolloutSeen(sites, scope.rolloutId, sitesOf);
  return scope.kind === 'site' || scope.kind === 'device' ? sites.has(scope.site) : true;
}

/** Sites that somebody may look at. */
export function sitesSeenBy(rights: Rights): Sites {
  if (seesEverything(rights)) return '*';
  return new Set(rights.grants.flatMap(({ sites }) => (sites === '*' ? [] : sites)));
}
