// The description of the API as a generator of clients reads it: every reference resolves, every route says what it
// answers, refusals included; and the file that is checked in says what the routes say.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROBLEM_CONTENT_TYPE, PROBLEMS } from '../../../shared/protocol/api-problems.ts';
import { PROBLEM_WORDS } from '../../../shared/protocol/problem-words.ts';
import { openPlaneBench, type PlaneBench } from '../open-plane.ts';

type Answer = { description?: string; content?: Record<string, { schema?: unknown }> };
type Operation = {
  summary?: string;
  operationId?: string;
  tags?: string[];
  security?: object[];
  parameters?: { name: string; in: string; required?: boolean }[];
  requestBody?: unknown;
  responses: Record<string, Answer>;
};
type Description = {
  openapi: string;
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown>; securitySchemes: Record<string, unknown> };
};

const ROOT = join(import.meta.dirname, '../../..');

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

  it('fits the schema of OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(description) as Record<string, unknown>);
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  it('is the file that is checked in: after a change of routes or schemas run `npm run openapi`', () => {
    const kept = JSON.parse(readFileSync(join(ROOT, 'shared/protocol/openapi.json'), 'utf8')) as Description;
    expect(Object.keys(description.paths), 'run `npm run openapi`').toEqual(Object.keys(kept.paths));
    for (const [path, methods] of Object.entries(description.paths))
      expect(methods, `${path}: run \`npm run openapi\``).toEqual(kept.paths[path]);
    expect(description, 'run `npm run openapi`').toEqual(kept);
  });

  it('names every operation once, with a known tag and how to sign in', () => {
    const ids = operations().map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = description.tags.map(({ name }) => name);
    for (const [name, { operationId, tags: own = [], security }] of operations()) {
      expect(operationId, name).toMatch(/^[a-z][A-Za-z]+$/);
      expect(own.length, name).toBe(1);
      expect(tags, name).toContain(own[0]);
      for (const scheme of security ?? [{ none: [] }])
        expect(Object.keys(description.components.securitySchemes), name).toEqual(
          expect.arrayContaining(Object.keys(scheme)),
        );
    }
    expect(tags.every((tag) => description.tags.find(({ name }) => name === tag)?.description)).toBe(true);
  });

  it('has every parameter of an address, and no document that nothing speaks of', () => {
    for (const [path, methods] of Object.entries(description.paths))
      for (const [method, { parameters = [] }] of Object.entries(methods)) {
        const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
        const named = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
        expect(inPath.toSorted(), `${method} ${path}`).toEqual(named.toSorted());
      }
    const used = new Set(references(description));
    for (const name of Object.keys(description.components.schemas))
      expect(used, name).toContain(`#/components/schemas/${name}`);
  });

  it('tells of keys and versions where they count, and never at a kill', () => {
    const headers = (operation: Operation | undefined) =>
      (operation?.parameters ?? []).filter((parameter) => parameter.in === 'header').map(({ name }) => name);
    expect(headers(description.paths['/v1/rollouts']?.post)).toEqual(['idempotency-key']);
    expect(headers(description.paths['/v1/rollouts/{id}/{verb}']?.post)).toEqual(['idempotency-key', 'if-match']);
    expect(headers(description.paths['/v1/kills']?.post)).toEqual([]);
    expect(description.paths['/v1/kills']?.post?.responses).not.toHaveProperty('412');
    expect(description.paths['/v1/kills/{id}/rearm']?.post?.responses).not.toHaveProperty('428');
  });
});

describe('a problem of the catalogue', () => {
  const sources = readdirSync(join(ROOT, 'control-plane'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('dashboard') && !name.includes('node_modules'))
    .map((name) => readFileSync(join(ROOT, 'control-plane', name), 'utf8'))
    .join('\n');

  it.each(Object.keys(PROBLEMS))('%s is said somewhere, and has a page that says what it means', async (code) => {
    expect(sources).toMatch(new RegExp(`'${code}'`));
    const { status, body } = await bench.get(`/problems/${code}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ code, about: PROBLEM_WORDS[code as keyof typeof PROBLEM_WORDS] });
    expect(String(body.about).length).toBeGreaterThan(60);
  });

  it('has a page for browsers, and none that is not in the catalogue', async () => {
    const page = await fetch(`${bench.plane.httpUrl}/problems/key-reused`, { headers: { accept: 'text/html' } });
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(await page.text()).toContain('This Idempotency-Key belongs to another request');
    expect((await bench.get('/problems/constructor')).status).toBe(404);
  });
});
