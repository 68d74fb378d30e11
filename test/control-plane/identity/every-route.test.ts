// Every route that there is, asked by nobody, by a device, by a viewer of another factory: generated from /openapi.json and
// from the routes themselves, so that a new route cannot be forgotten.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSignedPlane, type Person, type SignedPlane } from './signed-plane.ts';

type Route = { readonly method: string; readonly path: string };

/** What anybody may ask, and why. */
const PUBLIC = new Set([
  'GET /v1/health', // load balancers
  'GET /metrics', // sums without a name; beyond this machine it needs the right to view
  'GET /v1/trust', // public keys
  'POST /v1/session', // signing in
  'GET /v1/session', // answers 401 by itself
]);

let plane: SignedPlane;
let routes: readonly Route[];
let device: Person;
let stranger: Person;

beforeAll(async () => {
  plane = await openSignedPlane();
  const { paths } = (await plane.nobody.ask('GET', '/openapi.json')).body as {
    paths: Record<string, Record<string, unknown>>;
  };
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path: fill(path) })),
  );
  const { body } = await plane.admin.ask('POST', '/v1/devices/plant-a/cam-01/credentials', {});
  const basic = Buffer.from(`plant-a/cam-01:${body.password}`).toString('base64');
  device = plane.bearing({ authorization: `Basic ${basic}` });
  stranger = await plane.newPerson('stranger', [{ role: 'viewer', sites: ['plant-z'] }]);
});

afterAll(() => plane.close());

function fill(path: string): string {
  const values: Record<string, string> = {
    site: 'plant-a',
    device: 'cam-01',
    digest: 'a'.repeat(64),
    number: '1',
    ask: 'ask-0001',
  };
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    if (name === 'sha256') return 'a'.repeat(64);
    return values[name] ?? 'x-1';
  });
}

const named = ({ method, path }: Route) => `${method} ${path}`;

describe('every route', () => {
  it('is known to this test in a number that is not small', () => {
    expect(routes.length).toBeGreaterThan(40);
  });

  it('answers nobody with 401, but for the public ones', async () => {
    const wrong: string[] = [];
    for (const route of routes.filter((each) => !PUBLIC.has(named(each)))) {
      const { status } = await plane.nobody.ask(route.method, route.path);
      if (status !== 401) wrong.push(`${named(route)} → ${status}`);
    }
    expect(wrong).toEqual([]);
  });

  it('answers a token that is not good with 401, also where a cookie would do', async () => {
    const bad = plane.bearing({ ...plane.admin.headers, authorization: 'Bearer bly_nonsense' });
    for (const route of routes.filter((each) => !PUBLIC.has(named(each))))
      expect([named(route), (await bad.ask(route.method, route.path)).status]).toEqual([named(route), 401]);
  });

  it('gives a device nothing but manifests, artifacts, its own documents, and a place for what it was asked for', async () => {
    const allowed: string[] = [];
    for (const route of routes.filter((each) => !PUBLIC.has(named(each)))) {
      const { status } = await device.ask(route.method, route.path);
      if (status !== 403) allowed.push(named(route));
    }
    expect(allowed.sort()).toEqual([
      `GET /v1/artifacts/${'a'.repeat(64)}`,
      'GET /v1/devices/plant-a/cam-01/documents',
      `GET /v1/manifests/${'a'.repeat(64)}`,
      'PUT /v1/devices/plant-a/cam-01/asks/ask-0001',
    ]);
    expect((await device.ask('GET', '/v1/devices/plant-a/cam-02/documents')).status).toBe(403);
    expect((await device.ask('HEAD', `/v1/artifacts/${'a'.repeat(64)}`)).status).toBe(404);
  });

  it('lets a viewer change nothing', async () => {
    const reads = new Set(['POST /v1/rollouts/plan', 'POST /v1/releases/check', 'POST /v1/releases/lookup']);
    const own = /^(DELETE|PUT|POST) \/v1\/(session|tokens)/;
    const wrong: string[] = [];
    for (const route of routes.filter(({ method }) => method !== 'GET' && method !== 'HEAD')) {
      if (reads.has(named(route)) || own.test(named(route))) continue;
      const { status } = await stranger.ask(route.method, route.path, {});
      if (status !== 403 && status !== 404) wrong.push(`${named(route)} → ${status}`);
    }
    expect(wrong).toEqual([]);
  });

  it('hides the devices of another factory as if they were not there', async () => {
    for (const route of routes.filter(({ path }) => path.startsWith('/v1/devices/plant-a')))
      expect([
        named(route),
        (await stranger.ask(route.method, route.path, route.method === 'GET' ? undefined : {})).status,
      ]).toEqual([named(route), 404]);
  });
});
