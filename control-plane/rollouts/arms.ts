// What both releases do by themselves, from windows on record: a sample of the devices, and the newest windows of each. Reads only,
// and is asked for pictures alone.
import { setImmediate as letOthersRun } from 'node:timers/promises';
import type { Window } from '../../shared/measure/window.ts';
import type { ArmValue, RolloutArms } from '../../shared/protocol/api-rollout-arms.ts';
import type { StageMode } from '../../shared/rollout/rollout-file.ts';
import { type Added, addArm, goldenValues, plainValueOf, type ReadArm, TAILS } from '../core/arm-values.ts';
import { candidatesOf } from '../core/device-points.ts';
import { carries, type Sample, sampleOf, whyExcluded } from '../core/history.ts';
import { keyOf } from '../core/stages.ts';
import type { Queryable } from '../database/database.ts';
import { type LedgerRow, readLedger } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import { keptEvidence, type Seen } from './pictures.ts';
import { readSpec } from './read-spec.ts';
import { findRollout, type Rollout } from './rollout-rows.ts';
import { windowOfRow } from './window-rows.ts';

/** Devices of an arm, and windows of each: with all three arms some 10 ms of work for every hundred. */
const DEVICES_MAX = 32;
const WINDOWS_MAX = 20;

type Stage = { readonly name: string; readonly mode: StageMode; readonly fromMs: number; readonly toMs: number };
type Span = Pick<Stage, 'fromMs' | 'toMs'>;

/** Many who look at one page ask once: an answer is good for so long. */
const KEPT_MS = 10_000;

export class ArmShelf {
  readonly #answers = new Map<string, { readonly atMs: number; readonly answer: Promise<RolloutArms> }>();

