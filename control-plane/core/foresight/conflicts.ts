// What else goes on where a rollout wants to go: other rollouts, cool-downs, kills, pins, calendars, devices that refused before.
import type { Conflict, Finish } from '../../../shared/rollout/outlook.ts';
import type { Plan } from '../../../shared/rollout/plan.ts';
import type { CohortSpec } from '../../../shared/rollout/rollout-file.ts';
import { list } from '../decide.ts';
import { keyOf } from '../stages.ts';

/** A rollout that has not ended. */
export type RunningRollout = {
  readonly id: string;
  readonly state: string;
  readonly candidate: string;
  readonly devices: readonly { readonly site: string; readonly device: string }[];
};

export type ConflictFacts = {
  readonly plan: Plan;
  readonly cohort: CohortSpec;
  readonly finish: Finish;
  readonly running: readonly RunningRollout[];
  /** In words; null: none. */
  readonly kill: string | null;
  readonly cooldowns: readonly string[];
};

export function conflictsOf(facts: ConflictFacts): Conflict[] {
  const { plan, kill, cooldowns } = facts;
  const refused = plan.devices.filter(({ blocked }) => blocked.some((reason) => reason.includes('quarantine')));
  return [
    ...facts.running.flatMap((rollout) => ofRollout(rollout, plan)),
    ...(kill === null ? [] : [{ kind: 'kill' as const, text: `the candidate is ${kill}`, blocks: true }]),
    ...cooldowns.map((text) => ({ kind: 'cooldown' as const, text, blocks: true })),
    ...ofPins(facts),
    ...facts.finish.stages.flatMap(({ stage, waits }) =>
      waits === null ? [] : [{ kind: 'freeze' as const, text: `stage ${stage} ${waits}`, blocks: false }],
    ),
    ...(refused.length === 0
      ? []
      : [{ kind: 'quarantine' as const, text: `refused this candidate before: ${named(refused)}`, blocks: false }]),
  ];
}

function ofRollout({ id, state, candidate, devices }: RunningRollout, plan: Plan): Conflict[] {
  const shared = devices.filter((device) => plan.devices.some((planned) => keyOf(planned) === keyOf(device)));
  if (shared.length > 0)
    return [
      {
        kind: 'rollout',
        text: `rollout ${id} (${candidate}, ${state}) has ${named(shared)}: end it first`,
        blocks: true,
      },
    ];
  const model = plan.candidate.release.split(':', 1)[0] ?? '';
  if (candidate.split(':', 1)[0] !== model) return [];
  const sites = [...new Set(devices.map(({ site }) => site))].sort();
  return [
    {
      kind: 'rollout',
      text: `rollout ${id} moves ${model} at ${sites.join(', ')} meanwhile (${candidate}, ${state}): its devices are no part of this plan`,
      blocks: false,
    },
  ];
}

function ofPins({ plan, cohort: { pin } }: ConflictFacts): Conflict[] {
  const byName = new Map(plan.devices.map((device) => [device.device, device]));
  const away = pin.candidate.filter((name) => byName.get(name)?.online === false);
  const outside = [...pin.candidate, ...pin.baseline].filter((name) => !byName.has(name));
  const both = pin.candidate.filter((name) => pin.baseline.includes(name));
  const conflict = (text: string): Conflict => ({ kind: 'pin', text, blocks: false });
  return [
    ...(away.length > 0 ? [conflict(`pinned to the candidate and not reachable now: ${list(away)}`)] : []),
    ...(outside.length > 0 ? [conflict(`pinned, and no part of this plan: ${list(outside)}`)] : []),
    ...(both.length > 0 ? [conflict(`pinned to both arms, the candidate wins: ${list(both)}`)] : []),
  ];
}

function named(devices: readonly { readonly site: string; readonly device: string }[]): string {
  return list(devices.map(keyOf));
}
