// What a tick does after the decisions: kills that came after the end, figures of new incidents, and devices that came back after a rollback had ended.
import { measureIncidents } from '../incidents/incidents.ts';
import { archiveEnded } from './archive.ts';
import { noteLateKills } from './late-kills.ts';
import type { RolloutParts } from './parts.ts';
import { countReturns } from './verifications.ts';

export async function tendAftermath(parts: RolloutParts, nowMs: number): Promise<void> {
  const { database, devices } = parts;
  await noteLateKills(parts, nowMs);
  await measureIncidents(database);
  await archiveEnded(database, nowMs);
  await countReturns(database, () => devices.list(), nowMs);
}
