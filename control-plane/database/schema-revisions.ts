// Table types of revisions (migration 020).

export type RevisionTables = {
  /** One row per text of a rollout that was in force or asked for; the first one is written with the second. */
  rollout_revisions: {
    rollout_id: string;
    number: number;
    /** The revision that it was made from; null of the first. */
    base: number | null;
    at_ms: number;
    actor: string;
    reason: string;
    file_text: string;
    file_hash: string;
    /** JSON. */
    plan: string;
    plan_hash: string;
    /** JSON of what it changes. */
    changes: string;
    /** `in-force`, `proposed`, `replaced`, `withdrawn`. */
    state: string;
    /** JSON of who has agreed. */
    approvals: string;
    /** When a proposal came into force or was withdrawn; null while it waits. */
    settled_at_ms: number | null;
  };
};
