// The pure parts of a page's stream: what to do with a batch, how lists take changes, when to try again, when to be loud.
import { describe, expect, test } from 'vitest';
import { backOffMs } from '../../../control-plane/dashboard/live/back-off.ts';
import { mergeById } from '../../../control-plane/dashboard/live/merge.ts';
import { judgeBatch, settleWaiting, WAITING_MAX } from '../../../control-plane/dashboard/live/mirror.ts';
import { pressed } from '../../../control-plane/dashboard/shell/shortcuts.ts';
import { streamTrouble } from '../../../control-plane/dashboard/shell/spans.ts';
import type { LiveBatch } from '../../../shared/protocol/api-live.ts';

const batch = (after: number, revision: number, instance = 'one'): LiveBatch => {
  return { instance, after, revision, nowMs: 0, changes: [] };
};

describe('a batch', () => {
  const held = { instance: 'one', revision: 10 };

  test.each([
    ['the next one is taken', batch(10, 11), 'take'],
    ['one that was read already is left', batch(9, 10), 'known'],
    ['one that reaches back over what was read is taken: its values are whole', batch(7, 12), 'take'],
    ['one after a hole means reading again', batch(11, 12), 'gap'],
    ['one of another life means reading again', batch(0, 1, 'two'), 'gap'],
  ])('%s', (_, next, judged) => {
    expect(judgeBatch(held, next)).toBe(judged);
  });

  test('nothing is taken before the first reading', () => {
    expect(judgeBatch(null, batch(0, 1))).toBe('gap');
  });

  test('those that waited for a reading are taken in order, without what it held', () => {
    const settled = settleWaiting(held, [batch(8, 9), batch(9, 11), batch(11, 12)]);
    expect(settled.take.map(({ revision }) => revision)).toEqual([11, 12]);
    expect(settled).toMatchObject({ held: { revision: 12 }, hasGap: false });
  });

  test('a hole among them, or too many of them, means reading again', () => {
    expect(settleWaiting(held, [batch(10, 11), batch(12, 13)])).toMatchObject({ held: { revision: 11 }, hasGap: true });
    const many = Array.from({ length: WAITING_MAX }, (_, at) => batch(10 + at, 11 + at));
    expect(settleWaiting(held, many).hasGap).toBe(true);
  });
});

test('a list takes what is new first, keeps places, drops what is gone, and stays itself without changes', () => {
  const items = [
    { id: 'a', n: 1 },
    { id: 'b', n: 1 },
  ];
  expect(mergeById(items, [])).toBe(items);
  const changes = [
    { id: 'b', value: { id: 'b', n: 2 } },
    { id: 'a', value: null },
    { id: 'c', value: { id: 'c', n: 1 } },
    { id: 'd', value: null },
  ];
  expect(mergeById(items, changes)).toEqual([
    { id: 'c', n: 1 },
    { id: 'b', n: 2 },
  ]);
});

test('each attempt waits longer, up to half a minute, and never at the same moment as all others', () => {
  expect(backOffMs(0, 1)).toBe(1000);
  expect(backOffMs(0, 0)).toBe(500);
  expect(backOffMs(3, 1)).toBe(8000);
  expect(backOffMs(50, 1)).toBe(30_000);
});

describe('the stream is loud', () => {
  const openedAtMs = 1_000_000;

  test('not while it is only beginning, and not between two beats', () => {
    const facts = { openedAtMs, lastNewsAtMs: null, state: 'connecting', nowMs: openedAtMs + 1000 } as const;
    expect(streamTrouble(facts)).toBeNull();
    expect(streamTrouble({ ...facts, state: 'live', lastNewsAtMs: openedAtMs, nowMs: openedAtMs + 6000 })).toBeNull();
  });

  test('when it is down, when it is silent though it seems to stand, and when it never began', () => {
    const facts = { openedAtMs, lastNewsAtMs: openedAtMs, nowMs: openedAtMs + 13_000 };
    expect(streamTrouble({ ...facts, state: 'live' })).toContain('No news since 13 s');
    expect(streamTrouble({ ...facts, state: 'down', nowMs: openedAtMs + 2000 })).toContain('No news since 2 s');
    expect(streamTrouble({ ...facts, state: 'connecting', lastNewsAtMs: null })).toContain('does not answer');
  });
});

test('keys: g and a letter go to a page, others act at once, and a stray letter does nothing', () => {
  const pages = [{ key: 'r', path: '/rollouts' }];
  expect(pressed('g', false, pages)).toEqual({ shortcut: null, isLeading: true });
  expect(pressed('r', true, pages).shortcut).toEqual({ kind: 'go', path: '/rollouts' });
  expect(pressed('r', false, pages).shortcut).toBeNull();
  expect(pressed('?', false, pages).shortcut).toEqual({ kind: 'help' });
  expect(pressed('x', true, pages)).toEqual({ shortcut: null, isLeading: false });
});
