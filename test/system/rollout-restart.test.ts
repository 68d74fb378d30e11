// A control plane that dies in the middle of a stage and comes back goes on where its record says: nothing is decided twice,
// no device is moved back and forth, and all end where the rollout ends. Then what those devices see, when somebody asks.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../scripts/fleet/fleet.ts';
import { endpoint } from '../../shared/protocol/address.ts';
import { framesAnswerSchema, type RolloutFrames, rolloutFramesSchema } from '../../shared/protocol/api-pictures.ts';
import type { RolloutView } from '../../shared/protocol/api-rollouts.ts';
import { auditCheckSchema } from '../../shared/protocol/api-status.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { detectionsOf } from '../../shared/release/answers.ts';
import { renamed } from './releases.ts';
import { DEADLINE_MS, openWorld, type World } from './world.ts';

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

describe('what devices see', () => {
  it('is shown to nobody until the site allows it, then to who asks: the very frame that was answered, with its boxes', async () => {
    const file = path.join(world.folder, 'frame.jpg');
    const off = await world.belay('device', 'frame', 'plant-a/cam-a1', '-o', file);
    expect([off.code, off.stderr]).toEqual([4, expect.stringContaining('pictures are off at plant-a')]);
    expect(existsSync(file)).toBe(false);
    const allowed = await world.belay('site', 'set', 'plant-a', '--pictures', 'on', '--reason', 'review', '--yes');
    expect(allowed.stdout).toContain('plant-a: pictures on');
    const frame = await world.belay('device', 'frame', 'plant-a/cam-a1', '-o', file, '--json');
    expect(frame.stderr).toBe('');
    const { pictures } = framesAnswerSchema.parse(JSON.parse(frame.stdout));
    const [picture] = pictures;
    const { width, height } = await sharp(readFileSync(file)).metadata();
    expect([width, height]).toEqual([picture?.width, picture?.height]);
    const answer = world.answers('cam-a1').find(({ request_id }) => request_id === picture?.requestId);
    const told = answer?.answer ? detectionsOf(answer.answer).map(({ label, box }) => ({ label, box })) : null;
    expect(
      picture?.arms.map(({ release, objects }) => [release, objects.map(({ label, box }) => ({ label, box }))]),
    ).toEqual([[answer?.model_version, told]]);
  });

  it('includes frames in which a shadow differs, from every device that shadows, largest difference kept', async () => {
    const other = await world.releases.register('cv-detector/2.0.0');
    const stages = [
      { name: 'shadow', percent: 100, mode: 'shadow', bake: '10m', promote: 'manual' },
      { name: 'all', percent: 100, mode: 'serve', bake: '10m', promote: 'manual' },
    ];
    const id = await world.releases.startRollout({ name: 'review', candidate: other, stages });
    for (const device of DEVICES)
      await world.awaitDevice(device, 'shadows', ({ reported }) => reported?.phase === 'shadow');
    const committed = (await world.device('cam-a1')).reported?.committed;
    let seen: RolloutFrames | null = null;
    const hasBoth = () => seen?.devices.filter(({ pictures }) => pictures.length > 0).length === DEVICES.length;
    await until(async () => {
      const isAsking = seen?.devices.some(({ ask }) => ask?.state === 'asked') ?? false;
      if (!isAsking)
        await world.fleet.api.ask(endpoint('POST /v1/rollouts/:id/frames', { id }), rolloutFramesSchema, {});
      seen = await world.fleet.api.ask(endpoint('GET /v1/rollouts/:id/frames', { id }), rolloutFramesSchema);
      return hasBoth();
    }, DEADLINE_MS);
    expect(JSON.stringify(seen).slice(0, hasBoth() ? 0 : 2000)).toBe('');
    for (const { pictures } of (seen as RolloutFrames | null)?.devices ?? []) {
      for (const { arms, disagreement } of pictures) {
        expect(arms.map(({ arm, release }) => [arm, release])).toEqual([
          ['baseline', committed?.release],
          ['candidate', other.release],
        ]);
        expect(arms.some(({ objects }) => objects.some(({ isDisputed }) => isDisputed))).toBe(true);
        expect(disagreement).toBeGreaterThan(0);
      }
      const sizes = pictures.map(({ disagreement }) => disagreement);
      expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    }
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
