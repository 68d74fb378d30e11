// The fleet as signals: each device has its own, so that one that changes redraws itself and nothing else.
import { batch, computed, type Signal, signal } from '@preact/signals';
import type { IncidentSummary } from '../../../shared/protocol/api-incidents.ts';
import type { KillSummary } from '../../../shared/protocol/api-kills.ts';
import type { LiveChange, LiveDevice, LiveSnapshot } from '../../../shared/protocol/api-live.ts';
import type { RolloutSummary } from '../../../shared/protocol/api-rollouts.ts';
import { mergeById } from './merge.ts';

/** By `site/device`. Read `roster` to hear of devices that come, and `pulse` to hear of any change of any device. */
export const devices = new Map<string, Signal<LiveDevice>>();
/** Grows when a device comes or goes. */
export const roster = signal(0);
/** Grows with every batch that changes a device. */
export const pulse = signal(0);
/** False until the fleet was read for the first time. */
export const isRead = signal(false);
export const rollouts = signal<readonly RolloutSummary[]>([]);
export const kills = signal<readonly KillSummary[]>([]);
export const incidents = signal<readonly IncidentSummary[]>([]);

/** Everything at once; null before the first reading. Made only for who looks. */
export const snapshot = computed(() => {
  if (!isRead.value) return null;
  void pulse.value;
  void roster.value;
  const all = [...devices.values()].map((device) => device.peek());
  return { devices: all, rollouts: rollouts.value, kills: kills.value, incidents: incidents.value };
});

export function putSnapshot(read: LiveSnapshot): void {
  batch(() => {
    const present = new Set(read.devices.map(({ site, device }) => `${site}/${device}`));
    const gone = [...devices.keys()].filter((id) => !present.has(id));
    for (const id of gone) devices.delete(id);
    let isOther = gone.length > 0;
    for (const device of read.devices) isOther = putDevice(`${device.site}/${device.device}`, device) || isOther;
    rollouts.value = read.rollouts;
    kills.value = read.kills;
    incidents.value = read.incidents;
    pulse.value += 1;
    if (isOther) roster.value += 1;
    isRead.value = true;
  });
}

export function putChanges(changes: readonly LiveChange[]): void {
  batch(() => {
    let hasDevices = false;
    let isOther = false;
    for (const change of changes) {
      if (change.resource !== 'device') continue;
      hasDevices = true;
      const { id, value } = change;
      isOther = (value === null ? devices.delete(id) : putDevice(id, value)) || isOther;
    }
    rollouts.value = mergeById(
      rollouts.value,
      changes.filter((change) => change.resource === 'rollout'),
    );
    kills.value = mergeById(
      kills.value,
      changes.filter((change) => change.resource === 'kill'),
    );
    incidents.value = mergeById(
      incidents.value,
      changes.filter((change) => change.resource === 'incident'),
    );
    if (hasDevices) pulse.value += 1;
    if (isOther) roster.value += 1;
  });
}

/** True when it was not there before. */
function putDevice(id: string, device: LiveDevice): boolean {
  const known = devices.get(id);
  if (known !== undefined) {
    known.value = device;
    return false;
  }
  devices.set(id, signal(device));
  return true;
}
