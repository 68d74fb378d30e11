// The first sentence of the fleet page, and what in it needs a person: worst first, each with where to go. No DOM here.
import type { IncidentSummary } from '../../../../shared/protocol/api-incidents.ts';
import type { KillSummary } from '../../../../shared/protocol/api-kills.ts';
import type { LiveCondition, LiveDevice } from '../../../../shared/protocol/api-live.ts';
import type { RolloutSummary } from '../../../../shared/protocol/api-rollouts.ts';
import { countConditions, idOf } from './counts.ts';

export type Fleet = {
  readonly devices: readonly LiveDevice[];
  readonly rollouts: readonly RolloutSummary[];
  readonly kills: readonly KillSummary[];
  readonly incidents: readonly IncidentSummary[];
};

export type Need = {
  readonly key: string;
  /** `act`: a person has to do something. `look`: it may right itself. */
  readonly kind: 'act' | 'look';
  readonly text: string;
  readonly href: string;
};

const ENDED: ReadonlySet<string> = new Set(['rolled_back', 'completed', 'aborted', 'superseded']);

export function isGoingOn({ state }: RolloutSummary): boolean {
  return !ENDED.has(state);
}

/** What rollouts came to last, where none is under way; null: there was none. */
export function lastEnded({ rollouts }: Pick<Fleet, 'rollouts'>): RolloutSummary | null {
  if (rollouts.some(isGoingOn)) return null;
  return rollouts.toSorted((a, b) => (b.endedAtMs ?? 0) - (a.endedAtMs ?? 0))[0] ?? null;
}

export function summarySentence(fleet: Fleet, needs: readonly Need[]): string {
  const { devices, rollouts } = fleet;
  const online = devices.filter((device) => device.online).length;
  const running = rollouts.filter(isGoingOn).length;
  const acts = needs.filter(({ kind }) => kind === 'act').length;
  const looks = needs.length - acts;
  const last =
    acts > 0
      ? `${counted(acts, 'thing needs', 'things need')} you`
      : looks > 0
        ? `nothing needs you, ${counted(looks, 'thing is', 'things are')} worth a look`
        : 'nothing needs you';
  const rolling = running === 0 ? 'no rollout running' : `${counted(running, 'rollout', 'rollouts')} running`;
  return `${online} of ${counted(devices.length, 'device', 'devices')} online; ${rolling}; ${last}.`;
}

export function needsOf(fleet: Fleet): readonly Need[] {
  return [...killNeeds(fleet), ...deviceNeeds(fleet, ACT), ...rolloutNeeds(fleet), ...deviceNeeds(fleet, LOOK)];
}

function killNeeds({ kills }: Fleet): readonly Need[] {
  return kills
    .filter(({ active }) => active)
    .map(({ id, scope, reason, actor }) => ({
      key: id,
      kind: 'act',
      text: `Kill of ${scopeText(scope)} by ${actor} is in force: ${reason}. Re-arm when it is safe.`,
      href: `/kill/${id}`,
    }));
}

export function scopeText(scope: KillSummary['scope']): string {
  switch (scope.kind) {
    case 'fleet':
      return 'the whole fleet';
    case 'site':
      return scope.site;
    case 'device':
      return `${scope.site}/${scope.device}`;
    case 'rollout':
      return `rollout ${scope.rolloutId}`;
    case 'release':
      return scope.release;
  }
}

/** A rollout that waits for somebody, and an incident nobody has closed; one of both for the same rollout is enough. */
function rolloutNeeds({ rollouts, incidents }: Fleet): readonly Need[] {
  const waiting = rollouts.filter(({ state }) => state === 'holding' || state === 'awaiting_approval');
  const told = new Set(waiting.map(({ id }) => id));
  return [
    ...waiting.map(
      ({ id, name, state, status }): Need => ({
        key: id,
        kind: 'act',
        text: `${name} ${state === 'holding' ? 'is held' : 'waits for approval'}: ${status}`,
        href: `/rollouts/${encodeURIComponent(id)}`,
      }),
    ),
    ...incidents
      .filter(({ closedAtMs, rolloutId }) => closedAtMs === null && !told.has(rolloutId))
      .map(
        ({ id, rolloutName, title }): Need => ({
          key: id,
          kind: 'act',
          text: `Incident of ${rolloutName}: ${title}`,
          href: `/incidents/${encodeURIComponent(id)}`,
        }),
      ),
  ];
}

type Told = readonly [condition: LiveCondition, many: string];

const ACT: readonly Told[] = [['halted', 'devices answer nobody']];
const LOOK: readonly Told[] = [
  ['offline', 'devices are offline'],
  ['reverted', 'devices took a candidate off by themselves'],
  ['hot', 'devices are hot'],
  ['slow', 'devices are slower than usual'],
  ['blocked', 'devices cannot do what is desired'],
];

function deviceNeeds({ devices }: Fleet, told: readonly Told[]): readonly Need[] {
  const counts = countConditions(devices);
  return told.flatMap(([condition, many]): Need[] => {
    const count = counts.get(condition) ?? 0;
    if (count === 0) return [];
    const kind = told === ACT ? 'act' : 'look';
    const [only] = devices.filter((device) => device.condition === condition);
    if (count === 1 && only !== undefined)
      return [
        {
          key: condition,
          kind,
          text: `${idOf(only)} is ${condition}: ${only.because}`,
          href: `/devices/${idOf(only)}`,
        },
      ];
    return [{ key: condition, kind, text: counted(count, many, many), href: `/?condition=${condition}&view=list` }];
  });
}

export function counted(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
