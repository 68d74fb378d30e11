// What the newest tick saw of a rollout, kept for those who watch. Decisions are taken from facts read afresh, never from this.
import type { ExposureCounts } from '../../shared/protocol/api-rollouts.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';
import type { DeviceStanding } from '../core/exposure.ts';

export type Snapshot = {
  readonly atMs: number;
  /** One sentence: where it stands and what it waits for. */
  readonly status: string;
  readonly exposure: ExposureCounts;
  readonly controls: number;
  readonly verdicts: readonly Verdict[];
  readonly standings: readonly DeviceStanding[];
};

export const EMPTY_SNAPSHOT: Snapshot = {
  atMs: 0,
  status: 'started; devices are being told',
  exposure: { assigned: 0, reachable: 0, exposed: 0, reporting: 0, evaluated: 0, reverted: 0, dark: 0 },
  controls: 0,
  verdicts: [],
  standings: [],
};
