// A device as the judge looks at it: what its windows add up to, those that count and those that were left out.
import type { DeviceHistory, ExclusionCounts } from './history.ts';
import type { PairedSpan } from './paired-sum.ts';
import type { Span } from './span-sum.ts';

/** A device with the windows that count: `since` under the candidate (or, for a control, meanwhile), `before` under its baseline. */
export type Selected = Omit<DeviceHistory, 'before' | 'since'> & {
  readonly since: Span;
  readonly before: Span;
  /** Windows of the whole rollout in which both releases saw the same frames. */
  readonly paired: PairedSpan;
  readonly excluded: ExclusionCounts;
  /** Why the camera is not trusted, in words, when windows were left out for it. */
  readonly cameraFinding: string | null;
};
