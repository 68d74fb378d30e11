// Table types of the control plane's database. JSON columns are text here and parsed by the room that owns them.
// Times are epoch milliseconds; booleans are 0 or 1. Migrations are additive: expand, ship, contract later.
import type { Generated } from 'kysely';
import type { AftermathTables } from './schema-aftermath.ts';
import type { BusinessTables } from './schema-business.ts';
import type { CourseTables } from './schema-course.ts';
import type { DrillTables } from './schema-drills.ts';
import type { DutyTables } from './schema-duty.ts';
import type { IdempotencyTables } from './schema-idempotency.ts';
import type { IdentityTables } from './schema-identity.ts';
import type { RehearsalTables } from './schema-rehearsals.ts';
import type { RevisionTables } from './schema-revisions.ts';
import type { RolloutTables } from './schema-rollouts.ts';
import type { SitePolicyTables } from './schema-site-policies.ts';
import type { WebhookTables } from './schema-webhooks.ts';

export type ReleaseState = 'registered' | 'candidate' | 'stable' | 'archived' | 'withdrawn';

export type FloorTables = {
  releases: {
    digest: string;
    id: string;
    name: string;
    version: string;
    data_tag: string;
    state: ReleaseState;
    /** Canonical JSON; its SHA-256 is `digest`. */
    manifest: string;
    registered_at_ms: number;
    registered_by: string;
  };
  release_files: { release_digest: string; path: string; role: string; sha256: string; bytes: number };
  release_notes: {
    id: Generated<number>;
    release_digest: string;
    at_ms: number;
    actor: string;
    kind: string;
    text: string;
    rollout_id: string | null;
  };
  artifacts: { sha256: string; bytes: number; stored_at_ms: number };
  devices: {
    site: string;
    device: string;
    hardware_class: string | null;
    line: string | null;
    boot: string | null;
    online: number;
    first_seen_at_ms: number;
    last_seen_at_ms: number;
    window_ms: number | null;
    hello: string | null;
    reported: string | null;
    status: string | null;
  };
  windows: {
    site: string;
    device: string;
    boot: string;
    seq: number;
    start_at_ms: number;
    end_at_ms: number;
    received_at_ms: number;
    document: string;
  };
  events: {
    id: Generated<number>;
    site: string;
    device: string;
    boot: string;
    seq: number;
    kind: string;
    at_ms: number;
    received_at_ms: number;
    digest: string | null;
    rollout_id: string | null;
    document: string;
  };
  watermarks: { site: string; device: string; boot: string; seq: number; updated_at_ms: number };
  /** The outbox of what devices shall do: rows with published_generation < generation are still to be sent. */
  desired_state: {
    site: string;
    device: string;
    generation: number;
    document: string;
    issued_at_ms: number;
    published_generation: number;
  };
  kills: {
    id: string;
    scope: string;
    topic: string;
    reason: string;
    actor: string;
    epoch: number;
    raised_at_ms: number;
    /** Whom it was sent to, and who was online then: `[{site, device, online}]`. */
    recipients: string;
    cleared_at_ms: number | null;
    cleared_by: string | null;
    cleared_reason: string | null;
    cleared_epoch: number | null;
  };
  kill_acks: {
    kill_id: string;
    site: string;
    device: string;
    acked_at_ms: number;
    /** Published → acknowledged by the control plane's monotonic clock; null when it was restarted in between. */
    round_trip_ms: number | null;
    /** Flag received → first baseline answer by the device's monotonic clock. */
    effect_ms: number | null;
    was_serving: number | null;
    digest: string | null;
    request_id: string | null;
  };
  audit: {
    seq: number;
    at_ms: number;
    actor: string;
    action: string;
    subject: string;
    reason: string;
    details: string;
    previous_hash: string;
    hash: string;
  };
  counters: { name: string; value: number };
};

export type Schema = FloorTables &
  RolloutTables &
  AftermathTables &
  DrillTables &
  RevisionTables &
  BusinessTables &
  IdentityTables &
  IdempotencyTables &
  WebhookTables &
  CourseTables &
  RehearsalTables &
  SitePolicyTables &
  DutyTables;
