// Which devices of a rollout's shadow are asked for disagreeing frames, and how many pictures lie around.
import { describe, expect, it } from 'vitest';
import { PictureShelf } from '../../../control-plane/pictures/picture-shelf.ts';
import type { Pictures, Wish } from '../../../control-plane/pictures/pictures.ts';
import { askForReview } from '../../../control-plane/pictures/review.ts';
import { sentPicture } from './sent-picture.ts';

const shadow = (rolloutId = 'ro-1', role = 'shadow') => ({ rolloutId, role, digest: 'c'.repeat(64) });

function fleet(count: number) {
  const devices = Array.from({ length: count }, (_, at) => ({
    site: at % 2 === 0 ? 'plant-a' : 'plant-b',
    device: `cam-${String(at).padStart(2, '0')}`,
    desiredCandidate: shadow(),
  }));
  const asked: string[] = [];
  const pictures = {
    askedAtMs: ({ device }: { device: string }) => (device < 'cam-04' ? 1000 : 0),
    ask: async ({ address, shadow: wanted }: Wish) => {
      if (address.device === 'cam-05') return { kind: 'refused', problem: 'device-away', reason: 'x', why: 'offline' };
      asked.push(`${address.device} ${wanted?.rolloutId}`);
      return { kind: 'ask', boot: 'b' };
    },
    framesOf: (address: object) => ({ ...address, pictures: ['kept'], ask: null }),
  } as unknown as Pictures;
  const presence = { list: () => devices } as unknown as Parameters<typeof askForReview>[0]['presence'];
  return { devices, asked, parts: { pictures, presence } };
}

const review = { rolloutId: 'ro-1', actor: 'ana', reason: 'look', isAllowed: () => true };

describe('askForReview', () => {
  it('asks a few at a time, those that were asked longest ago first, and says who was not asked and why', async () => {
    const { asked, parts } = fleet(18);
    const answer = await askForReview(parts, review);
    expect(asked).toHaveLength(12);
    expect(asked.some((name) => name < 'cam-04')).toBe(false);
    expect(answer.notAsked).toEqual([
      { why: 'offline', devices: 1 },
      { why: '12 are asked at a time', devices: 5 },
    ]);
    // What was kept before is not shown without a look of its own.
    expect(answer.devices.every(({ pictures }) => pictures.length === 0)).toBe(true);
  });

  it('leaves out other rollouts, devices that do not shadow, and sites where the asker does not operate', async () => {
    const { devices, asked, parts } = fleet(4);
    Object.assign(devices[0] ?? {}, { desiredCandidate: shadow('ro-2') });
    Object.assign(devices[2] ?? {}, { desiredCandidate: shadow('ro-1', 'serve') });
    const answer = await askForReview(parts, { ...review, isAllowed: (site) => site !== 'plant-b' });
    expect(asked).toEqual([]);
    expect(answer.notAsked).toEqual([{ why: 'you may not see pictures of plant-b', devices: 2 }]);
  });
});

describe('the shelf', () => {
  const set = (device: string, jpeg = sentPicture().jpeg) => {
    const picture = { ...sentPicture({ jpeg }), takenAtMs: 1 };
    return { site: 'plant-a', device, kind: 'last-frame' as const, rolloutId: null, pictures: [picture] };
  };

  it('keeps the newest of a device, and no more than fits in its memory', () => {
    const shelf = new PictureShelf();
    const large = `/9j/${'A'.repeat(20 * 1024 * 1024)}`;
    for (const name of ['cam-1', 'cam-2', 'cam-1', 'cam-3', 'cam-4']) shelf.put(set(name, large), 0);
    const kept = ['cam-1', 'cam-2', 'cam-3', 'cam-4'].filter(
      (device) => shelf.get({ site: 'plant-a', device }, 'last-frame') !== null,
    );
    expect(kept).toEqual(['cam-1', 'cam-3', 'cam-4']);
    shelf.forgetSite('plant-a');
    expect(shelf.get({ site: 'plant-a', device: 'cam-4' }, 'last-frame')).toBeNull();
  });
});
