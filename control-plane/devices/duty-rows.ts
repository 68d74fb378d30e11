// What people have said of devices, as rows: read with every device and every ledger, written by the duty room alone.
import { type Duty, dutySchema } from '../../shared/protocol/api-duty.ts';
import { IN_SERVICE } from '../../shared/protocol/duty.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { DatabaseTransaction, Queryable } from '../database/database.ts';

/** As a left join gives it: null where nothing was ever said. */
export type DutyColumns = {
  readonly version: number | null;
  readonly pinned: string | null;
  readonly drained: string | null;
  readonly retired: string | null;
};

export function toDuty({ version, pinned, drained, retired }: DutyColumns): Duty {
  if (version === null) return IN_SERVICE;
  const read = (text: string | null): unknown => (text === null ? null : JSON.parse(text));
  return dutySchema.parse({ version, pinned: read(pinned), drained: read(drained), retired: read(retired) });
}

export async function readDuty(database: Queryable, { site, device }: DeviceAddress): Promise<Duty> {
  const row = await database
    .selectFrom('device_duty')
    .selectAll()
    .where('site', '=', site)
    .where('device', '=', device)
    .executeTakeFirst();
  return row ? toDuty(row) : IN_SERVICE;
}

export type StoredDuty = DeviceAddress & { readonly duty: Duty; readonly passwordEpoch: number };

export async function readDuties(database: Queryable): Promise<readonly StoredDuty[]> {
  const rows = await database.selectFrom('device_duty').selectAll().execute();
  return rows.map((row) => {
    return { site: row.site, device: row.device, duty: toDuty(row), passwordEpoch: row.password_epoch };
  });
}

export async function writeDuty(transaction: DatabaseTransaction, stored: StoredDuty): Promise<void> {
  const { site, device, duty, passwordEpoch } = stored;
  const text = (mark: object | null): string | null => (mark === null ? null : JSON.stringify(mark));
  const row = {
    version: duty.version,
    pinned: text(duty.pinned),
    drained: text(duty.drained),
    retired: text(duty.retired),
    password_epoch: passwordEpoch,
  };
  await transaction
    .insertInto('device_duty')
    .values({ site, device, ...row })
    .onConflict((conflict) => conflict.columns(['site', 'device']).doUpdateSet(row))
    .execute();
}
