// Turns at dear work: never more at once than allowed, first come first served, and no source takes every place.
import { expect, it } from 'vitest';
import { Turns } from '../../../control-plane/identity/turns.ts';

const LIMITS = { atOnce: 2, waitingMax: 3, ofSourceMax: 4 };

/** Work that ends when it is told to. */
function open(limits = LIMITS) {
  const turns = new Turns(limits);
  const begun: string[] = [];
  const ends = new Map<string, { readonly end: () => void; readonly fail: () => void }>();
  const take = (name: string, source = name): Promise<void> =>
    turns.take(source, () => {
      begun.push(name);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      ends.set(name, { end: resolve, fail: () => reject(new Error(name)) });
      return promise;
    });
  return { turns, begun, take, ends };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

it('does so much at once; who waits is not under way, and comes in order', async () => {
  const { begun, take, ends, turns } = open();
  for (const name of ['a', 'b', 'c', 'd', 'e']) void take(name);
  await settle();
  expect(begun).toEqual(['a', 'b']);
  expect(turns.isFull('f')).toBe(true);
  ends.get('b')?.end();
  await settle();
  expect(begun).toEqual(['a', 'b', 'c']);
  expect(turns.isFull('f')).toBe(false);
  void take('f');
  for (const name of ['a', 'c', 'd', 'e']) {
    ends.get(name)?.end();
    await settle();
    expect(begun.length - ['b', 'a', 'c', 'd', 'e'].indexOf(name) - 1).toBeLessThanOrEqual(LIMITS.atOnce);
  }
  expect(begun).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});

it('gives a place back when the work fails', async () => {
  const { begun, take, ends } = open({ atOnce: 1, waitingMax: 1, ofSourceMax: 2 });
  const failed = take('a');
  void take('b');
  await settle();
  ends.get('a')?.fail();
  await expect(failed).rejects.toThrow('a');
  await settle();
  expect(begun).toEqual(['a', 'b']);
});

it('keeps places free for others while one source floods', async () => {
  const { begun, take, ends, turns } = open();
  for (let at = 0; at < LIMITS.ofSourceMax; at += 1) void take(`flood-${at}`, 'flood');
  expect(turns.isFull('flood')).toBe(true);
  expect(turns.isFull('on-call')).toBe(false);
  void take('on-call');
  for (let at = 0; at < LIMITS.ofSourceMax; at += 1) {
    await settle();
    ends.get(`flood-${at}`)?.end();
  }
  await settle();
  expect(begun).toContain('on-call');
  ends.get('on-call')?.end();
  await settle();
  expect(turns.isFull('flood')).toBe(false);
});
