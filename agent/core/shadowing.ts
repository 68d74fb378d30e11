// The release that runs beside the one that answers, and how much of the frames and of the time it may have.
import type { ReleaseRef } from '../../shared/protocol/documents.ts';

export type Shadowing = {
  readonly ref: ReleaseRef;
  readonly sampleEvery: number;
  /** Most time that its runs may take, in percent; null or absent: no cap. */
  readonly maxExtraLoadPct?: number | null;
};
