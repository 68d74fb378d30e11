// The alarm for a disk that takes nothing: one safety event when it begins and one when it is over, however often it is
// tried in between. It repairs nothing: the state and the spool go on trying by themselves.
import type { EventFields } from '../telemetry/document-body.ts';
import type { Slots } from './slots.ts';

export type DiskWatchParts = {
  readonly slots: Pick<Slots, 'fault'>;
  readonly spool: { readonly isInMemory: boolean };
  readonly wallNow: () => number;
  readonly emit: (event: EventFields) => unknown;
};

export type DiskWatch = {
  /** Cheap; call it with every window. */
  readonly look: () => void;
};

export function openDiskWatch({ slots, spool, wallNow, emit }: DiskWatchParts): DiskWatch {
  let isAlarmed = false;
  return {
    look() {
      const faults = [slots.fault, spool.isInMemory ? 'the spool is kept in memory' : null].filter(
        (one) => one !== null,
      );
      if (faults.length > 0 === isAlarmed) return;
      isAlarmed = faults.length > 0;
      const atMs = Math.round(wallNow());
      const costs =
        'what is committed goes on answering; no candidate starts, and what is told may be lost with the power';
      if (isAlarmed) emit({ kind: 'disk-fault', atMs, reason: `${faults.join('; ')}: ${costs}`.slice(0, 2000) });
      else emit({ kind: 'disk-back', atMs, reason: 'state and spool are written to the disk again' });
    },
  };
}
