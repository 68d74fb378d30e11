// Tables, and the small words of numbers and times.
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  countDevices,
  formatAge,
  formatDuration,
  formatMs,
  renderTable,
  shortRelease,
  visibleWidth,
  wrapParts,
} from '../../../../control-plane/cli/render/table.ts';

const red = (text: string) => `\u001b[31m${text}\u001b[39m`;

describe('renderTable', () => {
  it('makes columns as wide as their widest cell, cuts nothing, and leaves no space at the end', () => {
    const columns = [{ title: 'NAME' }, { title: 'COUNT', align: 'right' as const }, { title: 'NOTE' }];
    expect(
      renderTable(columns, [
        ['a', '7', 'short'],
        ['much-longer', '1234567', ''],
      ]),
    ).toBe(['NAME           COUNT  NOTE', 'a                  7  short', 'much-longer  1234567'].join('\n'));
  });

  it('is only its titles without rows', () => {
    expect(renderTable([{ title: 'A' }, { title: 'B' }], [])).toBe('A  B');
  });

  it('aligns coloured cells by what is seen', () => {
    const text = renderTable(
      [{ title: 'STATE' }, { title: 'N' }],
      [
        [red('bad'), '1'],
        ['good', '2'],
      ],
    );
    expect(stripVTControlCharacters(text)).toBe(['STATE  N', 'bad    1', 'good   2'].join('\n'));
  });
});

describe('visibleWidth', () => {
  it('counts characters, not bytes or colour codes', () => {
    expect(visibleWidth(red('≤ +10 %'))).toBe(7);
    expect(visibleWidth('✔')).toBe(1);
    expect(visibleWidth('')).toBe(0);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0.00 s'],
    [41, '0.04 s'],
    [1500, '1.5 s'],
    [9999, '10.0 s'],
    [42_000, '42 s'],
    [119_000, '119 s'],
    [3_600_000, '60 min'],
    [7_200_000, '2 h'],
    [86_400_000, '24 h'],
    [172_800_000, '2 d'],
  ])('%i ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('formatAge', () => {
  it('is never negative when two clocks differ, and "never" for what did not happen', () => {
    expect(formatAge(1000, 5000)).toBe('4.0 s ago');
    expect(formatAge(9000, 5000)).toBe('0.00 s ago');
    expect(formatAge(null, 5000)).toBe('never');
  });
});

describe('the small words', () => {
  it('shows milliseconds as precisely as they matter', () => {
    expect([formatMs(null), formatMs(4.24), formatMs(41.2)]).toEqual(['–', '4.2 ms', '41 ms']);
  });

  it('counts devices in good English', () => {
    expect([0, 1, 2].map(countDevices)).toEqual(['0 devices', '1 device', '2 devices']);
  });

  it('shortens a release to what people say', () => {
    expect(shortRelease('cv-detector:2.0.0+data=3ce470')).toBe('cv-detector:2.0.0');
    expect(shortRelease('cv-detector:2.0.0')).toBe('cv-detector:2.0.0');
  });
});

describe('wrapParts', () => {
  it('keeps to 80 columns, indent included, and never splits a part', () => {
    const parts = Array.from({ length: 9 }, (_, i) => `part-number-${i}`);
    const lines = wrapParts(parts, ' – ', '    ').split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(visibleWidth(`    ${line.trimStart()}`)).toBeLessThanOrEqual(80);
    expect(lines.map((line) => line.trim()).join(' ')).toBe(parts.join(' – '));
  });

  it('gives a part that is too long a line of its own', () => {
    expect(wrapParts(['a', 'b'.repeat(90), 'c'], ' ', '> ')).toBe(`a\n> ${'b'.repeat(90)}\n> c`);
  });

  it('is empty for nothing', () => {
    expect(wrapParts([], ' ', '  ')).toBe('');
  });
});
