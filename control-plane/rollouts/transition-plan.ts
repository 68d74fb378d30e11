// One step of a rollout as it shall be written: what has been decided, and everything that the record of it needs.
import type { RolloutState } from '../../shared/protocol/api-rollouts.ts';
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import type { Verification } from '../../shared/rollout/verification.ts';
import type { Effect, Progress } from '../core/advance.ts';
import type { DatabaseTransaction } from '../database/database.ts';
import type { LedgerRow } from './ledger.ts';
import type { Rollout } from './rollout-rows.ts';

export type RecordedDecision = {
  readonly kind: string;
  readonly rule: string;
  readonly actor: string;
  readonly reason: string;
  readonly inputs: unknown;
};

export type TransitionPlan = {
  readonly rollout: Rollout;
  readonly spec: RolloutSpec;
  readonly ledger: readonly LedgerRow[];
  readonly state: RolloutState;
  readonly progress: Progress;
  readonly effect: Effect;
  readonly decision: RecordedDecision;
  readonly nowMs: number;
  /** Of a rollback that ends with this. */
  readonly verification?: Verification | null;
  /** What else stands or falls with it. */
  readonly alongside?: (transaction: DatabaseTransaction) => Promise<void>;
};
