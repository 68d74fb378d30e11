// The devices of a rollout as people see them, one by one and by factory: as last assessed, and once back as they report.
import type { RolloutView } from '../../shared/protocol/api-rollouts.ts';
import { type DeviceStanding, standingOnceBack } from '../core/exposure.ts';
import { describeOut, isOut } from '../core/factory-scope.ts';
import { keyOf } from '../core/stages.ts';
import type { Device } from '../devices/device.ts';
import type { LedgerRow } from './ledger.ts';
import type { Rollout } from './rollout-rows.ts';

type DeviceFacts = {
  readonly rollout: Rollout;
  readonly ledger: readonly LedgerRow[];
  readonly devices: readonly Device[];
};

/** It takes its devices back, or has: what was last seen of them in the rollout is over. */
export function isTakenBack({ state, progress }: Rollout): boolean {
  return state === 'rolling_back' || state === progress.endAs;
}

/** As last assessed; of devices that went back, or are on the way, as they report now. */
export function standingsNow({ ledger, devices, rollout }: DeviceFacts): readonly DeviceStanding[] {
  const assessed = new Map(rollout.latest.standings.map((each) => [keyOf(each), each]));
  const known = new Map(devices.map((device) => [keyOf(device), device]));
  return ledger.flatMap((row) => {
    const last = assessed.get(keyOf(row));
    const isBack = row.role !== 'none' && (isTakenBack(rollout) || isOut(rollout.progress.factoriesOut, row));
    if (!isBack || last?.isReverted) return last ?? [];
    const { online = false, reported = null } = known.get(keyOf(row)) ?? {};
    return standingOnceBack({ ...row, online, reported, isReverted: false }, rollout.candidate.digest);
  });
}

export function viewFactories(
  { ledger, devices, rollout }: DeviceFacts,
  standings: readonly DeviceStanding[],
): RolloutView['factories'] {
  const { factoriesOut } = rollout.progress;
  const online = new Set(devices.filter((device) => device.online).map(keyOf));
  const standing = new Map(standings.map((each) => [keyOf(each), each]));
  return [...new Set(ledger.map(({ site }) => site))].map((site) => {
    const rows = ledger.filter((row) => row.site === site);
    const inside = rows.filter(({ role }) => role !== 'none');
    const byHardware: Record<string, number> = {};
    for (const { hardwareClass } of inside) byHardware[hardwareClass] = (byHardware[hardwareClass] ?? 0) + 1;
    return {
      site,
      devices: rows.length,
      candidate: inside.length,
      exposed: inside.filter((row) => isExposed(standing.get(keyOf(row)), row)).length,
      controls: rows.filter(({ role, aside }) => role === 'none' && !aside).length,
      online: rows.filter((row) => online.has(keyOf(row))).length,
      reverted: rows.filter((row) => standing.get(keyOf(row))?.isReverted).length,
      byHardware,
      out: factoriesOut.filter((out) => out.site === site).map(describeOut)[0] ?? null,
    };
  });
}

export function viewDevices(
  { ledger, devices }: DeviceFacts,
  standings: readonly DeviceStanding[],
): RolloutView['devices'] {
  const byKey = new Map(devices.map((device) => [keyOf(device), device]));
  const standingBy = new Map(standings.map((each) => [keyOf(each), each]));
  return ledger.map((row) => {
    const device = byKey.get(keyOf(row));
    const standing = standingBy.get(keyOf(row));
    const serving = device?.reported?.serving ?? null;
    return {
      site: row.site,
      device: row.device,
      hardwareClass: row.hardwareClass,
      line: row.line,
      arm: row.role === 'none' ? 'baseline' : 'candidate',
      role: row.role,
      online: device?.online ?? false,
      exposed: isExposed(standing, row),
      reverted: standing?.isReverted ?? false,
      activatedAtMs: row.activatedAtMs,
      serving: serving && { release: serving.release, digest: serving.digest },
      baseline: row.baseline,
      detail: row.aside?.sentence ?? standing?.detail ?? row.reason,
    };
  });
}

/** What was seen in another role says nothing about this one. */
function isExposed(standing: DeviceStanding | undefined, { role }: LedgerRow): boolean {
  return standing?.role === role && standing.isActive;
}
