// A document is read again when its text has changed, and only then.
import { expect, it } from 'vitest';
import { ReadShelf } from '../../../control-plane/devices/read-shelf.ts';

it('reads a text once for each place, and another text anew', () => {
  const shelf = new ReadShelf();
  let reads = 0;
  const read = (text: string) => {
    reads += 1;
    return { text };
  };
  const first = shelf.of('a', 'one', read);
  expect(shelf.of('a', 'one', read)).toBe(first);
  expect(shelf.of('b', 'one', read)).toEqual({ text: 'one' });
  expect(shelf.of('a', 'two', read)).toEqual({ text: 'two' });
  expect(shelf.of('a', null, read)).toBeNull();
  expect(reads).toBe(3);
});

it('keeps nothing of what cannot be read, and reads on when it is full', () => {
  const shelf = new ReadShelf();
  expect(() => shelf.of('a', '{', JSON.parse)).toThrow();
  expect(shelf.of('a', '{}', JSON.parse)).toEqual({});
  for (let at = 0; at < 10_000; at += 1) expect(shelf.of(`place ${at}`, String(at), Number)).toBe(at);
  expect(shelf.of('place 9999', '7', Number)).toBe(7);
});
