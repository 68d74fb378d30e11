// When the faults have stopped the fleet must come to rest: every device has what is desired, every kill, nothing left
// to say; the rollout has ended; and nobody goes on trying the same thing for ever. In words what is still missing.
import type { CoreState } from '../../agent/core/state.ts';
import { epochOf } from '../../control-plane/kill-switch/kill-records.ts';
import { killTopics } from '../../shared/protocol/topics.ts';
import type { Checker } from './check/checker.ts';
import type { DeviceOracle } from './check/device-oracle.ts';
import type { SimDevice } from './device/sim-device.ts';
import type { ControlPlane } from './plane/control-plane.ts';
import type { DesiredRow, RolloutRow } from './plane/store.ts';

const TOPIC_NAMES = ['fleet', 'site', 'device'] as const;

/** Everything that has not come to rest yet; empty when all has. */
export function unsettled(
  plane: ControlPlane,
  devices: readonly SimDevice[],
  checker: Checker,
  nowMs: number,
): readonly string[] {
  const active = plane.store.activeRollout();
  const rollout = active === null ? [] : [describeRollout(plane, active)];
  return [...rollout, ...devices.flatMap((device) => unsettledDevice(plane, device, checker, nowMs))];
}

function unsettledDevice(plane: ControlPlane, device: SimDevice, checker: Checker, nowMs: number): readonly string[] {
  const { life, key, disk } = device;
  if (life === null) return [`${key} is down`];
  const row = plane.store.desired.get(key);
  if (!row) return [`nothing is desired of ${key}`];
  const state = life.state();
  const found = [...behind(plane, device, state), ...unserved(checker.oracleOf(device.index), row, state, nowMs)];
  if (disk.spool.entries.some(({ kind }) => kind === 'event')) found.push('still has events to send');
  return found.map((what) => `${key} ${what}`).concat(found.length === 0 ? [] : `${key}: ${describe(state)}`);
}

/** What it has not reached of what it was told. */
function behind({ store }: ControlPlane, { site, name, key }: SimDevice, state: CoreState): string[] {
  const reached = state.desired?.generation ?? 0;
  const owed = store.desired.get(key)?.document.generation ?? 0;
  const found = reached === owed ? [] : [`is at generation ${reached}, not ${owed}`];
  for (const [at, topic] of killTopics({ site, device: name }).entries()) {
    const epoch = state.durable.kills.find((kills) => kills.topic === TOPIC_NAMES[at])?.epoch ?? 0;
    const last = epochOf(store.kills, topic);
    if (epoch !== last) found.push(`is at kill epoch ${epoch}, not ${last}, of ${topic}`);
  }
  return found;
}

/** Whether it answers with what it shall, unless that may not or cannot run there. */
function unserved(oracle: DeviceOracle, { document }: DesiredRow, state: CoreState, nowMs: number): string[] {
  const wanted = document.baseline.digest;
  const serving = state.serving.ref?.digest ?? null;
  if (serving === null) return ['serves nothing'];
  const hasFailed = (state.holdings.get(wanted)?.failedAtMs ?? null) !== null;
  if (hasFailed || oracle.forbids(wanted, nowMs) !== null) return [];
  // A kill of every candidate keeps a new baseline from being committed; one of the chain answers meanwhile.
  const isCommitted = oracle.known.committed === wanted || oracle.isEveryCandidateKilled();
  const found = isCommitted ? [] : [`has not committed ${wanted}`];
  return serving === wanted ? found : [...found, `serves ${serving}, not ${wanted}`];
}

function describe(state: CoreState): string {
  const holdings = [...state.holdings.values()].map(
    ({ ref, files, runner, proof, hindrance }) =>
      `${ref.digest[0]} ${files} ${runner} ${proof} ${hindrance?.reason ?? ''}`,
  );
  return `${state.serving.because} [${holdings.join('; ')}]`;
}

function describeRollout({ store }: ControlPlane, { id, state, progress, candidate }: RolloutRow): string {
  const places = (store.ledgers.get(id) ?? []).filter(({ role }) => role !== 'none');
  const reports = places.map(({ site, device, baseline }) => {
    const { reported, connected } = store.devices.get(`${site}/${device}`) ?? { reported: null, connected: false };
    const serving = reported?.serving?.digest[0] ?? '-';
    const still = reported?.candidate?.digest === candidate.digest ? 'still has it' : '';
    return `${device} ${connected ? 'on' : 'off'} ran ${baseline.digest[0]} serves ${serving} x${reported?.servedFrames} ${still}`;
  });
  return `rollout ${id} is ${state}, ${progress.phase}: ${progress.reason} [${reports.join('; ')}]`;
}
