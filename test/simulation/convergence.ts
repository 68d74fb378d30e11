// When the faults have stopped the fleet must come to rest: every device has what is desired, every kill, nothing left
// to say; the rollout has ended; and nobody goes on trying the same thing for ever. In words what is still missing.
import { epochOf } from '../../control-plane/kill-switch/kill-records.ts';
import { killTopics } from '../../shared/protocol/topics.ts';
import type { Checker } from './check/checker.ts';
import type { SimDevice } from './device/sim-device.ts';
import type { ControlPlane } from './plane/control-plane.ts';

const TOPIC_NAMES = ['fleet', 'site', 'device'] as const;

/** Everything that has not come to rest yet; empty when all has. */
export function unsettled(
  plane: ControlPlane,
  devices: readonly SimDevice[],
  checker: Checker,
  nowMs: number,
): readonly string[] {
  const active = plane.store.activeRollout();
  const rollout =
    active === null
      ? []
      : [`rollout ${active.id} is ${active.state}, ${active.progress.phase}: ${active.progress.reason}`];
  return [...rollout, ...devices.flatMap((device) => unsettledDevice(plane, device, checker, nowMs))];
}

function unsettledDevice(
  { store }: ControlPlane,
  device: SimDevice,
  checker: Checker,
  nowMs: number,
): readonly string[] {
  const { life, key, disk } = device;
  if (life === null) return [`${key} is down`];
  const state = life.state();
  const row = store.desired.get(key);
  const found: string[] = [];
  if (!row) return [`nothing is desired of ${key}`];
  const reached = state.desired?.generation ?? 0;
  if (reached !== row.document.generation)
    found.push(`${key} is at generation ${reached}, not ${row.document.generation}`);
  const topics = killTopics({ site: device.site, device: device.name });
  for (const [at, topic] of topics.entries()) {
    const epoch = state.durable.kills.find((kills) => kills.topic === TOPIC_NAMES[at])?.epoch ?? 0;
    if (epoch !== epochOf(store.kills, topic)) found.push(`${key} is at kill epoch ${epoch} of ${topic}`);
  }
  if (disk.spool.entries.some(({ kind }) => kind === 'event')) found.push(`${key} still has events to send`);
  const oracle = checker.oracleOf(device.index);
  const serving = state.serving.ref?.digest ?? null;
  const wanted = row.document.baseline.digest;
  const isBarred = oracle.forbids(wanted, nowMs) !== null;
  if (!isBarred && oracle.known.committed !== wanted) found.push(`${key} has not committed ${wanted}`);
  if (serving === null) found.push(`${key} serves nothing`);
  else if (!isBarred && serving !== wanted) found.push(`${key} serves ${serving}, not ${wanted}`);
  return found;
}
