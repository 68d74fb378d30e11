// The door of the metrics room: takes what happens as it happens, and writes the page that Prometheus reads. A part that cannot
// be read is told as such; the rest of the page stands.
import { describeError } from '../../shared/basics/errors.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../database/database.ts';
import { isOnline } from '../devices/device.ts';
import type { Devices } from '../devices/devices.ts';
import type { PresenceBook } from '../devices/presence.ts';
import type { Leases } from '../leases/leases.ts';
import type { Messaging } from '../messaging/messaging.ts';
import type { Notifications } from '../notifications/notifications.ts';
import type { Arrival } from '../telemetry/arrivals.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { type Sample, sample } from './catalogue.ts';
import { FleetBook } from './fleet-book.ts';
import { openPage } from './page.ts';
import { KillReader, type KillsDoor } from './read-kills.ts';
import { readRollouts } from './read-rollouts.ts';
import {
  type CheckedAudit,
  readBroker,
  readDisk,
  readLeases,
  readOutbox,
  readProcess,
  readTelemetry,
  tellAudit,
  tellWebhooks,
} from './read-system.ts';

export type MetricsParts = {
  readonly database: Database;
  readonly audit: Pick<Audit, 'verify'>;
  readonly presence: Pick<PresenceBook, 'list'>;
  readonly devices: Pick<Devices, 'list'>;
  readonly killSwitch: KillsDoor;
  readonly leases: Leases;
  readonly notifications: Pick<Notifications, 'figures'>;
  readonly dataDir: string;
  readonly version: string;
  readonly startedAtMs: number;
  readonly wallNow: () => number;
  readonly monotonicNow: () => number;
  readonly log: { warn(fields: object, message: string): void };
};

/** What is only there once the control plane listens. */
export type Listening = {
  readonly telemetry: Pick<Telemetry, 'counts' | 'refused' | 'fault'>;
  readonly messaging: Pick<Messaging, 'port' | 'metrics'>;
};

export type Metrics = {
  /** Every message of a device that was understood. Cheap; never throws. */
  heard(arrival: Arrival, nowMs: number): void;
  /** Runs a tick and records how long it took. */
  timeTick(tick: () => Promise<void>): Promise<void>;
  /** The page, in the text format of Prometheus. */
  write(listening: Listening): Promise<string>;
  close(): Promise<void>;
};

/** The whole chain is hashed anew: 100,000 rows take about a second. */
const AUDIT_CHECK_EVERY_MS = 10 * 60_000;

export async function openMetrics(parts: MetricsParts): Promise<Metrics> {
  const { wallNow, monotonicNow } = parts;
  const page = openPage();
  const { histograms } = page;
  const fleet = new FleetBook();
  for (const device of await parts.devices.list()) if (device.reported) fleet.restore(device, device.reported);
  const times = { effect: histograms.killEffect, roundTrip: histograms.killRoundTrip };
  const kills = new KillReader(parts.killSwitch, times, parts.startedAtMs);
  const readAudit = openAuditReading(parts);
  let tickedAtMs: number | null = null;
  const readers = (nowMs: number, { telemetry, messaging }: Listening): Readonly<Record<string, Reader>> => ({
    process: () => readProcess(parts),
    fleet: () => fleet.samples(parts.presence.list(), (device) => isOnline(device, nowMs)),
    kills: () => kills.read(nowMs),
    broker: () => readBroker(messaging),
    telemetry: () => readTelemetry(telemetry),
    leases: () => readLeases(parts.leases),
    tick: () => (tickedAtMs === null ? [] : [sample('belay_last_tick_timestamp_seconds', tickedAtMs / 1000)]),
    rollouts: () => readRollouts(parts.database, nowMs),
    outbox: () => readOutbox(parts.database, nowMs),
    webhooks: async () => tellWebhooks(await parts.notifications.figures()),
    audit: async () => tellAudit(await readAudit()),
    disk: () => readDisk(parts.dataDir),
  });
  return {
    heard: (arrival, nowMs) => {
      const lagMs = fleet.heard(arrival, nowMs);
      if (lagMs !== null) histograms.ingestLag(lagMs / 1000);
    },
    timeTick: async (tick) => {
      const beganMs = monotonicNow();
      await tick().finally(() => histograms.tick((monotonicNow() - beganMs) / 1000));
      tickedAtMs = wallNow();
    },
    write: async (listening) => {
      const beganMs = monotonicNow();
      const samples = await readAll(readers(wallNow(), listening), parts.log);
      return page.write([...samples, sample('belay_database_read_seconds', (monotonicNow() - beganMs) / 1000)]);
    },
    close: () => page.close(),
  };
}

type Reader = () => readonly Sample[] | Promise<readonly Sample[]>;

async function readAll(readers: Readonly<Record<string, Reader>>, log: MetricsParts['log']): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const [part, read] of Object.entries(readers)) {
    try {
      samples.push(...(await read()), sample('belay_scrape_fault', 0, { part }));
    } catch (error) {
      log.warn({ part, error: describeError(error) }, 'a part of the metrics could not be read');
      samples.push(sample('belay_scrape_fault', 1, { part }));
    }
  }
  return samples;
}

/** The newest check; a stale one is told while the next is under way. */
function openAuditReading({ audit, wallNow }: Pick<MetricsParts, 'audit' | 'wallNow'>): () => Promise<CheckedAudit> {
  let checked: CheckedAudit | null = null;
  let checking: Promise<CheckedAudit> | null = null;
  const check = async (): Promise<CheckedAudit> => {
    try {
      checked = { check: await audit.verify(), atMs: wallNow() };
      return checked;
    } finally {
      checking = null;
    }
  };
  return async () => {
    if (checked !== null && wallNow() - checked.atMs < AUDIT_CHECK_EVERY_MS) return checked;
    checking ??= check();
    if (checked === null) return checking;
    checking.catch(() => undefined); // told by the next page, which tries again
    return checked;
  };
}
