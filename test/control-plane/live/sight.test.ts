// Who may see one factory only sees its devices, and the rollouts, incidents and kills that reach it; for as long as they may.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isSeen, readTopics, seenSnapshot, sightOf, sitesSeenBy } from '../../../control-plane/live/sight.ts';
import type { LiveChange, LiveSnapshot } from '../../../shared/protocol/api-live.ts';
import { openSignedPlane, type SignedPlane } from '../identity/signed-plane.ts';
import { readEvents } from './event-reader.ts';

let plane: SignedPlane;

beforeAll(async () => {
  plane = await openSignedPlane();
});
afterAll(() => plane.close());

const SITES = new Set(['plant-a']);
const sitesOf = (rolloutId: string) => new Set(rolloutId === 'ro-a' ? ['plant-a', 'plant-b'] : ['plant-b']);

test.each<[string, Pick<LiveChange, 'resource' | 'id'> & { value: unknown }, boolean]>([
  ['its device', { resource: 'device', id: 'plant-a/cam-1', value: null }, true],
  [
    'a device of another factory whose name begins alike',
    { resource: 'device', id: 'plant-a2/cam-1', value: null },
    false,
  ],
  ['a rollout that has a device there', { resource: 'rollout', id: 'ro-a', value: {} }, true],
  ['a rollout elsewhere', { resource: 'rollout', id: 'ro-b', value: {} }, false],
  ['an incident of a rollout elsewhere', { resource: 'incident', id: 'i', value: { rolloutId: 'ro-b' } }, false],
  ['a kill of the fleet', { resource: 'kill', id: 'k', value: { scope: { kind: 'fleet' } } }, true],
  ['a kill elsewhere', { resource: 'kill', id: 'k', value: { scope: { kind: 'site', site: 'plant-b' } } }, false],
  [
    'a kill of a rollout elsewhere',
    { resource: 'kill', id: 'k', value: { scope: { kind: 'rollout', rolloutId: 'ro-b' } } },
    false,
  ],
])('somebody of one factory and %s', (_, change, isShown) => {
  const all = readTopics(undefined);
  if (all.kind !== 'topics') throw new Error('no topics');
  expect(isSeen(sightOf(all.topics, SITES), change as LiveChange, sitesOf)).toBe(isShown);
  expect(isSeen(sightOf(all.topics, '*'), change as LiveChange, sitesOf)).toBe(true);
});

test('a snapshot is cut alike, and roles everywhere see everything', () => {
  const whole = { devices: [{ site: 'plant-a' }, { site: 'plant-b' }], rollouts: [{ id: 'ro-a' }, { id: 'ro-b' }] };
  const cut = seenSnapshot({ ...whole, kills: [], incidents: [] } as unknown as LiveSnapshot, SITES, sitesOf);
  expect(cut.devices.map(({ site }) => site)).toEqual(['plant-a']);
  expect(cut.rollouts.map(({ id }) => id)).toEqual(['ro-a']);
  expect(sitesSeenBy({ grants: [{ role: 'viewer', sites: '*' }], mayKill: false })).toBe('*');
});

test('nobody gets no stream, and who signs out loses it with the next heartbeat', async () => {
  expect((await plane.nobody.ask('GET', '/v1/live')).status).toBe(401);
  const viewer = await plane.newPerson('vera', [{ role: 'viewer', sites: ['plant-a'] }]);
  const reader = await readEvents(`${plane.url}/v1/events`, { ...viewer.headers });
  expect(reader.response.status).toBe(200);
  await expect.poll(() => reader.events.length).toBeGreaterThan(0);
  await viewer.ask('DELETE', '/v1/session');
  await expect.poll(() => reader.hasEnded()).toBe(true);
});
