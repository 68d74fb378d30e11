// Table types of business figures and of archives (migration 021).
import type { Generated } from 'kysely';

export type BusinessTables = {
  business_imports: { id: Generated<number>; at_ms: number; actor: string; source: string; records: number };
  business_records: {
    site: string;
    /** `device/<name>` or `line/<name>`. */
    unit: string;
    from_ms: number;
    to_ms: number;
    device: string | null;
    line: string | null;
    frames: number | null;
    alerts: number | null;
    reviewed: number | null;
    false_alerts: number | null;
    defects_caught: number | null;
    parts: number | null;
    cost: number | null;
    import_id: number;
  };
  /** Predecessors that a completed rollout wants kept as the fallback. */
  release_retained: { digest: string; rollout_id: string; until_ms: number };
  /** What a rollout file asked to keep, as JSON. */
  rollout_archives: { rollout_id: string; kind: string; at_ms: number; document: string };
};
