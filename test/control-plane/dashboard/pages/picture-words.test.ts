// What pages say about pictures of devices: why none can be asked for, what differs, and what became of an ask.
import { describe, expect, it } from 'vitest';
import {
  askText,
  differenceText,
  rankedFrames,
  reviewNotes,
  whyNoFrame,
} from '../../../../control-plane/dashboard/pages/parts/picture-words.ts';
import { picturesChange } from '../../../../control-plane/dashboard/pages/settings/settings-words.ts';
import type { SessionAnswer } from '../../../../shared/protocol/api-identity.ts';
import type { AskState, FramesAnswer, KeptPicture } from '../../../../shared/protocol/api-pictures.ts';
import { sentPicture } from '../../pictures/sent-picture.ts';

const device = { site: 'plant-a', device: 'cam-1', online: true, reported: { pictures: 'allowed' } } as never;
const on = { pictures: 'on' } as const;

function signedIn(role: 'viewer' | 'operator' | 'admin'): SessionAnswer {
  const identity = { name: 'ana', kind: 'person' as const, grants: [{ role, sites: ['plant-a'] }], mayKill: false };
  return { identity, csrf: null, expiresAtMs: null, open: false };
}

function kept(part: Partial<KeptPicture>): KeptPicture {
  return { ...sentPicture(), takenAtMs: 1000, ...part };
}

function answer(ask: Partial<AskState> | null, pictures: KeptPicture[] = [], name = 'cam-1'): FramesAnswer {
  const state = ask && { id: 'ask-0001', state: 'answered' as const, askedAtMs: 1, says: null, ...ask };
  return { site: 'plant-a', device: name, pictures, ask: state, policy: 'on', forgottenAtMs: null };
}

const found = (label: string, score: number, isDisputed: boolean) => ({ label, score, box: null, isDisputed });

describe('whyNoFrame', () => {
  it('is silent where an operator may ask, and says the first thing that hinders otherwise', () => {
    expect(whyNoFrame(device, on, signedIn('operator'))).toBeNull();
    expect(whyNoFrame(device, { pictures: 'off' }, signedIn('operator'))).toBe('pictures are off at plant-a');
    expect(whyNoFrame(device, on, signedIn('viewer'))).toContain('ana is not operator at plant-a');
    const like = (part: object) => whyNoFrame({ ...(device as object), ...part } as never, on, null);
    expect(like({ online: false })).toBe('it is offline');
    expect(like({ reported: {} })).toContain('too old');
    expect(like({ reported: { pictures: 'never' } })).toContain('configured');
  });
});

describe('differenceText', () => {
  it('says what the candidate lost and gained, the surest first', () => {
    const baseline = [found('dent', 0.6, true), found('scratch', 0.914, true), found('hole', 0.9, false)];
    const arms = [
      { arm: 'baseline' as const, release: 'a', objects: baseline },
      { arm: 'candidate' as const, release: 'b', objects: [found('hole', 0.9, false)] },
    ];
    expect(differenceText({ arms })).toBe('Lost: scratch 91 %, dent 60 %.');
    expect(differenceText({ arms: arms.map((arm) => ({ ...arm, objects: [] })) })).toContain('agree');
    expect(differenceText({ arms: arms.slice(0, 1) })).toContain('Only a');
  });
});

describe('a review', () => {
  it('ranks frames over all devices, and says who waits, who refused and who was not asked', () => {
    const devices = [
      answer({}, [kept({ disagreement: 1 }), kept({ disagreement: 0.6 })]),
      answer({ state: 'refused', says: 'no candidate shadows here now' }, [], 'cam-2'),
      answer({ state: 'asked' }, [kept({ disagreement: 3 })], 'cam-3'),
    ];
    expect(rankedFrames({ devices }).map(({ name, disagreement }) => [name, disagreement])).toEqual([
      ['plant-a/cam-3', 3],
      ['plant-a/cam-1', 1],
      ['plant-a/cam-1', 0.6],
    ]);
    expect(reviewNotes({ devices, notAsked: [{ why: 'offline', devices: 2 }] })).toEqual([
      'Waiting for 1 device: each looks for ten seconds the first time.',
      'plant-a/cam-2: It gave none: no candidate shadows here now.',
      'Not asked: 2 devices (offline).',
    ]);
  });
});

it('an ask that came to nothing says so, and one that was answered is silent beside its picture', () => {
  expect(askText(answer({ state: 'expired' }))).toContain('has not answered');
  expect(askText(answer({}))).toContain('forgotten');
  expect(askText(answer({}, [kept({})]))).toBeNull();
  expect(askText(answer(null))).toBeNull();
});

it('only an admin of the site changes what it allows, and always to the other side', () => {
  expect(picturesChange({ site: 'plant-a', pictures: 'off' }, signedIn('admin'))).toMatchObject({
    wanted: 'on',
    disabledBecause: null,
  });
  expect(picturesChange({ site: 'plant-a', pictures: 'on' }, signedIn('operator'))).toMatchObject({
    wanted: 'off',
    disabledBecause: 'ana is not admin at plant-a',
  });
});
