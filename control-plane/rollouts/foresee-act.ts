// What a person's verb would do as things stand: which devices would answer with something else. Guardrails are asked when it is
// done, not here.
import type { DryRun } from '../../shared/protocol/api-dry-run.ts';
import type { RolloutVerb } from '../../shared/protocol/api-rollouts.ts';
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import { isOut } from '../core/factory-scope.ts';
import { count, countForeseen, describeCount, type ForeseenDevice } from '../core/foreseen.ts';
import { assignStage, keyOf } from '../core/stages.ts';
import type { Device } from '../devices/device.ts';
import type { LedgerRow } from './ledger.ts';
import { takenBack } from './record.ts';
import type { Rollout } from './rollout-rows.ts';

export type ActFacts = {
  readonly rollout: Rollout;
  readonly spec: RolloutSpec;
  readonly ledger: readonly LedgerRow[];
  readonly devices: readonly Device[];
  readonly verb: RolloutVerb;
  readonly keep: boolean;
  readonly refusals: readonly string[];
};

type Effect = {
  readonly devices: readonly ForeseenDevice[];
  readonly sentence: string;
  readonly notes: readonly string[];
};

export function foreseeAct(facts: ActFacts): DryRun {
  const { devices, sentence, notes } = facts.refusals.length === 0 ? effectOf(facts) : NOTHING;
  return {
    dryRun: true,
    sentence: facts.refusals.length === 0 ? sentence : `It would be refused: ${facts.refusals.join('; ')}.`,
    refusals: [...facts.refusals],
    ...countForeseen(devices),
    notes: [...notes],
    plan: null,
    outlook: null,
  };
}

const NOTHING: Effect = { devices: [], sentence: '', notes: [] };
const ASKED_LATER = 'guardrails, approvals and the schedule are asked when it is done, and may refuse it';

function effectOf(facts: ActFacts): Effect {
  const { rollout, verb, keep } = facts;
  switch (verb) {
    case 'hold':
      return { ...NOTHING, sentence: `Growth stops; ${count(exposed(facts).length, 'device')} keep the candidate.` };
    case 'resume':
      return { ...NOTHING, sentence: 'It goes on where it was held; no device changes at once.', notes: [ASKED_LATER] };
    case 'approve':
      return { ...NOTHING, sentence: 'The approval counts for the plan as it is now.', notes: [ASKED_LATER] };
    case 'promote':
      return growth(facts);
    case 'abort':
      if (keep)
        return { ...NOTHING, sentence: `It ends; ${count(exposed(facts).length, 'device')} stay on the candidate.` };
      return back(facts, 'and it ends as aborted');
    case 'rollback':
      return back(facts, `and ${rollout.candidate.release} is retired in this rollout`);
  }
}

function exposed({ ledger, rollout }: ActFacts): readonly LedgerRow[] {
  return takenBack(ledger, rollout.progress);
}

function back(facts: ActFacts, end: string): Effect {
  const { rollout } = facts;
  const touched = exposed(facts).map((row) => {
    const isChanging = row.role === 'serve' || rollout.progress.phase === 'committing';
    return foreseenOf(facts, row, { to: row.baseline.release, isChanging });
  });
  const changing = touched.filter(({ isChanging }) => isChanging);
  const dropping = touched.length - changing.length;
  const rest = dropping === 0 ? '' : `; ${count(dropping, 'device')} only stop trying the candidate`;
  const sentence = `${describeCount(changing)} go back to what they ran before${rest}, ${end}.`;
  return { devices: touched, sentence, notes: ['devices that are offline go back when they return'] };
}

function growth(facts: ActFacts): Effect {
  const { rollout, spec, ledger } = facts;
  const { progress, candidate } = rollout;
  const stage = spec.stages[progress.stageIndex + 1];
  const inside = ledger.filter((row) => !isOut(progress.factoriesOut, row) && row.joined !== 'baseline');
  if (stage === undefined) {
    const all = inside.filter(({ pin }) => pin !== 'baseline');
    const devices = all.map((row) =>
      foreseenOf(facts, row, { to: candidate.release, isChanging: row.role !== 'serve' }),
    );
    return {
      devices,
      sentence: `It completes: ${describeCount(devices)} make the candidate their own.`,
      notes: [ASKED_LATER],
    };
  }
  const roles = assignStage(stage, inside, spec.cohort.minPerFactory);
  const touched = inside.filter((row) => (roles.get(keyOf(row)) ?? 'none') !== 'none');
  const devices = touched.map((row) => {
    const isChanging = roles.get(keyOf(row)) === 'serve' && row.role !== 'serve';
    return foreseenOf(facts, row, { to: candidate.release, isChanging });
  });
  const added = devices.filter(({ isChanging }) => isChanging);
  const sentence = `Stage ${stage.name}: ${describeCount(devices)} have the candidate, ${added.length} of them answer with it for the first time.`;
  return { devices, sentence, notes: [ASKED_LATER] };
}

function foreseenOf(
  { devices }: ActFacts,
  { site, device }: LedgerRow,
  { to, isChanging }: Pick<ForeseenDevice, 'to' | 'isChanging'>,
): ForeseenDevice {
  const known = devices.find((other) => other.site === site && other.device === device);
  return { site, online: known?.online ?? false, from: known?.reported?.serving?.release ?? null, to, isChanging };
}
