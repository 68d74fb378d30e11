// Business figures as they come in: whole files or nothing, with the line of every mistake.
import { describe, expect, it } from 'vitest';
import { readBusinessImport } from '../../../shared/measure/business-import.ts';

const HEADER = 'site,device,from,to,cost,defects_caught';
const ROW = 'plant-a,cam-1,2026-03-02T06:00:00Z,2026-03-02T14:00:00+00:00,120.5,12';

const problems = (text: string) => {
  const read = readBusinessImport(text);
  return read.ok ? [] : read.problems.map(({ line, message }) => `${line}: ${message}`);
};

describe('an import', () => {
  it('reads CSV, with what is empty left unknown', () => {
    const read = readBusinessImport(
      `${HEADER}\n${ROW}\n\nplant-a,"cam-2",2026-03-02T06:00:00Z,2026-03-02T07:00:00Z,,3\n`,
    );
    expect(read).toMatchObject({
      ok: true,
      lines: [
        { line: 2, record: { device: 'cam-1', cost: 120.5, defectsCaught: 12, frames: null, line: null } },
        { line: 4, record: { device: 'cam-2', cost: null, defectsCaught: 3 } },
      ],
    });
  });

  it('reads a JSON list and one object a line alike', () => {
    const one = { site: 'plant-a', line: 'l-{1}', from: 1000, to: 2000, parts: 5 };
    const two = { ...one, line: 'weld', from: 2000, to: 3000 };
    expect(readBusinessImport(JSON.stringify([two], null, 2))).toMatchObject({ ok: true, lines: [{ line: 2 }] });
    const lines = readBusinessImport(`${JSON.stringify(two)}\n${JSON.stringify({ ...two, from: 3000, to: 4000 })}`);
    expect(lines).toMatchObject({ ok: true, lines: [{ line: 1 }, { line: 2, record: { fromMs: 3000 } }] });
    expect(problems(JSON.stringify([one]))[0]).toContain('line');
  });

  it.each([
    ['an unknown column', `${HEADER},colour\n${ROW},red`, /^1: header: unknown "colour"/],
    ['a missing column', 'site,device,from\nplant-a,cam-1,1', /^1: header: to is missing/],
    ['a column twice', `${HEADER},cost\n${ROW},1`, /^1: header: "cost" stands twice/],
    ['too few cells', `${HEADER}\n${ROW}\nplant-a,cam-1`, /^3: has 2 cells, and the header 6/],
    ['a number that is none', `${HEADER}\n${ROW.replace('120.5', 'much')}`, /^2: cost must be a number/],
    ['a negative number', `${HEADER}\n${ROW.replace('120.5', '-1')}`, /^2: cost must be a number/],
    ['a time without its zone', `${HEADER}\n${ROW.replace('06:00:00Z', '06:00:00')}`, /^2: from must be a time/],
    ['an end before its beginning', `${HEADER}\n${ROW.replace('14:00', '04:00')}`, /^2: ends before it begins/],
    [
      'the same time twice',
      `${HEADER}\n${ROW}\n${ROW.replace('T06', 'T13').replace('T14', 'T15')}`,
      /^3: overlaps line 2/,
    ],
    ['neither device nor line', `${HEADER}\n${ROW.replace('cam-1', '')}`, /^2: names a device or a line/],
    [
      'no figure',
      'site,device,from,to,cost\nplant-a,cam-1,2026-03-02T06:00:00Z,2026-03-02T07:00:00Z,',
      /^2: has no figure/,
    ],
    [
      'more false alerts than reviewed',
      '[{"site":"plant-a","device":"cam-1","from":1,"to":2,"reviewed":3,"false_alerts":4}]',
      /more false alerts/,
    ],
    ['a quote that is not closed', `${HEADER}\n${ROW.replace('cam-1', '"cam-1')}`, /^2: a quote is not closed/],
    ['broken JSON', '[{"site": }]', /^1: not JSON/],
    ['nothing', `${HEADER}\n`, /^1: holds no record/],
  ])('refuses %s, with its line', (_name, text, message) => {
    expect(problems(text).join('\n')).toMatch(message);
  });

  it('tells every mistake at once, and takes nothing of the good lines', () => {
    const text = `${HEADER}\n${ROW}\n${ROW.replace('120.5', 'x')}\n${ROW.replace('cam-1', '')}`;
    expect(problems(text)).toHaveLength(2);
  });
});