  /** `seen`: what running rollouts were last judged by. Null: there is no such rollout. */
  async of(parts: RolloutParts, idOrName: string, seen: ReadonlyMap<string, Seen>): Promise<RolloutArms | null> {
    const rollout = await findRollout(parts.database, idOrName);
    if (rollout === null) return null;
    const nowMs = parts.wallNow();
    for (const [id, { atMs }] of this.#answers) if (Math.abs(nowMs - atMs) >= KEPT_MS) this.#answers.delete(id);
    const known = this.#answers.get(rollout.id);
    if (known !== undefined) return known.answer;
    const answer = readArms(parts, rollout, seen.get(rollout.id) ?? null);
    this.#answers.set(rollout.id, { atMs: nowMs, answer });
    answer.catch(() => this.#answers.delete(rollout.id));
    return answer;
  }
}

async function readArms(parts: RolloutParts, rollout: Rollout, newest: Seen | null): Promise<RolloutArms> {
  const seen = newest ?? (await keptEvidence(parts.database, rollout.id));
  const { spec, guardrails } = await readSpec(parts, rollout);
  const ledger = await readLedger(parts.database, rollout.id, rollout.plan);
  const stages = spec.stages.flatMap(({ name, mode }, at): Stage[] => {
    const time = rollout.progress.stageTimes[at];
    if (time == null || mode === 'golden') return [];
    const toMs = time.endedAtMs ?? rollout.endedAtMs ?? Number.MAX_SAFE_INTEGER;
    return [{ name, mode, fromMs: time.startedAtMs + spec.analysis.settle, toMs }];
  });
  const own = exposedOf(ledger, seen);
  const found = await newestWithFrames(parts.database, { rollout, own, ledger, stages: stages.toReversed() });
  const arms = found?.arms.map(addArm).filter((arm) => arm !== null) ?? [];
  return {
    id: rollout.id,
    nowMs: parts.wallNow(),
    stage: found && { name: found.stage.name, mode: found.stage.mode },
    arms: arms.map(({ sum }) => sum),
    tails: [...TAILS],
    guardrails: guardrails.map(({ id, expression }) => {
      const evidence = seen?.evidence.find(({ guardrail }) => guardrail === id)?.evidence;
      const own = arms.map(({ sum, totals }: Added) => plainValueOf(sum.arm, totals, expression));
      const values: readonly (ArmValue | null)[] = [...own, ...goldenValues(evidence)];
      return { guardrail: id, values: values.filter((value) => value !== null) };
    }),
  };
}

/** Who went back is no candidate in the ledger any more: then it is whom the newest verdict was reached by. */
function exposedOf(ledger: readonly LedgerRow[], seen: Seen | null): readonly LedgerRow[] {
  const now = ledger.filter(({ role, activatedAtMs }) => role !== 'none' || activatedAtMs !== null);
  if (now.length > 0) return now;
  const judged = seen?.evidence.map(({ evidence }) => candidatesOf(evidence)).filter(({ length }) => length > 0) ?? [];
  // Guardrails of the same frames count whoever had a shadow, too.
  const fewest = new Set(judged.toSorted((a, b) => a.length - b.length)[0]);
  return ledger.filter((row) => fewest.has(keyOf(row)));
}

type Asked = {
  readonly rollout: Rollout;
  readonly own: readonly LedgerRow[];
  readonly ledger: readonly LedgerRow[];
  /** Newest first. */
  readonly stages: readonly Stage[];
};

/** A stage that has just begun has no frames yet: until it has, the one before is shown. */
async function newestWithFrames(
  database: Queryable,
  { rollout, own, ledger, stages }: Asked,
): Promise<{ readonly stage: Stage; readonly arms: readonly ReadArm[] } | null> {
  const { digest } = rollout.candidate;
  for (const stage of stages) {
    const isShadow = stage.mode === 'shadow';
    const windows = await readSample(database, own, stage);
    const samples = windows.flatMap(({ window }) => sampleOf(window, digest, isShadow ? 'shadow' : 'candidate') ?? []);
    if (samples.length === 0) continue;
    const others = isShadow ? [] : ledger.filter((row) => !own.includes(row));
    const meanwhile = isShadow ? windows : await readSample(database, others, spanOf(samples));
    const beganAtMs = rollout.progress.startedAtMs ?? rollout.createdAtMs;
    const past = await readSample(database, own, { fromMs: 0, toMs: beganAtMs });
    const control = meanwhile.filter(({ window }) => isShadow || !carries(window, digest)).flatMap(baselineOf);
    return {
      stage,
      arms: [
        { arm: 'candidate', devicesOf: own.length, samples },
        { arm: 'control', devicesOf: isShadow ? own.length : others.length, samples: control },
        { arm: 'past', devicesOf: own.length, samples: past.flatMap(baselineOf) },
      ],
    };
  }
  return null;
}

function baselineOf({ row, window }: Read): readonly Sample[] {
  const sample = sampleOf(window, row.baseline.digest, 'baseline');
  return sample === null ? [] : [sample];
}

type Read = { readonly row: LedgerRow; readonly window: Window };

/** Devices at even steps of the ledger, each with its newest windows that may be compared. */
async function readSample(
  database: Queryable,
  rows: readonly LedgerRow[],
  { fromMs, toMs }: Span,
): Promise<readonly Read[]> {
  const step = Math.max(1, rows.length / DEVICES_MAX);
  const found: Read[] = [];
  for (let at = 0; at < rows.length; at += step) {
    const row = rows[Math.floor(at)];
    if (row === undefined) break;
    const newest = await database
      .selectFrom('windows')
      .select(['site', 'device', 'boot', 'seq', 'start_at_ms', 'received_at_ms', 'document'])
      .where('site', '=', row.site)
      .where('device', '=', row.device)
      .where('start_at_ms', '>=', fromMs)
      .where('start_at_ms', '<', toMs)
      .orderBy('start_at_ms', 'desc')
      .limit(WINDOWS_MAX)
      .execute();
    const windows = newest.map(windowOfRow).filter((window) => window.endAtMs <= toMs && whyExcluded(window) === null);
    found.push(...windows.map((window) => ({ row, window })));
    await letOthersRun();
  }
  return found;
}

function spanOf(samples: readonly Sample[]): Span {
  return samples.reduce(
    (span, { window }) => ({
      fromMs: Math.min(span.fromMs, window.startAtMs),
      toMs: Math.max(span.toMs, window.startAtMs + 1),
    }),
    { fromMs: Number.POSITIVE_INFINITY, toMs: 0 },
  );
}
