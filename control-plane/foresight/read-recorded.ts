// Windows for a study, newest first come and only so many: the text as it is stored, device by device, with room for everybody else
// in between.
import { setImmediate } from 'node:timers/promises';
import type { GoldenScore } from '../../shared/protocol/golden-score.ts';
import { eventKindSchema } from '../../shared/protocol/reports.ts';
import { INCIDENT_EVENTS } from '../../shared/rollout/incidents.ts';
import type { Traits } from '../core/foresight/parity.ts';
import type { Incident } from '../core/incident-verdict.ts';
import type { Database } from '../database/database.ts';
import type { Device } from '../devices/device.ts';
import type { StudyDevice } from './study-task.ts';

/** What a study holds in memory: about 100 MB of text. */
const WINDOWS_MAX = 40_000;
/** More devices would have too short a past each. */
const DEVICES_MAX = 200;

export type Stretch = { readonly fromMs: number; readonly toMs: number };

/** Each with its place in the order of its site, so that a sample of many keeps the share of every stage. */
export type Placed = { readonly site: string; readonly device: string; readonly position: number };

/** All of them, or evenly spread ones of each site. */
export function sampleOf<T extends Placed>(devices: readonly T[]): readonly T[] {
  const step = Math.max(1, devices.length / DEVICES_MAX);
  return devices.filter(({ position }) => Math.floor((position + 1) / step) > Math.floor(position / step));
}

export async function* readWindows(
  database: Database,
  devices: readonly StudyDevice[],
  { fromMs, toMs }: Stretch,
): AsyncGenerator<{ readonly device: StudyDevice; readonly documents: readonly string[] }> {
  const each = Math.floor(WINDOWS_MAX / Math.max(1, devices.length));
  for (const device of devices) {
    const rows = await database
      .selectFrom('windows')
      .select('document')
      .where('site', '=', device.site)
      .where('device', '=', device.device)
      .where('start_at_ms', '>=', fromMs)
      .where('start_at_ms', '<', toMs)
      .orderBy('start_at_ms', 'desc')
      .limit(each)
      .execute();
    yield { device, documents: rows.map(({ document }) => document).reverse() };
    // The database answers at once, so nobody else would get a turn.
    await setImmediate();
  }
}

/** Every kind that a guardrail may count. */
export async function readIncidentsBetween(
  database: Database,
  sites: readonly string[],
  { fromMs, toMs }: Stretch,
): Promise<readonly Incident[]> {
  const kinds = [...new Set(Object.values(INCIDENT_EVENTS).flat())];
  const rows = await database
    .selectFrom('events')
    .select(['site', 'device', 'kind', 'digest', 'received_at_ms'])
    .where('site', 'in', sites)
    .where('kind', 'in', kinds)
    .where('received_at_ms', '>=', fromMs)
    .where('received_at_ms', '<', toMs)
    .execute();
  return rows.map(({ site, device, kind, digest, received_at_ms: atMs }) => {
    return { site, device, kind: eventKindSchema.parse(kind), digest, atMs };
  });
}

export function studyDeviceOf(device: Device, baselineDigest: string, candidateDigest: string): StudyDevice {
  const { site, device: name, hardwareClass, line } = device;
  return {
    site,
    device: name,
    hardwareClass: hardwareClass ?? 'unknown',
    line,
    baselineDigest,
    baselineScores: scoresOf(device, baselineDigest),
    candidateScores: scoresOf(device, candidateDigest),
  };
}

function scoresOf({ reported }: Device, digest: string): readonly GoldenScore[] | null {
  const scores = reported?.proofs.find((proof) => proof.digest === digest)?.scores ?? [];
  return scores.length === 0 ? null : scores;
}

/** What a device says of itself that could tell the arms apart. */
export function reportedTraits({ reported }: Device): Traits {
  return {
    firmware: reported?.hardware?.boardSupport ?? reported?.hardware?.os ?? null,
    kernel: reported?.hardware?.kernel ?? null,
    agent: reported?.agentVersion ?? null,
    provider: reported?.provider?.used ?? null,
  };
}
