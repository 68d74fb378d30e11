// One run: a fleet, its control plane and everything between them in virtual time, from one seed. First faults, then
// peace; after every step the checker asks whether a promise is broken. Pure: no clock, no chance, no files of its own;
// the only thing that it waits for are promises of the program that have already been kept.

import { mix, openRandom } from '../../control-plane/core/random.ts';
import { Checker } from './check/checker.ts';
import { unsettled } from './convergence.ts';
import { SimDevice } from './device/sim-device.ts';
import { EventQueue, type Scheduled } from './event-queue.ts';
import { endFaults, type FaultParts, startFaults } from './faults.ts';
import { Network } from './network.ts';
import { drawParameters, type Overrides, type Parameters } from './parameters.ts';
import { startPeople } from './people.ts';
import { ControlPlane } from './plane/control-plane.ts';
import type { Flaw, SimRelease } from './releases.ts';
import { RunHash } from './state-hash.ts';
import { Trace } from './trace.ts';
import { Violation, type ViolationFacts } from './violation.ts';
import { HONEST, type Wiring } from './wiring.ts';

export type Run = {
  readonly seed: number;
  readonly hash: string;
  readonly steps: number;
  readonly answers: number;
  readonly deviceHours: number;
  /** Virtual time from the end of the faults until all was at rest; null when the run was cut short. */
  readonly restAfterMs: number | null;
  readonly rollouts: readonly string[];
  readonly violation: (ViolationFacts & { readonly trace: readonly string[] }) | null;
  readonly parameters: Parameters;
};

/** Well above zero, so that a clock an hour slow is still after the epoch. */
const START_MS = 10_000_000;
/** Bakes, leases, retries of ten minutes and a rollback fit in here several times. */
const REST_WITHIN_MS = 60 * 60_000;
const LOOK_EVERY_MS = 15_000;
/** At rest means for this long. */
const QUIET_LOOKS = 3;
/** A person ends what nobody else would. */
const PATIENCE_MS = 3 * 60_000;

export async function simulate(seed: number, overrides: Overrides = {}, mutant: Partial<Wiring> = {}): Promise<Run> {
  const world = buildWorld(drawParameters(seed, overrides), { ...HONEST, ...mutant });
  let violation: Run['violation'] = null;
  let restAfterMs: number | null = null;
  try {
    for (const device of world.devices) device.powerOn();
    world.plane.start();
    startFaults(world.faults);
    startPeople({ ...world.faults, wiring: world.wiring });
    await world.runUntil(world.faults.untilMs);
    endFaults(world.faults);
    restAfterMs = await rest(world);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    const whose = error.facts.device === null ? ['control-plane'] : ['control-plane', error.facts.device];
    violation = { ...error.facts, trace: world.trace.tell(whose) };
  }
  const { parameters, hash, checker, queue, plane } = world;
  const hours = (queue.nowMs - START_MS) / 3_600_000;
  const rollouts = [...plane.store.rollouts.values()].map(({ id, state }) => `${id} ${state}`);
  const counts = { steps: hash.steps, answers: checker.answers, deviceHours: hours * parameters.devices };
  return { seed, hash: hash.digest(), ...counts, restAfterMs, rollouts, violation, parameters };
}

type World = ReturnType<typeof buildWorld>;

