// From the flag to its effect over a fleet: a kill is published while every device serves a candidate, and each acknowledges
// with the first frame that its baseline has answered; the control plane's clock measures the whole way.
import { availableParallelism } from 'node:os';
import { endpoint } from '../../shared/protocol/address.ts';
import { type KillResult, killSchema } from '../../shared/protocol/api-kills.ts';
import { type Fleet, until } from '../fleet/fleet.ts';
import { deviceCount } from '../fleet/layout.ts';
import { type Figure, percentile, type Row } from './figure.ts';
import { FLEET_FPS, type FleetRig, openFleetRig } from './fleet-rig.ts';
import { describeLoad, noteOf } from './machine.ts';
import { openPlainClients, PLAIN_SITE } from './plain-clients.ts';
import { withWorkspace } from './workspace.ts';

const ROUNDS = 5;
/** No further round is begun after this long: on a busy machine a fleet takes its time to prove a candidate. */
const BUDGET_MS = 50_000;
const ACK_DEADLINE_MS = 15_000;
const INTERVAL_MS = 1000 / FLEET_FPS;

export const killEffect: Figure = {
  id: 'kill.effect',
  rows: ['p50', 'p99'],
  measure: (progress) =>
    withWorkspace(async (workspace) => {
      const startedAtMs = performance.now();
      const count = deviceCount(availableParallelism());
      const rig = await openFleetRig(workspace, count, progress);
      await openPlainClients(workspace, rig.fleet, count);
      const devices: Ack[] = [];
      const plain: Ack[] = [];
      for (let round = 1; round <= ROUNDS && performance.now() - startedAtMs < BUDGET_MS; round += 1) {
        progress(`round ${round} of at most ${ROUNDS}: every device shall serve the candidate`);
        await rig.awaitServing();
        devices.push(...(await killOnce(rig, { kind: 'fleet' }, count)));
        plain.push(...(await killOnce(rig, { kind: 'site', site: PLAIN_SITE }, count)));
      }
      return [rowOf('p50', 0.5, { devices, plain, count }), rowOf('p99', 0.99, { devices, plain, count })];
    }),
};

type Ack = { readonly roundTripMs: number; readonly effectMs: number };
type Seen = { readonly devices: readonly Ack[]; readonly plain: readonly Ack[]; readonly count: number };

async function killOnce(rig: FleetRig, scope: Parameters<FleetRig['kill']>[0], count: number): Promise<Ack[]> {
  const id = await rig.kill(scope);
  const isPlain = (ack: { readonly site: string }) => ack.site === PLAIN_SITE;
  const acks = await acknowledgements(rig.fleet, id, (ack) => isPlain(ack) === (scope.kind === 'site'), count);
  await rig.rearm(id);
  return acks.map(({ roundTripMs, effectMs }) => ({ roundTripMs: roundTripMs ?? Number.NaN, effectMs: effectMs ?? 0 }));
}

async function acknowledgements(
  fleet: Fleet,
  id: string,
  isWanted: (ack: KillResult['acks'][number]) => boolean,
  count: number,
): Promise<KillResult['acks']> {
  let acks: KillResult['acks'] = [];
  const all = await until(
    async () => {
      acks = (await fleet.api.ask(endpoint('GET /v1/kills/:id', { id }), killSchema)).acks.filter(isWanted);
      return acks.length >= count;
    },
    ACK_DEADLINE_MS,
    100,
  );
  if (!all) throw new Error(`only ${acks.length} of ${count} acknowledged kill ${id}`);
  return acks;
}

function rowOf(name: string, q: number, { devices, plain, count }: Seen): Row {
  const of = (acks: readonly Ack[], field: keyof Ack): number => {
    const values = acks.map((ack) => ack[field]);
    return percentile(values, q);
  };
  const ours = of(devices, 'roundTripMs');
  const fanOut = of(plain, 'roundTripMs');
  // A frame that is not there yet cannot be answered: on average half an interval away, a whole one at most.
  const limit = fanOut + INTERVAL_MS * q;
  const kills = `${devices.length} acknowledgements of ${count} devices, cameras of ${FLEET_FPS} FPS`;
  const floor = `limit: ${count} plain clients that acknowledge at once (${fanOut.toFixed(0)} ms) + the wait for the next frame (${(INTERVAL_MS * q).toFixed(0)} ms), without any inference`;
  const onDevice = `of ours ${of(devices, 'effectMs').toFixed(0)} ms between arrival of the flag and the answer`;
  return {
    id: `kill.effect.${name}`,
    ours,
    limit,
    ratio: ours / limit,
    unit: 'ms',
    goal: '≤ 1.5',
    note: noteOf(kills, floor, onDevice, describeLoad()),
  };
}
