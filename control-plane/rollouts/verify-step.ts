// The verification of a rollback that has reached every device: what the pure check needs, from what a step has read.
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import { verifyTerms } from '../../shared/rollout/verify-section.ts';
import type { Progress } from '../core/advance.ts';
import type { AssessedDevice } from '../core/assess.ts';
import { isGoingBack, isOut } from '../core/factory-scope.ts';
import { type Verified, verifyRollback } from '../core/verify.ts';
import type { LedgerRow } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import { compareAndSet, type Rollout } from './rollout-rows.ts';

type Restored = {
  readonly rollout: Rollout;
  readonly spec: RolloutSpec;
  readonly ledger: readonly LedgerRow[];
  readonly known: readonly AssessedDevice[];
  readonly nowMs: number;
  /** Undefined: for ever. */
  readonly listeningSinceMs: number | undefined;
};

/** The clock of the verification starts when everybody reachable is back, and is kept with the rollout. */
export function withRestored(progress: Progress, nowMs: number): Progress & { readonly restoredAtMs: number } {
  return { ...progress, restoredAtMs: progress.restoredAtMs ?? nowMs };
}

export function verifyStep({ rollout, spec, ledger, known, nowMs, listeningSinceMs }: Restored): Verified {
  const { progress } = rollout;
  const isEveryone = progress.phase === 'committing';
  const reached = spec.stages.slice(0, progress.stageIndex + 1);
  return verifyRollback({
    terms: verifyTerms(spec.abort.verify, spec.stages),
    hasServed: isEveryone || reached.some(({ mode }) => mode === 'serve'),
    nowMs,
    restoredAtMs: withRestored(progress, nowMs).restoredAtMs,
    listeningSinceMs: listeningSinceMs ?? 0,
    settleMs: spec.analysis.settle,
    devices: known.map(({ online, history }, i) => {
      const row = ledger[i];
      const { factoriesOut } = progress;
      if (row && isOut(factoriesOut, row)) return { online, history, hadCandidate: isGoingBack(factoriesOut, row) };
      return { online, history, hadCandidate: isEveryone ? row?.pin !== 'baseline' : row?.role !== 'none' };
    }),
  });
}

/** Remembers since when everybody is back; false when somebody else moved the rollout. */
export async function rememberRestored(
  parts: RolloutParts,
  { rollout, nowMs }: Pick<Restored, 'rollout' | 'nowMs'>,
): Promise<boolean> {
  if (rollout.progress.restoredAtMs !== undefined) return true;
  const progress = withRestored(rollout.progress, nowMs);
  return compareAndSet(parts.database, rollout, { state: rollout.state, progress, endedAtMs: null });
}
