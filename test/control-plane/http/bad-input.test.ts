// Bodies and addresses that nobody sends by accident: each is refused as a problem, and the server goes on.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROBLEM_CONTENT_TYPE } from '../../../shared/protocol/api-problems.ts';
import { tinyPackage } from '../../builders/tiny-package.ts';
import { openPlaneBench, type PlaneBench } from '../open-plane.ts';

let bench: PlaneBench;

beforeAll(async () => {
  bench = await openPlaneBench();
});

afterAll(() => bench.close());

async function post(path: string, body: string) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${bench.plane.httpUrl}${path}`, { method: 'POST', headers, body });
  expect(response.headers.get('content-type')).toContain(PROBLEM_CONTENT_TYPE);
  return { status: response.status, problem: (await response.json()) as Record<string, unknown> };
}

describe('a body', () => {
  it.each(['/v1/releases', '/v1/releases/check', '/v1/kills'])(
    'too deep for any stack is refused by %s',
    async (path) => {
      const manifest = JSON.stringify(tinyPackage().manifest);
      const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
      const body = `{"manifest":${manifest.slice(0, -1)},"extra":${deep}},"scope":{"kind":"fleet"},"reason":"x"}`;
      const { status, problem } = await post(path, body);
      expect(status).toBe(400);
      expect(problem).toMatchObject({
        type: '/problems/invalid-request',
        errors: [{ message: expect.stringContaining('deeper than 64') }],
      });
    },
  );

  it('with a prototype in it is refused', async () => {
    const { status } = await post('/v1/kills', '{"__proto__":{"a":1},"scope":{"kind":"fleet"},"reason":"x"}');
    expect(status).toBe(400);
  });

  it('of other types names every path', async () => {
    const { status, problem } = await post('/v1/kills', '{"scope":{"kind":"site","site":"PLANT"},"reason":7}');
    expect(status).toBe(400);
    expect((problem.errors as { path: string }[]).map(({ path }) => path)).toEqual(['scope.site', 'reason']);
  });

  it('of none of these raised a kill', async () => {
    expect((await bench.get('/v1/kills')).body).toEqual({ kills: [] });
  });
});

describe('an address that cannot be read', () => {
  it.each([
    ['a broken escape', '/v1/releases/%zz'],
    ['a segment without end', `/v1/rollouts/${'a'.repeat(500)}`],
  ])('%s is a problem like any other', async (_case, path) => {
    const response = await fetch(`${bench.plane.httpUrl}${path}`);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toContain(PROBLEM_CONTENT_TYPE);
    expect(await response.json()).toMatchObject({ type: '/problems/invalid-request' });
  });
});
