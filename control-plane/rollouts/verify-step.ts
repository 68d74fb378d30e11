// The verification of a rollback that has reached every device: what the pure check needs, from what a step has read.
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import { verifyTerms } from '../../shared/rollout/verify-section.ts';
import type { Progress } from '../core/advance.ts';
import type { AssessedDevice } from '../core/assess.ts';
import { isGoingBack, isOut } from '../core/factory-scope.ts';
import { isDue, isLookedAt, type Verified, type VerifyFacts, verifyRollback } from '../core/verify.ts';
import type { LedgerRow } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import { compareAndSet, type Rollout } from './rollout-rows.ts';
import { readWindows, scopeOf } from './window-rows.ts';

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

export function verifyStep(parts: Pick<RolloutParts, 'database'>, restored: Restored): Promise<Verified> {
  const { rollout, spec, ledger, known, nowMs, listeningSinceMs } = restored;
  const { progress } = rollout;
  const isEveryone = progress.phase === 'committing';
  const reached = spec.stages.slice(0, progress.stageIndex + 1);
  return verifyFromRecord(parts, restored, {
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

/** Windows are read when the time to look at them has come, device by device. */
export async function verifyFromRecord(
  { database }: Pick<RolloutParts, 'database'>,
  { rollout, spec }: Pick<Restored, 'rollout' | 'spec'>,
  facts: VerifyFacts,
): Promise<Verified> {
  if (!isDue(facts)) return verifyRollback(facts);
  const scope = scopeOf(rollout, spec.analysis.baselineWindow.from);
  const isNeeded = isLookedAt(facts);
  const devices = [];
  for (const known of facts.devices) {
    if (!isNeeded(known)) {
      devices.push(known);
      continue;
    }
    const { site, device } = known.history;
    const windows = await readWindows(database, scope, { site, device, sinceMs: facts.restoredAtMs });
    devices.push({ ...known, history: { ...known.history, ...windows } });
  }
  return verifyRollback({ ...facts, devices });
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
