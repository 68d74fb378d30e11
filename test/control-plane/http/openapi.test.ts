// The description of the API as a generator of clients reads it: every reference resolves, every route says what it
// answers, refusals included.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROBLEM_CONTENT_TYPE } from '../../../shared/protocol/api-problems.ts';
import { openPlaneBench, type PlaneBench } from '../open-plane.ts';

type Answer = { description?: string; content?: Record<string, { schema?: unknown }> };
type Operation = { summary?: string; requestBody?: unknown; responses: Record<string, Answer> };
type Description = { openapi: string; paths: Record<string, Record<string, Operation>> };

let bench: PlaneBench;
let description: Description;

beforeAll(async () => {
  bench = await openPlaneBench();
  description = (await bench.get('/openapi.json')).body as unknown as Description;
});

afterAll(() => bench.close());

function operations(): readonly (readonly [string, Operation])[] {
  return Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [`${method} ${path}`, operation] as const),
  );
}

function references(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = (value as { $ref?: unknown }).$ref;
  return [...(typeof own === 'string' ? [own] : []), ...Object.values(value).flatMap(references)];
}

function resolve(reference: string): unknown {
  expect(reference).toMatch(/^#\//);
  return reference
    .slice(2)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], description);
}

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 and has every reference that it names', () => {
    expect(description.openapi).toMatch(/^3\.1\./);
    const named = [...new Set(references(description))];
    expect(named).toContain('#/components/schemas/Problem');
    for (const reference of named) expect(resolve(reference), reference).toBeTypeOf('object');
  });

  it('has a summary and described answers for every route', () => {
    expect(operations().length).toBeGreaterThan(25);
    for (const [name, operation] of operations()) {
      expect(operation.summary, name).toMatch(/^[A-Z].{5,}/);
      const good = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));
      expect(good.length, name).toBeGreaterThan(0);
      for (const [status, answer] of good)
        expect(Object.values(answer.content ?? {})[0]?.schema, `${name} ${status}`).toBeTypeOf('object');
    }
  });

  it('describes refusals as problem+json on every route', () => {
    for (const [name, operation] of operations()) {
      const refusals = Object.entries(operation.responses).filter(([status]) => /^[45]/.test(status));
      expect(operation.responses['500'], name).toBeDefined();
      for (const [status, answer] of refusals) {
        if (name === 'get /v1/health' && status === '503') continue; // it answers the same document, not a problem
        expect(answer.content?.[PROBLEM_CONTENT_TYPE]?.schema, `${name} ${status}`).toEqual({
          $ref: '#/components/schemas/Problem',
        });
      }
    }
    expect(Object.keys(description.paths['/v1/kills']?.post?.responses ?? {})).toEqual(
      expect.arrayContaining(['200', '201', '400', '404', '409', '413', '415', '500', '503']),
    );
  });

  it('says that artifacts are bytes', () => {
    const { put, get } = description.paths['/v1/artifacts/{sha256}'] ?? {};
    expect(put?.requestBody).toMatchObject({ content: { 'application/octet-stream': {} } });
    expect(get?.responses['206']?.content).toHaveProperty('application/octet-stream');
  });
});
