// The measured result of a kill: who obeyed, how fast, who has not. Pure: records, acknowledgements and presence in.
import type { KillAck, KillResult, KillSummary } from '../../shared/protocol/api-kills.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import { isOnline } from '../devices/device.ts';
import { addressKey, type DevicePresence } from '../devices/presence.ts';
import { isInScope, type KillRecord } from './kill-records.ts';

export type KillFacts = {
  readonly record: KillRecord;
  readonly acks: readonly KillAck[];
  readonly devices: readonly DevicePresence[];
  readonly isRecorded: boolean;
  readonly nowMs: number;
};

export function summariseKill({ id, scope, reason, actor, epoch, raisedAtMs, cleared }: KillRecord): KillSummary {
  return {
    id,
    scope,
    reason,
    actor,
    epoch,
    raisedAtMs,
    active: cleared === null,
    clearedAtMs: cleared?.atMs ?? null,
    clearedBy: cleared?.by ?? null,
    clearedReason: cleared?.reason ?? null,
  };
}

export function measureKill({ record, acks, devices, isRecorded, nowMs }: KillFacts): KillResult {
  const acked = new Set(acks.map(addressKey));
  const online = new Set(devices.filter((device) => isOnline(device, nowMs)).map(addressKey));
  const reached = reachOf(record, devices, acks);
  const silent = reached.filter((address) => !acked.has(addressKey(address)));
  const times = acks
    .filter((ack) => !ack.wasOffline)
    .map((ack) => ack.roundTripMs)
    .filter((ms) => ms !== null)
    .sort((a, b) => a - b);
  return {
    ...summariseKill(record),
    sent: reached.length,
    acknowledged: acks.length,
    reverted: acks.filter((ack) => ack.wasServing === true).length,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    maxMs: times.at(-1) ?? null,
    stragglers: silent.filter((address) => online.has(addressKey(address))),
    offline: silent.filter((address) => !online.has(addressKey(address))),
    acks: [...acks],
    leavesAlone: tellUntouched(record, devices),
    recorded: isRecorded,
  };
}

/** Sent to, appeared since while it is in force, or answered. */
function reachOf(
  { scope, recipients, cleared }: KillRecord,
  devices: readonly DevicePresence[],
  acks: readonly KillAck[],
): readonly { site: string; device: string }[] {
  const joined = cleared === null ? devices.filter((device) => isInScope(scope, device)) : [];
  const reached = new Map<string, { site: string; device: string }>();
  for (const { site, device } of [...recipients, ...joined, ...acks] satisfies DeviceAddress[]) {
    reached.set(addressKey({ site, device }), { site, device });
  }
  return [...reached.values()];
}

/** A kill by place stops what is on trial; what a device has committed goes on answering. Say so, with the way to stop it. */
function tellUntouched({ scope }: KillRecord, devices: readonly DevicePresence[]): string | null {
  if (scope.kind === 'rollout' || scope.kind === 'release') return null;
  const counts = new Map<string, number>();
  for (const device of devices) {
    if (!isInScope(scope, device) || !device.committed) continue;
    counts.set(device.committed.release, (counts.get(device.committed.release) ?? 0) + 1);
  }
  if (counts.size === 0) return null;
  const [most = ''] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [];
  const list = [...counts]
    .map(([release, count]) => `${release} on ${count} device${count === 1 ? '' : 's'}`)
    .join(', ');
  return `committed releases go on answering (${list}); to stop one too: belay kill --release "${most}" --reason "…"`;
}

/** Nearest rank: a time that was really measured. */
function percentile(sorted: readonly number[], q: number): number | null {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
}
