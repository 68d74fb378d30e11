// Table types of drills (migration 019).

export type DrillTables = {
  drills: {
    id: string;
    failure: string;
    mode: string;
    state: string;
    actor: string;
    reason: string;
    started_at_ms: number;
    ended_at_ms: number | null;
    /** JSON: on how many simulated devices with which seed, or on which devices of which site. */
    scope: string;
    /** Of the release that was made for it; null on a simulated fleet. */
    candidate_digest: string | null;
    /** JSON; null while it runs. */
    result: string | null;
  };
};
