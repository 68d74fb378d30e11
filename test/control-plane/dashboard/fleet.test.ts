// The pure parts of the fleet page: the first sentence, what needs somebody, what the address chooses, and how it is counted.
import { describe, expect, test } from 'vitest';
import { LIVE_CONDITIONS } from '../../../control-plane/dashboard/pages/fleet/condition-names.ts';
import { CONDITIONS } from '../../../control-plane/dashboard/pages/fleet/conditions.ts';
import { countFactories } from '../../../control-plane/dashboard/pages/fleet/counts.ts';
import { addressOf, isShown, readFilter, sorted } from '../../../control-plane/dashboard/pages/fleet/filter.ts';
import {
  type Fleet,
  lastEnded,
  needsOf,
  summarySentence,
} from '../../../control-plane/dashboard/pages/fleet/summary.ts';
import { tellDevice } from '../../../control-plane/dashboard/pages/fleet/words.ts';
import { type LiveDevice, LIVE_CONDITIONS as ON_THE_WIRE } from '../../../shared/protocol/api-live.ts';

const CANDIDATE = { release: 'cv-detector:2.0.0+data=b4f7a1', digest: 'b'.repeat(64) };

function device(name: string, part: Partial<LiveDevice> = {}): LiveDevice {
  return {
    site: 'plant-a',
    device: name,
    hardwareClass: 'orin-nx',
    line: 'line-1',
    online: true,
    lastSeenAtMs: 1,
    condition: 'ok',
    because: '',
    release: 'cv-detector:1.8.2+data=b4f7a1',
    role: 'baseline',
    fps: 10,
    p95Ms: 21.4,
    temperatureC: 52,
    batteryPct: null,
    windowAtMs: 1,
    ...part,
  };
}

const calm: Fleet = { devices: [device('a'), device('b')], rollouts: [], kills: [], incidents: [] };
const rollout = {
  id: 'ro-1',
  name: 'detector-2',
  state: 'running',
  phase: 'baking',
  killed: null,
  candidate: CANDIDATE,
  status: 'baking: 3 of 10 min',
  stage: 'candidate',
  stageIndex: 1,
  stageCount: 4,
  createdAtMs: 1,
  endedAtMs: null,
  owner: 'vision-team',
  sites: ['plant-a'] as string[],
  nextDecisionAtMs: null,
} as const;
const incident = {
  id: 'i-1',
  rolloutId: 'ro-1',
  rolloutName: 'detector-2',
  kind: 'held',
  title: 'p95 +26 %, limit +20 %',
  candidate: CANDIDATE,
  openedAtMs: 1,
  closedAtMs: null,
  closedBecause: null,
  rollForward: null,
} as const;

const sentence = (fleet: Fleet): string => summarySentence(fleet, needsOf(fleet));

describe('the first sentence', () => {
  test('of a calm fleet, with a rollout that has ended', () => {
    const fleet: Fleet = { ...calm, rollouts: [rollout, { ...rollout, id: 'ro-0', state: 'completed' }] };
    expect(sentence(fleet)).toBe('2 of 2 devices online; 1 rollout running; nothing needs you.');
  });

  test('tells what needs somebody from what is worth a look', () => {
    const gone = device('c', { online: false, condition: 'offline', because: 'not connected' });
    expect(sentence({ ...calm, devices: [...calm.devices, gone] })).toBe(
      '2 of 3 devices online; no rollout running; nothing needs you, 1 thing is worth a look.',
    );
    const halted = device('d', { condition: 'halted', because: 'all failed' });
    expect(sentence({ ...calm, devices: [halted, gone] })).toContain('1 thing needs you.');
  });
});

