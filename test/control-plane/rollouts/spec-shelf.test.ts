// The shelf of read rollout files: each text is read once, and a text of another hash is never answered with it.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { hashText } from '../../../control-plane/rollouts/hashes.ts';
import { SpecShelf } from '../../../control-plane/rollouts/spec-shelf.ts';

const TEXT = readFileSync(new URL('../../../scripts/examples/plans/plan-1-detector.yaml', import.meta.url), 'utf8');
const fileOf = (fileText: string) => ({ fileText, fileHash: hashText(fileText) });

it('reads a text once, and keeps texts apart', () => {
  const shelf = new SpecShelf();
  const spec = shelf.of(fileOf(TEXT));
  expect(spec?.stages.map(({ name }) => name)).toContain('shadow');
  expect(shelf.of(fileOf(TEXT))).toBe(spec);
  const other = shelf.of(fileOf(TEXT.replace('name: quarter', 'name: some')));
  expect(other?.stages.map(({ name }) => name)).toContain('some');
  expect(shelf.of(fileOf('no: rollout'))).toBeNull();
  expect(shelf.of(fileOf(TEXT))).toBe(spec);
});

it('forgets what was asked for longest ago', () => {
  const shelf = new SpecShelf();
  const spec = shelf.of(fileOf(TEXT));
  const kept = shelf.of(fileOf(`${TEXT}# kept`));
  for (let number = 0; number < 999; number += 1) shelf.of(fileOf(`- ${number}`));
  expect(shelf.of(fileOf(`${TEXT}# kept`))).toBe(kept);
  expect(shelf.of(fileOf(TEXT))).not.toBe(spec);
});
