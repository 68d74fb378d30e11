// The kill switch of the simulated control plane: the real records and documents; only signing, journal and clock are
// left out. It needs no database, asserts what is in force again and again, and at once where a device says it is behind.
import {
  documentOf,
  epochOf,
  isInScope,
  isSameScope,
  type KillRecord,
  lastEpoch,
  topicOfScope,
  topicsToAssert,
} from '../../../control-plane/kill-switch/kill-records.ts';
import type { KillScope } from '../../../shared/protocol/documents.ts';
import { FLEET_KILL_TOPIC, killTopics } from '../../../shared/protocol/topics.ts';
import type { Downlink } from '../messages.ts';
import type { Network } from '../network.ts';
import type { Store } from './store.ts';

export type KillDesk = {
  raise(scope: KillScope, nowMs: number): void;
  rearm(id: string, nowMs: number): void;
  /** Publishes again what must not be forgotten. */
  assert(nowMs: number): void;
  noticed(address: { readonly site: string; readonly device: string }, killEpoch: number): void;
};

export function openKillDesk(store: Store, network: Pick<Network, 'publish'>): KillDesk {
  const publish = (topic: string) => {
    const document = documentOf(store.kills, topic);
    if (document === null) return;
    const message: Downlink = {
      kind: 'kill',
      place: placeOf(topic),
      document,
      documentDigest: JSON.stringify(document),
    };
    network.publish(topic, message);
  };
  const replace = (records: readonly KillRecord[], topic: string) => {
    store.kills = records;
    publish(topic);
  };
  return {
    raise: (scope, nowMs) => {
      const topic = topicOfScope(scope);
      const isKnown = store.kills.some((kill) => kill.cleared === null && isSameScope(kill.scope, scope));
      if (isKnown) return publish(topic);
      const epoch = lastEpoch(store.kills) + 1;
      const words = { reason: 'simulated', actor: 'on-call' };
      const record: KillRecord = {
        id: `k-${epoch}`,
        scope,
        topic,
        ...words,
        epoch,
        raisedAtMs: nowMs,
        recipients: [],
        cleared: null,
      };
      replace([...store.kills, record], topic);
    },
    rearm: (id, nowMs) => {
      const epoch = lastEpoch(store.kills) + 1;
      const record = store.kills.find((kill) => kill.id === id && kill.cleared === null);
      if (!record) return;
      const cleared = { atMs: nowMs, by: 'on-call', reason: 'simulated', epoch };
      replace(
        store.kills.map((kill) => (kill === record ? { ...record, cleared } : kill)),
        record.topic,
      );
    },
    assert: (nowMs) => {
      for (const topic of topicsToAssert(store.kills, nowMs)) publish(topic);
    },
    noticed: (address, killEpoch) => {
      for (const topic of killTopics(address)) if (epochOf(store.kills, topic) > killEpoch) publish(topic);
    },
  };
}

/** Kills in force that reach this device. */
export function killsReaching(store: Store, address: { readonly site: string; readonly device: string }) {
  return store.kills.filter((kill) => kill.cleared === null && isInScope(kill.scope, address));
}

function placeOf(topic: string): 'fleet' | 'site' | 'device' {
  if (topic === FLEET_KILL_TOPIC) return 'fleet';
  return topic.split('/').length === 4 ? 'site' : 'device';
}
