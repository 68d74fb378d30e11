// What the room asks of its study process, and what comes back. Plain data: it crosses between processes.
import type { GuardrailTest, RehearsalResult } from '../../shared/protocol/api-foresight.ts';
import type { Outlook } from '../../shared/rollout/outlook.ts';
import type { BacktestFacts } from '../core/foresight/backtest.ts';
import type { OutlookFacts, Reseeding } from '../core/foresight/outlook.ts';
import type { RecordedDevice } from '../core/foresight/recorded.ts';
import type { Incident } from '../core/incident-verdict.ts';
import type { PlanFacts } from '../core/plan.ts';

/** A device without its windows: these are sent beforehand, as the text that is stored. */
export type StudyDevice = Omit<RecordedDevice, 'windows'>;

export type OutlookTask = {
  readonly kind: 'outlook';
  readonly facts: Omit<OutlookFacts, 'recorded'>;
  readonly others: readonly Reseeding[];
};
export type BacktestTask = { readonly kind: 'backtest'; readonly facts: Omit<BacktestFacts, 'recorded'> };
export type RehearsalTask = {
  readonly kind: 'rehearsal';
  readonly planFacts: PlanFacts;
  readonly incidents: readonly Incident[];
  readonly runs: number;
  readonly seed: number;
};
export type StudyTask = OutlookTask | BacktestTask | RehearsalTask;

export type StudyOrder =
  | { readonly kind: 'windows'; readonly device: StudyDevice; readonly documents: readonly string[] }
  | { readonly kind: 'begin'; readonly task: StudyTask };

export type StudyResult = {
  readonly outlook: Outlook;
  readonly backtest: GuardrailTest;
  readonly rehearsal: RehearsalResult;
};

export type StudyReport =
  | { readonly kind: 'progress'; readonly done: number }
  | { readonly kind: 'result'; readonly result: StudyResult[StudyTask['kind']] }
  | { readonly kind: 'failed'; readonly reason: string };
