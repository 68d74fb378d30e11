// What a tick does after the decisions: figures of new incidents, and devices that came back after a rollback had ended.
import { measureIncidents } from '../incidents/incidents.ts';
import { archiveEnded } from './archive.ts';
import type { RolloutParts } from './parts.ts';
import { countReturns } from './verifications.ts';

export async function tendAftermath({ database, devices }: RolloutParts, nowMs: number): Promise<void> {
  await measureIncidents(database);
  await archiveEnded(database, nowMs);
  await countReturns(database, () => devices.list(), nowMs);
}
