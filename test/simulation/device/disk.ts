// What a device keeps over a power cut: the state slots, proofs, release files, and the spool with the numbers that make
// counting exactly-once. Everything else is gone.
import type { DurableState, ProofRecord } from '../../../agent/core/state.ts';
import type { Entry } from '../messages.ts';

type Body = Entry extends infer Each ? (Each extends Entry ? Pick<Each, 'kind' | 'document'> : never) : never;

export type Disk = {
  /** Null before the very first start. */
  durable: DurableState | null;
  readonly proofs: Map<string, ProofRecord>;
  readonly files: Set<string>;
  /** Files whose bits have rotted: found out when they are loaded. */
  readonly rotten: Set<string>;
  readonly spool: Spool;
  /** Nothing can be written while true. */
  isFull: boolean;
};

export type Spool = { entries: readonly Entry[]; readonly lastSeq: Map<string, number> };

export function openDisk(files: readonly string[]): Disk {
  return {
    durable: null,
    proofs: new Map(),
    files: new Set(files),
    rotten: new Set(),
    spool: { entries: [], lastSeq: new Map() },
    isFull: false,
  };
}

/** Numbers a document and keeps it. */
export function append(spool: Spool, boot: string, number: (seq: number) => Body): void {
  const seq = (spool.lastSeq.get(boot) ?? 0) + 1;
  spool.lastSeq.set(boot, seq);
  const body = number(seq);
  spool.entries = [...spool.entries, { ...body, boot, seq } as Entry];
}

/** Forgets what the control plane says is stored; returns it. */
export function acknowledge(spool: Spool, boot: string, seq: number): readonly Entry[] {
  const isDone = (entry: Entry) => entry.boot === boot && entry.seq <= seq;
  const done = spool.entries.filter(isDone);
  if (done.length > 0) spool.entries = spool.entries.filter((entry) => !isDone(entry));
  return done;
}