function buildWorld(parameters: Parameters, wiring: Wiring) {
  const queue = new EventQueue();
  queue.nowMs = START_MS;
  const random = openRandom(parameters.seed);
  const hash = new RunHash();
  const trace = new Trace();
  const [factory] = parameters.releases;
  if (!factory) throw new TypeError('a fleet has a factory release');
  const checker = new Checker({ queue, hash, trace, factory: factory.digest });
  const network: Network = new Network({
    queue,
    random: random.fork('network'),
    traits: parameters.network,
    deliver: (station, message) => plane.receive(station, message),
  });
  const classOf = (index: number) => (index % 3 === 0 ? 'orin-nx' : 'linux-x64');
  const plane: ControlPlane = new ControlPlane({
    queue,
    random: random.fork('plane'),
    parameters,
    network,
    checker,
    wiring,
    hardwareClassOf: ({ index }) => classOf(index),
  });
  checker.watch(plane.store);
  let isUnsettled = false;
  const devices = Array.from({ length: parameters.devices }, (_, index) => {
    const name = `device-${String(index + 1).padStart(3, '0')}`;
    return new SimDevice({
      index,
      site: `plant-${(index % parameters.sites) + 1}`,
      name,
      hardwareClass: classOf(index),
      factory: { release: factory.release, digest: factory.digest },
      cameras: Array.from({ length: parameters.cameras }, (_camera, at) => `camera-${at + 1}`),
      queue,
      network,
      random: random.fork(name),
      parameters,
      checker,
      wiring,
      releaseOf: (digest) => releaseOf(parameters, digest),
      flawOf: (digest) => flawOn(parameters, digest, index),
      settleSoon: () => {
        isUnsettled = true;
      },
    });
  });
  const runUntil = async (untilMs: number) => {
    for (let next = queue.take(); next !== null; next = queue.take()) {
      if (!waitsForThaw(next)) next.run();
      if (isUnsettled) {
        isUnsettled = false;
        await promisesKept();
      }
      if (queue.nowMs >= untilMs) return;
    }
  };
  const waitsForThaw = ({ device, run, atMs }: Scheduled) => {
    const frozenUntilMs = device === null ? 0 : (devices[device]?.frozenUntilMs ?? 0);
    if (frozenUntilMs <= atMs) return false;
    queue.after(frozenUntilMs - atMs, run, device);
    return true;
  };
  const untilMs = START_MS + parameters.faultsForMs;
  const faults: FaultParts = { queue, random, parameters, devices, network, plane, checker, untilMs };
  return { parameters, wiring, queue, hash, trace, checker, network, plane, devices, faults, runUntil };
}

/** Lets the fleet come to rest; a person rolls back what would wait for one. Returns how long that took. */
async function rest(world: World): Promise<number> {
  const { queue, plane, devices, checker } = world;
  const fromMs = queue.nowMs;
  let quiet = 0;
  let open: readonly string[] = [];
  while (queue.nowMs < fromMs + REST_WITHIN_MS) {
    await world.runUntil(queue.nowMs + LOOK_EVERY_MS);
    open = unsettled(plane, devices, checker, queue.nowMs);
    quiet = open.length === 0 ? quiet + 1 : 0;
    if (quiet >= QUIET_LOOKS) return queue.nowMs - fromMs;
    const rollout = plane.store.activeRollout();
    const isWaiting = rollout !== null && rollout.state !== 'rolling_back' && queue.nowMs - fromMs > PATIENCE_MS;
    if (isWaiting)
      plane.ask({ verb: 'rollback', actor: 'on-call', reason: 'the day ends', override: false, keep: false });
  }
  const device = devices.find(({ key }) => open.some((what) => what.startsWith(key)))?.key ?? null;
  return checker.fail(
    'comes-to-rest',
    `${open.length} things are open an hour after the faults: ${open.slice(0, 6).join('; ')}`,
    device,
  );
}

/** Everything that the program has promised and already can do is done when this resolves. */
function promisesKept(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function releaseOf({ releases }: Parameters, digest: string): SimRelease {
  const release = releases.find((each) => each.digest === digest);
  if (!release) throw new RangeError(`no release ${digest}`);
  return release;
}

/** A flaw shows on a share of the devices only, always the same ones. */
function flawOn(parameters: Parameters, digest: string, device: number): Flaw {
  const { flaw, share } = releaseOf(parameters, digest);
  return mix(parameters.seed, `${digest} ${device}`) / 4_294_967_296 < share ? flaw : 'none';
}
