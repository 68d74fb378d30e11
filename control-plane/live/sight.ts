// What one onlooker gets to see of the stream: the topics they asked for, of the sites that they may see.
import { LIVE_TOPICS, type LiveChange, type LiveSnapshot, type LiveTopic } from '../../shared/protocol/api-live.ts';
import type { KillScope } from '../../shared/protocol/documents.ts';

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

/** Rollouts, incidents and releases are the fleet's; a device and a kill of a site are that site's. */
export function isSeen({ topics, sites }: Sight, change: LiveChange): boolean {
  if (!topics.has(change.resource)) return false;
  if (sites === '*') return true;
  if (change.resource === 'device') return sites.has(change.id.split('/', 1)[0] ?? '');
  return change.resource !== 'kill' || change.value === null || isScopeSeen(sites, change.value.scope);
}

export function seenSnapshot(whole: LiveSnapshot, sites: Sites): LiveSnapshot {
  if (sites === '*') return whole;
  return {
    ...whole,
    devices: whole.devices.filter(({ site }) => sites.has(site)),
    kills: whole.kills.filter(({ scope }) => isScopeSeen(sites, scope)),
  };
}

function isScopeSeen(sites: ReadonlySet<string>, scope: KillScope): boolean {
  return scope.kind === 'site' || scope.kind === 'device' ? sites.has(scope.site) : true;
}
