// A control plane that dies in the middle of a stage and comes back goes on where its record says: nothing is decided twice,
// no device is moved back and forth, and all end where the rollout ends.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpoint } from '../../shared/protocol/address.ts';
import type { RolloutView } from '../../shared/protocol/api-rollouts.ts';
import { auditCheckSchema } from '../../shared/protocol/api-status.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { renamed } from './releases.ts';
import { openWorld, type World } from './world.ts';

const DEVICES = ['cam-a1', 'cam-a2'] as const;
const STAGES = [
  { name: 'half', percent: 50, mode: 'serve', bake: '4s', extend: '20x2s' },
  { name: 'full', percent: 100, mode: 'serve', bake: '4s', extend: '20x2s' },
];

let world: World;
let candidate: ReleaseRef;

beforeAll(async () => {
  world = await openWorld({ devices: ['plant-a/cam-a1', 'plant-a/cam-a2'] });
  candidate = await world.releases.derive('1.9.0', renamed('restart'));
});

afterAll(() => world?.close());

describe('a rollout whose control plane is killed in the middle of each stage', () => {
  it('goes on, decides nothing twice, and ends with every device on the candidate', async () => {
    const id = await world.releases.startRollout({ name: 'restart', candidate, stages: STAGES });
    const half = await crashWhile(id, 'half', 1);
    const exposed = half.devices.filter((device) => device.arm === 'candidate').map((device) => device.device);
    expect(exposed).toHaveLength(1);
    const full = await crashWhile(id, 'full', 2);
    expect(full.devices.filter((device) => device.arm === 'candidate')).toHaveLength(2);
    const ended = await world.releases.awaitRollout(id, 'is completed', (view) => view.state === 'completed');

    const decisions = ended.decisions.toSorted((a, b) => a.seq - b.seq);
    expect(decisions.map(({ seq }) => seq)).toEqual(decisions.map((_, index) => index + (decisions[0]?.seq ?? 0)));
    const of = (kind: string) => decisions.filter((decision) => decision.kind === kind).map(({ stage }) => stage);
    expect(of('start')).toEqual(['half']);
    expect(of('promote')).toEqual(['half']);
    expect(of('rollback')).toEqual([]);
    // What was decided before a crash is on record after it, word for word.
    for (const before of [half, full])
      for (const decision of before.decisions)
        expect(ended.decisions.find(({ seq }) => seq === decision.seq)).toEqual(decision);

    for (const device of DEVICES) {
      const known = await world.awaitDevice(device, 'has committed the candidate', ({ reported }) => {
        return reported?.committed?.digest === candidate.digest && reported.candidate === null;
      });
      expect(known.desired).toMatchObject({ baseline: { digest: candidate.digest }, candidate: null });
      expect(changesOf(device)).toEqual([candidate.digest]);
    }
    expect(await world.fleet.api.ask(endpoint('GET /v1/audit/verify'), auditCheckSchema)).toMatchObject({
      kind: 'intact',
    });
  });
});

/** Kills the control plane while the stage bakes with that many devices exposed, and starts it again; what it said before. */
async function crashWhile(id: string, stage: string, exposed: number): Promise<RolloutView> {
  const view = await world.releases.awaitRollout(id, `bakes stage ${stage} on ${exposed} devices`, (current) => {
    return current.stage === stage && current.phase === 'baking' && current.exposure.exposed === exposed;
  });
  await world.crashControlPlane();
  await world.fleet.restartControlPlane();
  return view;
}

/** The releases that took over on this device after the first one, in order: one entry for each change of hands. */
function changesOf(device: string): readonly string[] {
  const digests = world.answers(device).map((answer) => answer.model_digest);
  return digests.filter((digest, index) => index > 0 && digest !== digests[index - 1]);
}
