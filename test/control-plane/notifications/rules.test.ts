// The decisions of the notifications room: what an event is called, whom it is told, where it may go, when it is tried again.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNetwork, openAddressRule } from '../../../control-plane/notifications/address-rule.ts';
import { rolloutEvent } from '../../../control-plane/notifications/event-types.ts';
import { isWanted } from '../../../control-plane/notifications/notice.ts';
import { RETRY_DELAYS_MS, retryDelayMs } from '../../../control-plane/notifications/retry.ts';
import { send } from '../../../control-plane/notifications/send.ts';

describe('rolloutEvent', () => {
  it.each([
    ['start', 'draft', 'running', 'started'],
    ['start', 'draft', 'scheduled', 'decided'],
    ['start', 'scheduled', 'running', 'started'],
    ['promote', 'running', 'running', 'promoted'],
    ['promote', 'awaiting_approval', 'running', 'promoted'],
    ['extend', 'running', 'running', 'extended'],
    ['hold', 'running', 'holding', 'held'],
    ['rollback', 'running', 'holding', 'held'],
    ['wait', 'holding', 'running', 'resumed'],
    ['hold', 'running', 'awaiting_approval', 'signoff-needed'],
    ['approve', 'awaiting_approval', 'awaiting_approval', 'approved'],
    ['rollback', 'holding', 'rolling_back', 'rolling-back'],
    ['complete', 'running', 'completed', 'completed'],
    ['wait', 'rolling_back', 'rolled_back', 'rolled-back'],
    ['factory-back', 'holding', 'holding', 'decided'],
  ])('%s from %s to %s is %s', (kind, fromState, toState, name) => {
    expect(rolloutEvent({ kind, fromState, toState })).toBe(`dev.belay.rollout.${name}.v1`);
  });
});

describe('isWanted', () => {
  const notice = { type: 'dev.belay.kill.raised.v1', sites: ['plant-a'] } as const;
  it('asks for the type and for one of the sites; what concerns no site in particular concerns all', () => {
    expect(isWanted(notice, { events: '*', sites: '*' })).toBe(true);
    expect(isWanted(notice, { events: [notice.type], sites: ['plant-b', 'plant-a'] })).toBe(true);
    expect(isWanted(notice, { events: ['dev.belay.kill.rearmed.v1'], sites: '*' })).toBe(false);
    expect(isWanted(notice, { events: '*', sites: ['plant-b'] })).toBe(false);
    expect(isWanted({ ...notice, sites: '*' }, { events: '*', sites: ['plant-b'] })).toBe(true);
  });
});

describe('the address rule', () => {
  const rule = openAddressRule([]);
  it.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0.0.0.0:8080/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
    'http://255.255.255.255/',
    'file:///etc/passwd',
    'gopher://plant/',
    'not a url',
  ])('refuses %s', (url) => {
    expect(rule.refuseUrl(url)).not.toBeNull();
  });

  it('lets the networks of a plant and the world pass, and what is configured', () => {
    for (const url of [
      'https://hooks.example.com/x',
      'http://10.0.0.7/',
      'http://192.168.1.5:9000/',
      'http://[fd12::1]/',
    ])
      expect(rule.refuseUrl(url)).toBeNull();
    expect(openAddressRule(['127.0.0.0/8']).refuseUrl('http://127.0.0.1:1/')).toBeNull();
    expect(openAddressRule(['127.0.0.0/8']).refuseUrl('http://169.254.169.254/')).not.toBeNull();
    expect(['127.0.0.0/8', 'fe80::/10'].every(isNetwork)).toBe(true);
    expect(['127.0.0.1', '127.0.0.0/33', 'plant/8', '1.1.1.1/8/8'].some(isNetwork)).toBe(false);
  });

  it('looks at a name when it is resolved, not only at what is written', async () => {
    const clocks = { wallNow: () => 0, monotonicNow: () => 0, signal: new AbortController().signal };
    const letter = {
      url: 'http://localhost:9/',
      secret: `whsec_${btoa('x'.repeat(24))}`,
      eventId: 'evt_1',
      body: '{}',
    };
    const sent = await send(letter, { rule, timeoutMs: 2000, ...clocks });
    expect(sent).toMatchObject({ status: null, error: expect.stringContaining('localhost leads nowhere') });
  });
});

describe('retryDelayMs', () => {
  it('waits longer each time, spread by chance, and gives up after three days', () => {
    const options = { delaysMs: RETRY_DELAYS_MS, retryAfterMs: null };
    const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((tries) => retryDelayMs(tries, { ...options, chance: 0.5 }));
    expect(delays).toEqual(RETRY_DELAYS_MS);
    expect(retryDelayMs(10, { ...options, chance: 0.5 })).toBeNull();
    fc.assert(
      fc.property(fc.nat(8), fc.double({ min: 0, max: 1, noNaN: true }), (at, chance) => {
        const delay = retryDelayMs(at + 1, { ...options, chance }) ?? 0;
        const middle = RETRY_DELAYS_MS[at] ?? 0;
        return delay >= middle * 0.8 - 1 && delay <= middle * 1.2 + 1;
      }),
    );
  });

  it('has the patience that a receiver asks for, up to an hour', () => {
    const options = { delaysMs: [1000], chance: 0.5 };
    expect(retryDelayMs(1, { ...options, retryAfterMs: 60_000 })).toBe(60_000);
    expect(retryDelayMs(1, { ...options, retryAfterMs: 1e12 })).toBe(3_600_000);
  });
});