describe('what needs somebody', () => {
  test('is listed worst first, each with where to go', () => {
    const devices = [
      device('a', { condition: 'hot', because: 'throttled' }),
      device('b', { condition: 'halted', because: 'all failed' }),
      device('c', { condition: 'offline' }),
      device('d', { condition: 'offline' }),
    ];
    const kill = {
      id: 'k-1',
      scope: { kind: 'site', site: 'plant-a' } as const,
      reason: 'smoke',
      actor: 'ana',
      epoch: 1,
      raisedAtMs: 1,
      active: true,
      clearedAtMs: null,
      clearedBy: null,
      clearedReason: null,
    };
    const held = { ...rollout, state: 'holding', status: 'p95 is 26 % up' } as const;
    const needs = needsOf({
      devices,
      rollouts: [held],
      kills: [kill, { ...kill, id: 'k-0', active: false }],
      incidents: [incident],
    });
    expect(needs.map(({ kind, text, href }) => [kind, text, href])).toEqual([
      ['act', 'Kill of plant-a by ana is in force: smoke. Re-arm when it is safe.', '/kill/k-1'],
      ['act', 'plant-a/b is halted: all failed', '/devices/plant-a/b'],
      ['act', 'detector-2 is held: p95 is 26 % up', '/rollouts/ro-1'],
      ['look', '2 devices are offline', '/?condition=offline&view=list'],
      ['look', 'plant-a/a is hot: throttled', '/devices/plant-a/a'],
    ]);
  });

  test('what the last rollout came to is told while none is under way', () => {
    const [first, second] = [5, 9].map((endedAtMs) => ({ ...rollout, state: 'rolled_back' as const, endedAtMs }));
    if (!first || !second) throw new Error('no rollouts');
    expect(lastEnded({ rollouts: [first, second] })).toBe(second);
    expect(lastEnded({ rollouts: [first, rollout] })).toBeNull();
    expect(lastEnded({ rollouts: [] })).toBeNull();
  });

  test('an incident whose rollout goes on is told by itself until somebody closes it', () => {
    expect(needsOf({ ...calm, incidents: [incident] })).toMatchObject([{ href: '/incidents/i-1' }]);
    expect(needsOf({ ...calm, incidents: [{ ...incident, closedAtMs: 2 }] })).toEqual([]);
  });
});

describe('what the address chooses', () => {
  test('goes there and back', () => {
    const address = '/?site=plant-a&condition=trouble&search=cam&view=list&sort=-p95';
    expect(addressOf(readFilter(Object.fromEntries(new URLSearchParams(address.slice(2)))))).toBe(address);
    expect(addressOf(readFilter({}))).toBe('/');
    expect(addressOf(readFilter({ kiosk: '1', site: 'plant-a' }))).toBe('/?site=plant-a&kiosk=1');
    expect(readFilter({ sort: '-weather', condition: 'sleepy', view: 'map' })).toMatchObject({
      sort: 'condition',
      condition: '',
      view: 'wall',
    });
  });

  test('by place, by trouble and by part of a word', () => {
    const hot = device('cam-7', { condition: 'hot', because: 'throttled', line: null });
    expect(isShown(readFilter({ condition: 'trouble' }), hot)).toBe(true);
    expect(isShown(readFilter({ condition: 'trouble' }), device('b'))).toBe(false);
    expect(isShown(readFilter({ search: 'PLANT-A/CAM' }), hot)).toBe(true);
    expect(isShown(readFilter({ line: 'line-1' }), hot)).toBe(false);
    expect(isShown(readFilter({ hardware: 'unknown' }), device('c', { hardwareClass: null }))).toBe(true);
  });

  test('sorts, and what is not known comes last either way', () => {
    const devices = [device('a', { fps: null }), device('b', { fps: 4 }), device('c', { fps: 9 })];
    const order = (sort: string) => sorted(devices, readFilter({ sort })).map((each) => each.device);
    expect(order('fps')).toEqual(['b', 'c', 'a']);
    expect(order('-fps')).toEqual(['c', 'b', 'a']);
  });
});

test('a factory is counted by condition, release and hardware, and names its worst device', () => {
  const [factory, ...others] = countFactories([
    device('a'),
    device('b', { condition: 'slow', because: 'p95 41 ms', release: CANDIDATE.release, role: 'candidate' }),
    device('c', { condition: 'offline', online: false, hardwareClass: null }),
  ]);
  expect(others).toEqual([]);
  expect(factory).toMatchObject({ site: 'plant-a', devices: 3, online: 2, onTrial: 1, worst: { device: 'c' } });
  expect(factory?.hardware.map(({ hardwareClass, ids }) => [hardwareClass, ids.length])).toEqual([
    ['orin-nx', 2],
    ['unknown', 1],
  ]);
  expect(factory?.releases.map(({ devices }) => devices)).toEqual([2, 1]);
});

test('conditions are those of the wire, in its order, each with a shape of its own', () => {
  expect(LIVE_CONDITIONS).toEqual(ON_THE_WIRE);
  const shapes = Object.values(CONDITIONS).map(({ corners }) => JSON.stringify(corners));
  expect(new Set(shapes).size).toBe(shapes.length);
});

test('a device in a line: state and reason first, then numbers with units', () => {
  const told = tellDevice(
    device('cam-1', { condition: 'hot', because: 'throttled', role: 'candidate', batteryPct: 80 }),
  );
  expect(told).toBe(
    'plant-a/cam-1: hot, throttled. cv-detector:1.8.2 (candidate) · 10.0 fps · p95 21 ms · 52 °C · battery 80 % · line-1, orin-nx',
  );
});
