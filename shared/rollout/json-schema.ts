// The JSON Schema of the rollout file, for completion and checks in editors: made from the zod schema, as people write it.
// It says less than the reader of rollout files, which alone decides what may start.
import { z } from 'zod';
import { formatDuration } from './durations.ts';
import { FIELD_WORDS } from './field-words.ts';
import { rolloutFileSchema } from './rollout-file.ts';

/** A node of a JSON Schema, as far as it is looked at here. */
export type SchemaNode = {
  type?: unknown;
  description?: string;
  default?: unknown;
  const?: unknown;
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  anyOf?: SchemaNode[];
  oneOf?: { required: string[] }[];
  additionalProperties?: boolean | SchemaNode;
};

/** Draft 7: what the language servers of editors understand. Checked in as rollout-file.schema.json. */
export function rolloutFileSchemaText(): string {
  const root = z.toJSONSchema(rolloutFileSchema, {
    io: 'input',
    target: 'draft-7',
    override: writeDefault,
  }) as SchemaNode;
  writeVerify(root);
  // What stands there when events are given instead, and nobody writes.
  const guardrail = root.properties?.spec?.properties?.guardrails?.items;
  delete guardrail?.properties?.expr?.default;
  describeFields(root, '');
  const stage = root.properties?.spec?.properties?.stages?.items;
  if (stage) stage.oneOf = [{ required: ['percent'] }, { required: ['count'] }];
  const head = {
    title: 'Belay rollout file',
    description: 'What moves devices from their baseline release to a candidate, stage by stage, and what stops it.',
  };
  return `${JSON.stringify({ ...head, ...root }, null, 2)}\n`;
}

/** Fields by path (`spec.stages[].bake`), below `node`. */
export function schemaFields(node: SchemaNode, path: string): readonly (readonly [string, SchemaNode])[] {
  const own = Object.entries(node.properties ?? {}).flatMap(([key, field]) => {
    const at = path === '' ? key : `${path}.${key}`;
    return [[at, field] as const, ...schemaFields(field, at)];
  });
  const inner = node.anyOf ?? [];
  const named = typeof node.additionalProperties === 'object' ? [node.additionalProperties] : [];
  return [
    ...own,
    ...inner.flatMap((each) => schemaFields(each, path)),
    ...(node.items ? schemaFields(node.items, `${path}[]`) : []),
    ...named.flatMap((each) => schemaFields(each, `${path}.*`)),
  ];
}

/** `none` or terms: before it is read it is one of the two. */
function writeVerify(root: SchemaNode): void {
  const fields = root.properties?.spec?.properties?.abort?.properties;
  const terms = fields?.verify;
  if (!fields || !terms?.properties) return;
  const { none: _, ...written } = terms.properties;
  fields.verify = { anyOf: [{ const: 'none' }, { ...terms, properties: written }] };
}

function describeFields(root: SchemaNode, path: string): void {
  for (const [at, field] of schemaFields(root, path)) {
    const words = FIELD_WORDS[at];
    if (words !== undefined && field.description === undefined) field.description = words;
  }
}

/** Defaults of fields that are transformed are kept as they are computed with; an editor offers them as they are written. */
function writeDefault({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: object }): void {
  const { def } = zodSchema._zod;
  if (def.type !== 'default' || typeof def.defaultValue !== 'number') return;
  const field: SchemaNode = jsonSchema;
  field.default = field.type === 'string' ? formatDuration(def.defaultValue) : def.defaultValue;
}
