// What both releases said of the same frames, by class.
import { expect, it } from 'vitest';
import { addShadow } from '../../../control-plane/core/shadow-sum.ts';
import { pairedOf } from './builders.ts';

it('adds up classes over windows, the ones that disagree most first', () => {
  const windowAt = (device: string, startAtMs: number, lost: number) => ({
    site: 'plant-a',
    device,
    startAtMs,
    endAtMs: startAtMs + 60_000,
    paired: pairedOf([
      { class: 'dent', base: 10, lost: 0 },
      { class: 'crack', base: 5, lost },
    ]),
  });
  const shadow = addShadow([windowAt('d1', 0, 2), windowAt('d2', 60_000, 1)], true);
  expect(shadow).toMatchObject({ windows: 2, devices: 2, fromMs: 0, toMs: 120_000, isPartial: true });
  expect(shadow?.classes.map(({ class: name }) => name)).toEqual(['crack', 'dent']);
  expect(shadow?.classes[0]).toMatchObject({ baselineConfident: 10, lost: 3, agreed: 7 });
  expect(addShadow([], false)).toBeNull();
});
