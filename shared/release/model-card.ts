// Reads a model card: a README whose YAML front matter says licence, data sets and metrics, as model hubs have it. Mistakes come
// with their line. What a card says is shown to people and never decided from.
import { isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';

const listed = z
  .union([z.string().max(300), z.array(z.string().max(300)).max(100)])
  .transform((value) => (typeof value === 'string' ? [value] : value))
  .optional();

const resultSchema = z.looseObject({
  task: z.looseObject({ type: z.string(), name: z.string().optional() }),
  dataset: z.looseObject({ name: z.string(), type: z.string().optional() }),
  metrics: z
    .array(z.looseObject({ type: z.string(), value: z.union([z.number(), z.string()]), name: z.string().optional() }))
    .min(1)
    .max(100),
});

const frontMatterSchema = z.looseObject({
  license: listed,
  datasets: listed,
  metrics: listed,
  tags: listed,
  base_model: listed,
  library_name: z.string().max(100).optional(),
  pipeline_tag: z.string().max(100).optional(),
  'model-index': z
    .array(z.looseObject({ name: z.string(), results: z.array(resultSchema).max(100) }))
    .max(20)
    .optional(),
});

export const modelCardSchema = z.looseObject({
  license: z.array(z.string()),
  datasets: z.array(z.string()),
  metrics: z.array(z.string()),
  tags: z.array(z.string()),
  baseModels: z.array(z.string()),
  /** One for each number of the model-index. */
  results: z.array(
    z.looseObject({
      model: z.string(),
      task: z.string(),
      dataset: z.string(),
      metric: z.string(),
      value: z.union([z.number(), z.string()]),
    }),
  ),
  /** Markdown below the front matter. */
  text: z.string(),
});

export type ModelCard = z.infer<typeof modelCardSchema>;
export type CardProblem = { readonly line: number; readonly path: string; readonly message: string };
export type ReadCard =
  | { readonly ok: true; readonly card: ModelCard }
  | { readonly ok: false; readonly problems: readonly CardProblem[] };

export const CARD_CHARACTERS_MAX = 64 * 1024;
const FENCE = /^---[ \t]*$/m;

/** A README without front matter is a card that says nothing but its text. */
export function readModelCard(readme: string): ReadCard {
  if (readme.length > CARD_CHARACTERS_MAX) return refuse(1, `is longer than ${CARD_CHARACTERS_MAX} characters`);
  const text = readme.replace(/^\ufeff/, '').replaceAll('\r\n', '\n');
  if (!/^---[ \t]*\n/.test(text)) return { ok: true, card: toCard({}, text) };
  const start = text.indexOf('\n') + 1;
  const end = text.slice(start).search(FENCE);
  if (end < 0) return refuse(1, 'the front matter begins with --- and never ends with one');
  return readFrontMatter(
    text.slice(start, start + end),
    text
      .slice(start + end)
      .replace(FENCE, '')
      .trimStart(),
  );
}

/** Lines count from the top of the README, whose first one is the fence. */
function readFrontMatter(yaml: string, text: string): ReadCard {
  const counter = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: counter, prettyErrors: false, uniqueKeys: true });
  const lineAt = (offset: number) => counter.linePos(offset).line + 1;
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }) => {
      return { line: lineAt(pos[0]), path: '', message: `not YAML: ${message}` };
    });
    return { ok: false, problems };
  }
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    return refuse(2, `not YAML: ${(error as Error).message}`);
  }
  const parsed = frontMatterSchema.safeParse(raw);
  if (parsed.success) return { ok: true, card: toCard(parsed.data, text) };
  const problems = parsed.error.issues.map(({ path, message }) => {
    return { line: lineAt(offsetOf(path)), path: path.map(String).join('.'), message };
  });
  return { ok: false, problems };

  /** Of the mistake, or of the nearest thing around it that is there. */
  function offsetOf(path: readonly PropertyKey[]): number {
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return node.range[0];
    }
    return 0;
  }
}

function toCard(raw: z.infer<typeof frontMatterSchema>, text: string): ModelCard {
  const { license = [], datasets = [], metrics = [], tags = [], base_model: baseModels = [] } = raw;
  const results = (raw['model-index'] ?? []).flatMap((model) =>
    model.results.flatMap(({ task, dataset, metrics: values }) =>
      values.map(({ type, name, value }) => {
        return { model: model.name, task: task.name ?? task.type, dataset: dataset.name, metric: name ?? type, value };
      }),
    ),
  );
  return { license, datasets, metrics, tags, baseModels, results, text };
}

function refuse(line: number, message: string): ReadCard {
  return { ok: false, problems: [{ line, path: '', message }] };
}
