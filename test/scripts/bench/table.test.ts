// The table that people read.
import { describe, expect, it } from 'vitest';
import type { Row } from '../../../scripts/bench/figure.ts';
import { renderRows } from '../../../scripts/bench/table.ts';

const row: Row = {
  id: 'ring.handover',
  ours: 0.057683,
  limit: 0.0061331,
  ratio: 9.405,
  unit: 'ms/frame',
  goal: '≤ 12 × a memory copy',
  note: 'load 6.0 on 2 cores',
};

describe('renderRows', () => {
  it('puts figures in columns and the note below them', () => {
    expect(renderRows([row, { ...row, id: 'memory.source', limit: null, ratio: null, note: '' }])).toBe(
      [
        'FIGURE         OURS             LIMIT             RATIO  GOAL',
        'ring.handover  0.0577 ms/frame  0.00613 ms/frame  9.4    ≤ 12 × a memory copy',
        '    load 6.0 on 2 cores',
        'memory.source  0.0577 ms/frame  –                 –      ≤ 12 × a memory copy',
        '',
      ].join('\n'),
    );
  });

  it('breaks a long note between words, within 100 columns, and loses none of them', () => {
    const note = Array.from({ length: 60 }, (_, i) => `word-${i}`).join(' ');
    const lines = renderRows([{ ...row, note }])
      .trimEnd()
      .split('\n')
      .slice(2);
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.every((line) => line.length <= 100)).toBe(true);
    expect(lines.map((line) => line.trim()).join(' ')).toBe(note);
  });

  it('keeps the longest ids, figures and goals within 100 columns', () => {
    const long = { ...row, id: 'memory.runner-candidate', ours: 0.10311, unit: 'ms/sample' };
    const goals = ['≤ 1.3 baseline inferences beyond the deadline', '≤ 1.2 × (Node start + load + first run)'];
    const lines = renderRows(goals.map((goal) => ({ ...long, goal, note: '' })))
      .trimEnd()
      .split('\n');
    expect(lines.every((line) => line.length <= 100)).toBe(true);
    expect(lines.join(' ').replaceAll(/ +/g, ' ')).toContain('beyond the deadline');
    expect(lines.length).toBeGreaterThan(3);
  });
});
