// Table types of the rollouts room (migrations 010–020). JSON columns are text, parsed by the room alone.
import type { Generated } from 'kysely';

export type RolloutTables = {
  rollouts: {
    id: string;
    name: string;
    state: string;
    /** Compare-and-set: every transition writes version + 1 where version = the one it read. */
    version: number;
    candidate_release: string;
    candidate_digest: string;
    created_at_ms: number;
    ended_at_ms: number | null;
    file_text: string;
    file_hash: string;
    plan: string;
    plan_hash: string;
    /** Where the rollout stands: stage, phase, times, holds. */
    progress: string;
    /** The newest verdicts and counts; overwritten at every tick, never decided from. */
    latest: string;
    /** Number of the file that it follows now; 1 is the one it was started with. */
    revision: Generated<number>;
  };
  /** The ledger: one row per device of the plan. Within a rollout a device moves to the candidate by growth and back by rollback only. */
  rollout_assignments: {
    rollout_id: string;
    site: string;
    device: string;
    position: number;
    hardware_class: string;
    line: string | null;
    arm: string;
    role: string;
    stage: string | null;
    since_at_ms: number;
    reason: string;
    /** When the device first reported the candidate serving; null before. */
    activated_at_ms: number | null;
    /** What the device ran before the rollout: where it goes back to. */
    baseline_release: string;
    baseline_digest: string;
    /** How it came in after the start: `baseline` or `fill`; null: it is in the plan. */
    joined: Generated<string | null>;
  };
  rollout_decisions: {
    rollout_id: string;
    seq: number;
    at_ms: number;
    kind: string;
    rule: string;
    actor: string;
    reason: string;
    from_state: string;
    to_state: string;
    stage: string;
    statistics_version: string;
    file_hash: string;
    /** Everything that the decision was taken from. */
    inputs: string;
    /** The revision in force after it. */
    revision: Generated<number>;
  };
};
