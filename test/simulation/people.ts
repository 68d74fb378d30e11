// The people of a simulated plant: they start rollouts one after the other or in place of another, kill and re-arm, hold, resume,
// promote and roll back, and let releases out of quarantine. Drawn from the seed like everything else.
import type { PersonRequest } from '../../control-plane/core/decide.ts';
import type { Random } from '../../control-plane/core/random.ts';
import type { KillScope } from '../../shared/protocol/documents.ts';
import type { Checker } from './check/checker.ts';
import type { SimDevice } from './device/sim-device.ts';
import type { EventQueue } from './event-queue.ts';
import type { Parameters } from './parameters.ts';
import type { ControlPlane } from './plane/control-plane.ts';
import { startRollout } from './plane/rollout-step.ts';
import type { Wiring } from './wiring.ts';

export type PeopleParts = {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly parameters: Parameters;
  readonly devices: readonly SimDevice[];
  readonly plane: ControlPlane;
  readonly checker: Checker;
  readonly wiring: Wiring;
  readonly untilMs: number;
};

const NEXT_ROLLOUT_EVERY_MS = 30_000;

/** For one rollout that makes way, other things are asked for so often. */
const SUPERSEDED_EACH = 2;

export function startPeople(parts: PeopleParts): void {
  const { parameters, random } = parts;
  const { killEveryMs, verbEveryMs, liftEveryMs } = parameters.people;
  again(parts, random.fork('rollouts'), NEXT_ROLLOUT_EVERY_MS, () => startNext(parts));
  again(parts, random.fork('kills'), killEveryMs, (chance) => killOrRearm(parts, chance));
  again(parts, random.fork('verbs'), verbEveryMs, (chance) => parts.plane.ask(drawRequest(chance)));
  again(parts, random.fork('superseding'), verbEveryMs && SUPERSEDED_EACH * verbEveryMs, () => {
    parts.plane.ask({ verb: 'supersede', actor: 'vision-team', reason: 'simulated' });
  });
  again(parts, random.fork('lifts'), liftEveryMs, (chance) => lift(parts, chance));
}

/** Starts the next release's rollout when none is under way. */
function startNext({ plane, parameters, checker, wiring, queue }: PeopleParts): void {
  const { store } = plane;
  if (!store.isUp || store.activeRollout() !== null) return;
  const index = store.rollouts.size + 1;
  const candidate = parameters.releases[index];
  if (candidate === undefined) return;
  const { release, digest } = candidate;
  const from = {
    id: `ro-${index}`,
    candidate: { release, digest },
    fileIndex: parameters.fileIndex + index,
    lease: parameters.lease,
  };
  const row = startRollout(store, { ...from, wiring, nowMs: queue.nowMs });
  if (row) checker.onStarted(row, store);
}

function killOrRearm({ plane, devices, parameters, queue }: PeopleParts, random: Random): void {
  const active = plane.store.kills.filter((kill) => kill.cleared === null);
  if (active.length > 0 && random.chance(0.6)) plane.kills.rearm(random.pick(active).id, queue.nowMs);
  else plane.kills.raise(drawScope(devices, parameters, random), queue.nowMs);
}

function drawScope(devices: readonly SimDevice[], parameters: Parameters, random: Random): KillScope {
  const device = random.pick(devices);
  // Never the factory release: then a device may be left with nothing to answer with.
  const { release, digest } = random.pick(parameters.releases.slice(1));
  return random.pick<KillScope>([
    { kind: 'fleet' },
    { kind: 'site', site: device.site },
    { kind: 'device', site: device.site, device: device.name },
    { kind: 'release', digest, release },
    { kind: 'rollout', rolloutId: 'ro-1', digest },
  ]);
}

export function drawRequest(random: Random): PersonRequest {
  const verb = random.pick(['hold', 'resume', 'resume', 'promote', 'rollback', 'abort'] as const);
  return { verb, actor: 'on-call', reason: 'simulated', override: random.chance(0.5), keep: random.chance(0.2) };
}

/** Lets a release out of quarantine on one device, with a new generation. */
function lift({ plane, devices, parameters, queue }: PeopleParts, random: Random): void {
  const { site, name } = random.pick(devices);
  const { digest } = random.pick(parameters.releases.slice(1));
  const { store } = plane;
  if (!store.isUp || !store.desired.has(`${site}/${name}`)) return;
  store.writeDesired(
    { site, device: name },
    (previous) => {
      if (previous === null) throw new TypeError('nothing is desired of it');
      return { ...previous, liftQuarantine: [{ digest, reason: 'simulated' }] };
    },
    { nowMs: queue.nowMs },
  );
}

function again(
  { queue, untilMs }: PeopleParts,
  random: Random,
  everyMs: number | null,
  act: (random: Random) => void,
): void {
  if (everyMs === null) return;
  const next = () => {
    if (queue.nowMs >= untilMs) return;
    act(random);
    queue.after(everyMs * random.between(0.5, 1.5), next);
  };
  queue.after(everyMs * random.between(0.5, 1.5), next);
}
