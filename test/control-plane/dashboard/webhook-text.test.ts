// The words of the webhooks section.
import { describe, expect, it } from 'vitest';
import {
  longEvent,
  outcomeText,
  readList,
  stateText,
  wantedText,
} from '../../../control-plane/dashboard/pages/webhook-text.ts';
import type { Delivery, Webhook } from '../../../shared/protocol/api-webhooks.ts';

const WEBHOOK: Webhook = {
  id: 'w-1',
  url: 'https://example.com/hook',
  description: '',
  events: '*',
  sites: '*',
  createdAtMs: 0,
  createdBy: 'admin',
  disabledAtMs: null,
  disabledBecause: null,
  waiting: 0,
  dead: 0,
  lastDeliveredAtMs: null,
  trouble: null,
};
const ATTEMPT = { number: 3, atMs: 0, tookMs: 12.4, status: 503, error: 'answered 503', answer: '' };

describe('the webhooks section', () => {
  it('says what is wanted', () => {
    expect(wantedText(WEBHOOK)).toBe('everything, every site');
    const wanted = { events: ['dev.belay.kill.raised.v1' as const], sites: ['plant-a'] };
    expect(wantedText(wanted)).toBe('kill.raised, at plant-a');
    expect(longEvent('kill.raised')).toBe(wanted.events[0]);
    expect(readList(' , ')).toBe('*');
    expect(readList('plant-a, plant-b')).toEqual(['plant-a', 'plant-b']);
  });

  it('says how it goes, worst first', () => {
    expect(stateText(WEBHOOK)).toBe('ok');
    expect(stateText({ ...WEBHOOK, waiting: 2, dead: 1 })).toBe('ok (2 waiting, 1 dead)');
    expect(stateText({ ...WEBHOOK, trouble: 'answered 503', waiting: 2 })).toBe('failing: answered 503 (2 waiting)');
    const off = { disabledAtMs: 1, disabledBecause: 'admin: moved', trouble: 'answered 503' };
    expect(stateText({ ...WEBHOOK, ...off })).toBe('disabled: admin: moved');
  });

  it('says what came of a delivery', () => {
    const delivery: Delivery = {
      id: 7,
      eventId: 'evt_1',
      type: 'dev.belay.kill.raised.v1',
      subject: 'kill/k-1',
      createdAtMs: 0,
      state: 'waiting',
      attempts: 3,
      nextAtMs: 5,
      settledAtMs: null,
      log: [ATTEMPT],
    };
    expect(outcomeText(delivery)).toBe('waiting: answered 503 after 12 ms (3 attempts)');
    expect(outcomeText({ ...delivery, attempts: 0, log: [] })).toBe('waiting for its first attempt');
  });
});
