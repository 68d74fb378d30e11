// The control plane's own state as samples: broker, what devices send, leases, outbox, audit, disk, process.
import { statfs } from 'node:fs/promises';
import type { AuditCheck } from '../audit/audit.ts';
import type { Database } from '../database/database.ts';
import type { Leases } from '../leases/leases.ts';
import type { Messaging } from '../messaging/messaging.ts';
import type { WebhookFigures } from '../notifications/notifications.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { type Sample, sample } from './catalogue.ts';

export function readBroker(messaging: Pick<Messaging, 'port' | 'metrics'>): readonly Sample[] {
  const { connected, published, ingested, queued, faults } = messaging.metrics();
  return [
    sample('belay_broker_up', messaging.port > 0 ? 1 : 0),
    sample('belay_broker_connections', connected),
    sample('belay_broker_published_total', published),
    sample('belay_broker_ingested_total', ingested),
    sample('belay_broker_queued_messages', queued),
    ...Object.entries(faults).map(([reason, count]) => sample('belay_broker_faults_total', count, { reason })),
  ];
}

export function readTelemetry(telemetry: Pick<Telemetry, 'counts' | 'refused' | 'fault'>): readonly Sample[] {
  const { stored, duplicates, failures } = telemetry.counts();
  return [
    sample('belay_messages_stored_total', stored),
    sample('belay_messages_duplicate_total', duplicates),
    sample('belay_ingest_failures_total', failures),
    sample('belay_database_up', telemetry.fault() === null ? 1 : 0),
    ...Object.entries(telemetry.refused().byKind).map(([kind, count]) =>
      sample('belay_messages_refused_total', count, { kind }),
    ),
  ];
}

export function readLeases(leases: Leases): readonly Sample[] {
  const { granted, failed, withheld } = leases.counts();
  return [
    sample('belay_lease_answers_total', granted, { answer: 'granted', reason: '' }),
    sample('belay_lease_answers_total', failed, { answer: 'failed', reason: '' }),
    ...Object.entries(withheld).map(([reason, count]) =>
      sample('belay_lease_answers_total', count, { answer: 'withheld', reason }),
    ),
  ];
}

export async function readOutbox(database: Database, nowMs: number): Promise<readonly Sample[]> {
  const row = await database
    .selectFrom('desired_state')
    .select((select) => [select.fn.countAll<number>().as('count'), select.fn.min('issued_at_ms').as('oldest')])
    .whereRef('published_generation', '<', 'generation')
    .executeTakeFirstOrThrow();
  return [
    sample('belay_outbox_documents', Number(row.count)),
    sample('belay_outbox_oldest_seconds', row.oldest === null ? 0 : Math.max(0, nowMs - Number(row.oldest)) / 1000),
  ];
}

export type CheckedAudit = { readonly check: AuditCheck; readonly atMs: number };

export function tellAudit({ check, atMs }: CheckedAudit): readonly Sample[] {
  return [
    sample('belay_audit_intact', check.kind === 'intact' ? 1 : 0),
    sample('belay_audit_rows', check.kind === 'intact' ? check.rows : check.seq - 1),
    sample('belay_audit_checked_timestamp_seconds', atMs / 1000),
  ];
}

export function tellWebhooks({ enabled, disabled, waiting, oldestMs, attempts }: WebhookFigures): readonly Sample[] {
  return [
    sample('belay_webhooks', enabled, { state: 'enabled' }),
    sample('belay_webhooks', disabled, { state: 'disabled' }),
    sample('belay_webhook_waiting', waiting),
    sample('belay_webhook_oldest_waiting_seconds', oldestMs / 1000),
    ...Object.entries(attempts).map(([outcome, count]) => sample('belay_webhook_attempts_total', count, { outcome })),
  ];
}

export async function readDisk(dataDir: string): Promise<readonly Sample[]> {
  const { bsize, bavail, blocks } = await statfs(dataDir);
  return [sample('belay_disk_free_bytes', bsize * bavail), sample('belay_disk_size_bytes', bsize * blocks)];
}

export function readProcess({ version, startedAtMs }: { readonly version: string; readonly startedAtMs: number }) {
  const { user, system } = process.cpuUsage();
  return [
    sample('belay_build_info', 1, { version }),
    sample('process_start_time_seconds', startedAtMs / 1000),
    sample('process_cpu_seconds_total', (user + system) / 1e6),
    sample('process_resident_memory_bytes', process.memoryUsage.rss()),
  ];
}
