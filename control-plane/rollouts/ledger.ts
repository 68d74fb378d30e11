// The ledger: which device has which place in a rollout, since when and why. One row per device of the plan.
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { type Aside, asideOf } from '../../shared/protocol/duty.ts';
import type { Plan } from '../../shared/rollout/plan.ts';
import type { LedgerDevice, Role } from '../core/stages.ts';
import type { Queryable } from '../database/database.ts';
import { toDuty } from '../devices/duty-rows.ts';

export type LedgerRow = LedgerDevice & {
  readonly position: number;
  readonly line: string | null;
  readonly stage: string | null;
  readonly reason: string;
  readonly sinceMs: number;
  readonly activatedAtMs: number | null;
  readonly baseline: ReleaseRef;
  /** It came after the start: a control until the end, or last in the order of its site. Null: it is in the plan. */
  readonly joined: 'baseline' | 'fill' | null;
  /** Pinned, drained or retired: neither candidate nor control while it lasts. Absent or null: it takes part. */
  readonly aside?: Aside | null;
};

export async function insertLedger(database: Queryable, rolloutId: string, plan: Plan, nowMs: number): Promise<void> {
  const rows = plan.devices.flatMap(({ baseline, site, device, position, hardwareClass, line, pin }) =>
    baseline === null
      ? []
      : [
          {
            rollout_id: rolloutId,
            site,
            device,
            position,
            hardware_class: hardwareClass,
            line,
            arm: 'baseline',
            role: 'none',
            stage: null,
            since_at_ms: nowMs,
            reason: pin === null ? 'in the plan' : `pinned to the ${pin}`,
            activated_at_ms: null,
            baseline_release: baseline.release,
            baseline_digest: baseline.digest,
          },
        ],
  );
  // SQLite binds at most 32,766 values in one statement.
  for (let at = 0; at < rows.length; at += 1000)
    await database
      .insertInto('rollout_assignments')
      .values(rows.slice(at, at + 1000))
      .execute();
}

/** In order within each site. */
export async function readLedger(database: Queryable, rolloutId: string, plan: Plan): Promise<readonly LedgerRow[]> {
  const rows = await database
    .selectFrom('rollout_assignments')
    .leftJoin('device_duty', (join) =>
      join
        .onRef('device_duty.site', '=', 'rollout_assignments.site')
        .onRef('device_duty.device', '=', 'rollout_assignments.device'),
    )
    .selectAll('rollout_assignments')
    .select(['device_duty.version', 'device_duty.pinned', 'device_duty.drained', 'device_duty.retired'])
    .where('rollout_id', '=', rolloutId)
    .orderBy('rollout_assignments.site')
    .orderBy('position')
    .execute();
  const pins = new Map(plan.devices.map(({ site, device, pin }) => [`${site}/${device}`, pin]));
  return rows.map((row) => ({
    site: row.site,
    device: row.device,
    hardwareClass: row.hardware_class,
    line: row.line,
    cluster: plan.clusterBy === 'line' ? row.line : null,
    key: row.position,
    position: row.position,
    pin: pins.get(`${row.site}/${row.device}`) ?? null,
    role: row.role as Role,
    stage: row.stage,
    reason: row.reason,
    sinceMs: row.since_at_ms,
    activatedAtMs: row.activated_at_ms,
    baseline: { release: row.baseline_release, digest: row.baseline_digest },
    joined: row.joined === null ? null : row.joined === 'fill' ? 'fill' : 'baseline',
    aside: asideOf(toDuty(row)),
  }));
}

export type Joiner = Pick<LedgerRow, 'site' | 'device' | 'hardwareClass' | 'line' | 'position' | 'baseline'>;

/** Devices that came after the start, behind everyone of their site. */
export async function insertJoiners(
  database: Queryable,
  joiners: readonly Joiner[],
  { rolloutId, as, nowMs }: { readonly rolloutId: string; readonly as: 'baseline' | 'fill'; readonly nowMs: number },
): Promise<void> {
  const rows = joiners.map(({ site, device, hardwareClass, line, position, baseline }) => ({
    rollout_id: rolloutId,
    ...{ site, device, position, line },
    hardware_class: hardwareClass,
    arm: 'baseline',
    role: 'none',
    stage: null,
    since_at_ms: nowMs,
    reason: as === 'fill' ? 'joined: last in the order of its site' : 'joined: a control until the end',
    activated_at_ms: null,
    baseline_release: baseline.release,
    baseline_digest: baseline.digest,
    joined: as,
  }));
  for (let at = 0; at < rows.length; at += 1000)
    await database
      .insertInto('rollout_assignments')
      .values(rows.slice(at, at + 1000))
      .execute();
}

export type Move = {
  readonly site: string;
  readonly device: string;
  readonly role: Role;
  readonly stage: string | null;
  readonly reason: string;
};

/** Writes new places; a device whose role changed has to report it anew. */
export async function moveDevices(
  database: Queryable,
  rolloutId: string,
  moves: readonly Move[],
  nowMs: number,
): Promise<void> {
  for (const { site, device, role, stage, reason } of moves) {
    await database
      .updateTable('rollout_assignments')
      .set({
        role,
        stage,
        reason,
        arm: role === 'none' ? 'baseline' : 'candidate',
        since_at_ms: nowMs,
        activated_at_ms: null,
      })
      .where('rollout_id', '=', rolloutId)
      .where('site', '=', site)
      .where('device', '=', device)
      .where('role', '!=', role)
      .execute();
    await database
      .updateTable('rollout_assignments')
      .set({ stage })
      .where('rollout_id', '=', rolloutId)
      .where('site', '=', site)
      .where('device', '=', device)
      .execute();
  }
}

/** Remembers that devices reported the candidate in their role for the first time. */
export async function markActivated(
  database: Queryable,
  rolloutId: string,
  devices: readonly { readonly site: string; readonly device: string }[],
  nowMs: number,
): Promise<void> {
  for (const { site, device } of devices) {
    await database
      .updateTable('rollout_assignments')
      .set({ activated_at_ms: nowMs })
      .where('rollout_id', '=', rolloutId)
      .where('site', '=', site)
      .where('device', '=', device)
      .where('activated_at_ms', 'is', null)
      .execute();
  }
}

/** `site/device` → the rollout that has not ended and has it in its ledger. */
export async function busyDevices(
  database: Queryable,
  endedStates: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await database
    .selectFrom('rollout_assignments')
    .innerJoin('rollouts', 'rollouts.id', 'rollout_assignments.rollout_id')
    .select(['site', 'device', 'rollout_id'])
    .where('rollouts.state', 'not in', endedStates)
    .execute();
  return new Map(rows.map((row) => [`${row.site}/${row.device}`, row.rollout_id]));
}
