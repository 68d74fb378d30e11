// Model cards as people write them: what is read from them, and where a mistake is.
import { describe, expect, it } from 'vitest';
import { readModelCard } from '../../../shared/release/model-card.ts';

const CARD = `---
license: apache-2.0
datasets: [plant-a/brackets, plant-b/brackets]
metrics:
  - map50
tags: detection
base_model: cv-detector
model-index:
  - name: cv-detector
    results:
      - task: {type: object-detection}
        dataset: {name: brackets held out, type: images}
        metrics:
          - {type: map50, value: 0.91}
          - {type: recall, name: recall of micro-cracks, value: 0.82}
---

# cv-detector

Finds scratches.
`;

describe('readModelCard', () => {
  it('reads licence, data sets, metrics and results, and keeps the text', () => {
    const read = readModelCard(CARD);
    expect(read).toMatchObject({
      ok: true,
      card: {
        license: ['apache-2.0'],
        datasets: ['plant-a/brackets', 'plant-b/brackets'],
        metrics: ['map50'],
        tags: ['detection'],
        baseModels: ['cv-detector'],
        results: [
          { model: 'cv-detector', dataset: 'brackets held out', metric: 'map50', value: 0.91 },
          { metric: 'recall of micro-cracks', value: 0.82 },
        ],
        text: '# cv-detector\n\nFinds scratches.\n',
      },
    });
    expect(readModelCard(CARD.replaceAll('\n', '\r\n'))).toEqual(read);
  });

  it('takes a README without front matter as it is', () => {
    expect(readModelCard('# only words')).toMatchObject({ ok: true, card: { license: [], text: '# only words' } });
  });

  it.each([
    ['license: apache-2.0', 'license: {id: 3}', 2, 'license'],
    [
      '          - {type: map50, value: 0.91}',
      '          - {type: map50}',
      13,
      'model-index.0.results.0.metrics.0.value',
    ],
    ['tags: detection', 'tags: [unclosed', 6, ''],
  ])('names the line of a mistake in %s', (right, wrong, line, path) => {
    const read = readModelCard(CARD.replace(right, wrong));
    if (read.ok) expect.unreachable('it was taken');
    else expect(read.problems[0]).toMatchObject({ line: expect.any(Number), path });
    const lines = read.ok ? [] : read.problems.map((problem) => problem.line);
    expect(lines.some((each) => Math.abs(each - line) <= 1)).toBe(true);
  });

  it('refuses what has no end, is too long, or unfolds without end', () => {
    expect(readModelCard('---\nlicense: mit\n')).toMatchObject({ ok: false, problems: [{ line: 1 }] });
    expect(readModelCard('x'.repeat(70_000))).toMatchObject({ ok: false });
    const bomb = `---\na: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n---\n`;
    expect(readModelCard(bomb)).toMatchObject({ ok: false });
  });
});
