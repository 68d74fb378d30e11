// What every part of the page of a rollout is given: what was read, and what the address says.
import type { RolloutArms } from '../../../../shared/protocol/api-rollout-arms.ts';
import type { RolloutCourse, RolloutEvidence } from '../../../../shared/protocol/api-rollout-charts.ts';
import type { RolloutView } from '../../../../shared/protocol/api-rollouts.ts';
import type { Query } from './filters.ts';

export type Parts = {
  readonly view: RolloutView;
  /** Null: not read yet. */
  readonly course: RolloutCourse | null;
  readonly evidence: RolloutEvidence | null;
  readonly arms: RolloutArms | null;
  readonly query: Query;
  /** Changes the query of the address; '' removes. */
  readonly set: (change: Readonly<Record<string, string>>) => void;
};
