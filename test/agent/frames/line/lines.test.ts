// What the demo lines hold is counted here, so that a change of the generator cannot quietly empty a demo of its evidence.
import { describe, expect, it } from 'vitest';
import { CONDITION_NAMES } from '../../../../agent/frames/line/conditions.ts';
import {
  conditionOf,
  countLineDefects,
  lineNamed,
  loopRequestOf,
  PRODUCTION_LINES,
} from '../../../../agent/frames/line/lines.ts';
import { loopKey } from '../../../../agent/frames/line/loop.ts';
import { renderFrame } from '../../../../agent/frames/line/scene.ts';

const counts = new Map(PRODUCTION_LINES.map((line) => [line.name, countLineDefects(line)]));

describe('the production lines', () => {
  it('can tell a crack-blind model from a good one on at least six lines', () => {
    const telling = [...counts.values()].filter(
      ({ perClass, smallCracks, strongCracks }) =>
        smallCracks >= 3 && perClass['micro-crack'] >= 8 && strongCracks >= 5,
    );
    expect(telling.length).toBeGreaterThanOrEqual(6);
  });

  it('include one where no crack exists, but other defects do', () => {
    const covers = counts.get('covers-1')!;
    expect(covers.perClass['micro-crack']).toBe(0);
    expect(covers.smallCracks).toBe(0);
    expect(covers.perClass.scratch + covers.perClass.dent + covers.perClass.spill).toBeGreaterThan(8);
  });

  it('hold what they were chosen for', () => {
    const table = [...counts].map(
      ([name, { perClass, smallCracks }]) => `${name} ${Object.values(perClass).join('/')} small ${smallCracks}`,
    );
    expect(table).toMatchInlineSnapshot(`
      [
        "brackets-1 1/3/13/0 small 11",
        "brackets-2 3/1/10/2 small 8",
        "flanges-1 3/1/12/1 small 10",
        "flanges-2 1/1/11/1 small 9",
        "mixed-1 0/2/11/0 small 8",
        "mixed-2 2/1/12/1 small 7",
        "goods-in 2/3/6/2 small 2",
        "covers-1 4/6/0/8 small 0",
      ]
    `);
  });

  it('have names and seeds of their own', () => {
    expect(new Set(PRODUCTION_LINES.map(({ name }) => name)).size).toBe(PRODUCTION_LINES.length);
    expect(new Set(PRODUCTION_LINES.map(({ worldSeed }) => worldSeed)).size).toBe(PRODUCTION_LINES.length);
    expect(lineNamed('mixed-1')?.title).toBe('Mixed parts, cell 1');
    expect(lineNamed('no-such-line')).toBeNull();
  });
});

describe('countLineDefects', () => {
  it('counts what the frames of the loop show', () => {
    const line = lineNamed('flanges-2')!;
    const request = { worldSeed: line.worldSeed, mix: line.mix, condition: conditionOf(line), loopParts: 2 };
    const shown = [-128, 108].flatMap((beltOffset) => renderFrame({ ...request, beltOffset }).boxes);
    const whole = new Map(shown.filter((box) => box.visible === 1).map((box) => [box.defectId, box]));
    const counted = countLineDefects(line, { frames: 59, stepPx: 8 });
    expect(counted.parts).toBe(2);
    expect(Object.values(counted.perClass).reduce((a, b) => a + b)).toBe(whole.size);
    expect(counted.smallCracks).toBe([...whole.values()].filter((box) => box.small).length);
  });
});

describe('conditionOf', () => {
  it('drifts every line as named, from its own camera', () => {
    for (const line of PRODUCTION_LINES) {
      const nominal = conditionOf(line);
      expect(conditionOf(line, 'dim').gain).toBeCloseTo(nominal.gain * 0.62, 9);
      expect(conditionOf(line, 'dim').vignette).toBe(nominal.vignette);
      expect(conditionOf(line, 'new-part').parts).toEqual(['pcb']);
    }
  });

  it('gives every line and drift a film of its own', () => {
    const keys = PRODUCTION_LINES.flatMap((line) =>
      CONDITION_NAMES.map((drift) => loopKey(loopRequestOf(line, { path: 'unused', drift }))),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });
});
