// The JSON Schema that editors use: it is up to date, says what each field means, and speaks as people write.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { FIELD_WORDS } from '../../../shared/rollout/field-words.ts';
import { rolloutFileSchemaText, type SchemaNode, schemaFields } from '../../../shared/rollout/json-schema.ts';

const FILE = join(import.meta.dirname, '../../../shared/rollout/rollout-file.schema.json');
const SCHEMA = JSON.parse(rolloutFileSchemaText()) as SchemaNode;
const FIELDS = new Map(schemaFields(SCHEMA, ''));

describe('the JSON Schema of the rollout file', () => {
  it('is checked in as it is made: belay rollout schema > shared/rollout/rollout-file.schema.json', () => {
    const isCurrent = isDeepStrictEqual(JSON.parse(readFileSync(FILE, 'utf8')), SCHEMA);
    expect(isCurrent, 'make it anew with the command above, then npm run format').toBe(true);
  });

  it('says of every field what it means, and of nothing else', () => {
    const missing = [...FIELDS].filter(([, field]) => !field.description).map(([path]) => path);
    expect(missing).toEqual([]);
    expect(Object.keys(FIELD_WORDS).filter((path) => !FIELDS.has(path))).toEqual([]);
  });

  it('takes durations, percentages and expressions as text, with a pattern', () => {
    const pattern = (path: string) => new RegExp((FIELDS.get(path) as { pattern?: string }).pattern ?? 'none given');
    expect(pattern('spec.stages[].bake').test('2h')).toBe(true);
    expect(pattern('spec.stages[].bake').test('soon')).toBe(false);
    expect(pattern('spec.stages[].extend').test('2x30m')).toBe(true);
    expect(pattern('spec.guardrails[].expr').test('p95(latency_ms) <= baseline * 1.10')).toBe(true);
    expect(pattern('spec.guardrails[].expr').test('p95(latencyms) <= 3')).toBe(false);
    expect(FIELDS.get('spec.stages[].percent')).toMatchObject({ anyOf: [{ type: 'number' }, { type: 'string' }] });
  });

  it('offers defaults as they are written', () => {
    expect(FIELDS.get('spec.analysis.settle')?.default).toBe('3m');
    expect(FIELDS.get('spec.lease.ttl')?.default).toBe('15m');
    expect(FIELDS.get('spec.stages[].minCoverage')?.default).toBe(50);
    expect(FIELDS.get('spec.stages[].extend')).not.toHaveProperty('default');
    const textual = [...FIELDS].filter(([, field]) => field.type === 'string' && field.default !== undefined);
    expect(textual.filter(([, field]) => typeof field.default !== 'string')).toEqual([]);
  });

  it('asks of a stage for percent or count', () => {
    expect(SCHEMA.properties?.spec?.properties?.stages?.items?.oneOf).toEqual([
      { required: ['percent'] },
      { required: ['count'] },
    ]);
  });
});
