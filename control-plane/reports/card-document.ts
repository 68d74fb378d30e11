// The model card of a release as parts of a document: what it was registered with, in the words of who wrote it.
import type { ModelCard } from '../../shared/release/model-card.ts';
import { heading, type Part, tableOr } from './document.ts';

export function cardParts(card: ModelCard | null): readonly Part[] {
  if (card === null)
    return [heading(2, 'Model card'), { kind: 'text', text: 'It was registered without a model card (README.md).' }];
  const { license, datasets, metrics, tags, baseModels, results, text } = card;
  const said = (
    [
      ['Licence', license],
      ['Data sets', datasets],
      ['Metrics', metrics],
      ['Made from', baseModels],
      ['Tags', tags],
    ] as const
  ).filter(([, values]) => values.length > 0);
  return [
    heading(2, 'Model card'),
    ...(said.length === 0
      ? []
      : [{ kind: 'facts', facts: said.map(([name, values]) => [name, values.join(', ')]) } satisfies Part]),
    tableOr(
      'It names no results.',
      ['Model', 'Task', 'Data set', 'Metric', 'Value'],
      results.map(({ model, task, dataset, metric, value }) => [model, task, dataset, metric, String(value)]),
    ),
    ...wordsOf(text),
  ];
}

/** Its Markdown as far as a document has the like: headings, lists, paragraphs. */
function* wordsOf(markdown: string): Generator<Part, void, undefined> {
  for (const block of markdown.split(/\n\s*\n/)) {
    const lines = block.split('\n').map((line) => line.trim());
    const said = lines.filter((line) => line !== '');
    const title = said[0]?.match(/^#{1,6}\s+(.*)$/)?.[1];
    if (title !== undefined) yield heading(3, title);
    const rest = title === undefined ? said : said.slice(1);
    const items = rest.flatMap((line) => line.match(/^[-*]\s+(.*)$/)?.[1] ?? []);
    if (items.length > 0 && items.length === rest.length) yield { kind: 'list', items };
    else if (rest.length > 0) yield { kind: 'text', text: rest.join(' ') };
  }
}
