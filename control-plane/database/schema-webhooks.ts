// Table types of webhooks (migration 024).
import type { Generated } from 'kysely';

export type WebhookTables = {
  webhooks: {
    id: string;
    url: string;
    /** It signs what is sent, so it is kept as it is; the API shows it once. */
    secret: string;
    description: string;
    /** JSON: a list of event types, or `"*"`. */
    events: string;
    /** JSON: a list of sites, or `"*"`. */
    sites: string;
    created_at_ms: number;
    created_by: string;
    disabled_at_ms: number | null;
    disabled_because: string | null;
    /** Its log stays. */
    removed_at_ms: number | null;
  };
  /** The outbox: one row per webhook and event; the same id however often it is sent. */
  webhook_deliveries: {
    id: Generated<number>;
    webhook_id: string;
    event_id: string;
    type: string;
    subject: string;
    /** The CloudEvent as it is sent. */
    body: string;
    created_at_ms: number;
    /** `waiting`, `delivered`, `dead`. */
    state: string;
    /** All that were ever made, and those since somebody asked for it (again). */
    attempts: Generated<number>;
    tries: Generated<number>;
    next_at_ms: number | null;
    settled_at_ms: number | null;
  };
  webhook_attempts: {
    delivery_id: number;
    number: number;
    at_ms: number;
    took_ms: number;
    status: number | null;
    error: string | null;
    answer: string;
  };
  /** How far the audit and the devices' events have been told. */
  webhook_positions: { source: 'audit' | 'events'; position: number };
};
