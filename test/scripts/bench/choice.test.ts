// What was asked for by id: figures, single rows, and what is told of ids that are none.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { isRowWanted, isWanted, rowIdsOf, unknownIds } from '../../../scripts/bench/choice.ts';
import type { Figure, Row } from '../../../scripts/bench/figure.ts';

const measure = async (): Promise<readonly Row[]> => [];
const gap: Figure = { id: 'gap', rows: ['segv', 'hang'], measure };
const lag: Figure = { id: 'supervisor.lag', measure };
const soak: Figure = { id: 'soak.rss', rows: ['source'], onlyWhenAsked: true, measure };
const figures = [gap, lag, soak];
const BENCH = path.resolve(import.meta.dirname, '../../../scripts/bench/bench.ts');

function row(id: string): Row {
  return { id, ours: 1, limit: null, ratio: null, unit: 'ms', goal: '', note: '' };
}

describe('what was asked for', () => {
  it('is every quick figure when nothing was named', () => {
    expect(figures.filter((figure) => isWanted(figure, []))).toEqual([gap, lag]);
  });

  it('is a figure, a row of it, or all that begin so', () => {
    expect(rowIdsOf(gap)).toEqual(['gap.segv', 'gap.hang']);
    expect(figures.filter((figure) => isWanted(figure, ['gap.hang', 'soak']))).toEqual([gap, soak]);
    const rows = ['gap.segv', 'gap.hang'].map(row);
    expect(rows.filter((one) => isRowWanted(one, gap, ['gap.hang']))).toEqual([row('gap.hang')]);
    expect(rows.filter((one) => isRowWanted(one, gap, ['gap']))).toEqual(rows);
  });

  it('is told by name when there is none such', () => {
    expect(unknownIds(figures, ['gap', 'gap.hang', 'soak', 'supervisor.lag'])).toEqual([]);
    expect(unknownIds(figures, ['gap.hung', 'ga', 'lag', 'supervisor.lag.p50'])).toEqual([
      'gap.hung',
      'ga',
      'lag',
      'supervisor.lag.p50',
    ]);
  });
});

describe('npm run bench', () => {
  it.each([
    ['--only gap.hang gap.hung', /^no figure named gap\.hung\n/],
    ['--only', /only/],
    ['gap.hang', /^write --only gap\.hang\n/],
    ['--only soak.rss --minutes soon', /^--minutes is "soon"/],
    ['--jason', /--jason/],
  ])('%s: is wrong use, measures nothing and says what there is', (line, says) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [BENCH, ...line.split(' ')], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/^figures: .*\bsensors\.sample, /m);
  });
});
