// The record as it lies in the database file, read from outside while the control plane runs. Nothing here writes.
import SqliteDatabase from 'better-sqlite3';
import type { Desired } from '../../../shared/protocol/documents.ts';

export type StoredDecision = {
  readonly rollout_id: string;
  readonly seq: number;
  readonly kind: string;
  readonly rule: string;
  readonly actor: string;
  readonly reason: string;
  readonly from_state: string;
  readonly to_state: string;
  readonly stage: string;
  readonly at_ms: number;
  readonly inputs: string;
};

export type StoredRollout = {
  readonly id: string;
  readonly state: string;
  readonly version: number;
  readonly candidate_digest: string;
  readonly progress: { readonly phase: string; readonly endAs: string };
};

export type StoredRecord = {
  readonly rollouts: readonly StoredRollout[];
  readonly decisions: readonly StoredDecision[];
  readonly audit: readonly {
    readonly seq: number;
    readonly hash: string;
    readonly actor: string;
    readonly action: string;
    readonly subject: string;
    readonly reason: string;
  }[];
  readonly assignments: readonly { readonly rollout_id: string; readonly device: string; readonly role: string }[];
  readonly desired: readonly Desired[];
  readonly kills: readonly { readonly id: string; readonly epoch: number; readonly cleared_at_ms: number | null }[];
  readonly incidents: readonly {
    readonly id: string;
    readonly rollout_id: string;
    readonly opened_seq: number;
    readonly closed_at_ms: number | null;
  }[];
  readonly notes: readonly { readonly incident_id: string; readonly text: string }[];
  readonly verifications: readonly { readonly rollout_id: string; readonly kind: string }[];
};

/** All tables at one instant. */
export function readRecord(file: string): StoredRecord {
  const database = new SqliteDatabase(file, { readonly: true });
  const all = <T>(sql: string): T[] => database.prepare(sql).all() as T[];
  try {
    database.exec('begin');
    return {
      rollouts: all<Omit<StoredRollout, 'progress'> & { progress: string }>(
        'select id, state, version, candidate_digest, progress from rollouts order by created_at_ms, id',
      ).map((row) => ({ ...row, progress: JSON.parse(row.progress) as StoredRollout['progress'] })),
      decisions: all('select * from rollout_decisions order by rollout_id, seq'),
      audit: all('select seq, hash, actor, action, subject, reason from audit order by seq'),
      assignments: all('select rollout_id, device, role from rollout_assignments'),
      desired: all<{ document: string }>('select document from desired_state').map(
        ({ document }) => JSON.parse(document) as Desired,
      ),
      kills: all('select id, epoch, cleared_at_ms from kills order by epoch'),
      incidents: all('select id, rollout_id, opened_seq, closed_at_ms from incidents'),
      notes: all('select incident_id, text from incident_notes'),
      verifications: all('select rollout_id, kind from rollout_verifications'),
    };
  } finally {
    database.close();
  }
}

/** Holds the database's lock for writing until `release`: whoever writes meanwhile waits within its transaction. */
export function holdWriteLock(file: string): { release(): void } {
  const database = new SqliteDatabase(file);
  database.exec('begin immediate');
  return {
    release: () => {
      database.exec('rollback');
      database.close();
    },
  };
}
