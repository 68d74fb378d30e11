// Table types of what is left after a rollout (migration 018): verifications, devices that come back later, incidents.

export type AftermathTables = {
  /** One row per rollout that went back. */
  rollout_verifications: {
    rollout_id: string;
    at_ms: number;
    kind: string;
    sentence: string;
    expr: string | null;
    /** JSON of the checks, one per device. */
    checks: string;
  };
  /** Devices that were not reachable when a rollback ended. */
  rollout_returns: {
    rollout_id: string;
    site: string;
    device: string;
    listed_at_ms: number;
    back_at_ms: number | null;
  };
  incidents: {
    id: string;
    rollout_id: string;
    kind: string;
    title: string;
    opened_at_ms: number;
    /** Seq of the decision that opened it, and of the one that made it what it is now. */
    opened_seq: number;
    latest_seq: number;
    closed_at_ms: number | null;
    closed_because: string | null;
    /** JSON; null until the tick after the newest decision has taken it. */
    telemetry: string | null;
    /** JSON of the newest plan to go forward: text, actor, time. */
    roll_forward: string | null;
  };
  incident_notes: { incident_id: string; seq: number; at_ms: number; actor: string; text: string };
};
