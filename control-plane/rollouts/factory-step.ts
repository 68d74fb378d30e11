// A factory that was taken back alone: waits for what its devices report, has the metrics verified, and records the end. The rest
// of the rollout is held or goes on meanwhile.
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import { verifyTerms } from '../../shared/rollout/verify-section.ts';
import type { AssessedDevice } from '../core/assess.ts';
import type { FactoryOut } from '../core/factory-scope.ts';
import { judgeRollback } from '../core/finish.ts';
import { keyOf } from '../core/stages.ts';
import type { Verified } from '../core/verify.ts';
import type { LedgerRow } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import { recordTransition } from './record.ts';
import { compareAndSet, type Rollout } from './rollout-rows.ts';
import { verifyFromRecord } from './verify-step.ts';

type Returning = {
  readonly rollout: Rollout;
  readonly spec: RolloutSpec;
  readonly ledger: readonly LedgerRow[];
  readonly known: readonly AssessedDevice[];
  readonly nowMs: number;
};

/** Null: nothing was written, decide as usual. Else whether what was written stands. */
export async function tendFactories(parts: RolloutParts, facts: Returning): Promise<boolean | null> {
  const out = facts.rollout.progress.factoriesOut.find(({ ended }) => ended === null);
  if (out === undefined) return null;
  const ending = judgeRollback(devicesOf(facts, out), facts.rollout.candidate.digest);
  const isThere = ending.isDone || (out.restoredAtMs !== null && ending.stragglers.length === 0);
  if (!isThere) return null;
  if (out.restoredAtMs === null) return remember(parts, facts, { ...out, restoredAtMs: facts.nowMs });
  const listeningSinceMs = parts.startedAtMs ?? 0;
  const verified = await verify(parts, facts, { ...out, restoredAtMs: out.restoredAtMs, listeningSinceMs });
  if (verified.kind === 'wait') return null;
  const { kind, sentence } = verified.verification;
  const said = `${out.site}: ${ending.sentence}; ${sentence}`;
  const { rollout, spec, ledger, nowMs } = facts;
  return recordTransition(parts, {
    ...{ rollout, spec, ledger, nowMs },
    state: rollout.state,
    progress: withOut(rollout, { ...out, ended: { kind, sentence: said, atMs: nowMs } }),
    effect: 'none',
    decision: {
      kind: 'factory-back',
      rule: 'reported',
      actor: 'belay',
      reason: said,
      inputs: { ending, verification: verified.verification },
    },
  });
}

function devicesOf({ known, ledger }: Returning, { site, devices }: FactoryOut) {
  return known.flatMap((device, i) => {
    const row = ledger[i];
    if (!row || row.site !== site || !devices.includes(row.device) || row.aside) return [];
    const { online, reported } = device;
    return [{ device: keyOf(device), online, reported, baseline: row.baseline, isReverted: false }];
  });
}

/** The clock of the verification starts when everybody reachable is back; a restart goes on from here. */
async function remember(parts: RolloutParts, { rollout }: Returning, out: FactoryOut): Promise<boolean> {
  const progress = withOut(rollout, out);
  return compareAndSet(parts.database, rollout, { state: rollout.state, progress, endedAtMs: null });
}

function withOut({ progress }: Rollout, out: FactoryOut): Rollout['progress'] {
  const factoriesOut = progress.factoriesOut.map((each) => (each.site === out.site ? out : each));
  return { ...progress, factoriesOut };
}

function verify(
  parts: RolloutParts,
  returning: Returning,
  { site, devices, ...times }: FactoryOut & { readonly restoredAtMs: number; readonly listeningSinceMs: number },
): Promise<Verified> {
  const { rollout, spec, known, nowMs } = returning;
  const reached = spec.stages.slice(0, rollout.progress.stageIndex + 1);
  return verifyFromRecord(parts, returning, {
    terms: verifyTerms(spec.abort.verify, spec.stages),
    hasServed: reached.some(({ mode }) => mode === 'serve'),
    nowMs,
    restoredAtMs: times.restoredAtMs,
    listeningSinceMs: times.listeningSinceMs,
    settleMs: spec.analysis.settle,
    devices: known
      .filter((device) => device.site === site)
      .map(({ device, online, history }) => ({ online, history, hadCandidate: devices.includes(device) })),
  });
}
