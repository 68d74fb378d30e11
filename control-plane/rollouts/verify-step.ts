// The verification of a rollback that has reached every device: what the pure check needs, from what a step has read.
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import { verifyTerms } from '../../shared/rollout/verify-section.ts';
import type { Progress } from '../core/advance.ts';
import type { AssessedDevice } from '../core/assess.ts';
import { isDue, type Verified, verifyRollback } from '../core/verify.ts';
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
};

/** The clock of the verification starts when everybody reachable is back, and is kept with the rollout. */
export function withRestored(progress: Progress, nowMs: number): Progress & { readonly restoredAtMs: number } {
  return { ...progress, restoredAtMs: progress.restoredAtMs ?? nowMs };
}

/** Windows are read when the time to look at them has come. */
export async function verifyStep({ database }: Pick<RolloutParts, 'database'>, restored: Restored): Promise<Verified> {
  const { rollout, spec, ledger, known, nowMs } = restored;
  const { progress } = rollout;
  const isEveryone = progress.phase === 'committing';
  const reached = spec.stages.slice(0, progress.stageIndex + 1);
  const { restoredAtMs } = withRestored(progress, nowMs);
  const facts = {
    terms: verifyTerms(spec.abort.verify, spec.stages),
    hasServed: isEveryone || reached.some(({ mode }) => mode === 'serve'),
    nowMs,
    restoredAtMs,
    settleMs: spec.analysis.settle,
    devices: known.map(({ online, history }, i) => {
      const row = ledger[i];
      return { online, history, hadCandidate: isEveryone ? row?.pin !== 'baseline' : row?.role !== 'none' };
    }),
  };
  if (!isDue(facts)) return verifyRollback(facts);
  const devices = [];
  for (const device of facts.devices) {
    const { site, device: name } = device.history;
    const windows = await readWindows(database, scopeOf(rollout), { site, device: name, sinceMs: restoredAtMs });
    devices.push({ ...device, history: { ...device.history, ...windows } });
  }
  return verifyRollback({ ...facts, devices });
}

/** Remembers since when everybody is back; false when somebody else moved the rollout. */
export async function rememberRestored(parts: RolloutParts, { rollout, nowMs }: Restored): Promise<boolean> {
  if (rollout.progress.restoredAtMs !== undefined) return true;
  const progress = withRestored(rollout.progress, nowMs);
  return compareAndSet(parts.database, rollout, { state: rollout.state, progress, endedAtMs: null });
}
