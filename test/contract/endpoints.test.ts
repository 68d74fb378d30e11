// The table that every client of the API is typed by, held against the routes that are registered: each is in it, with the very
// schemas that the route checks and answers by. And clients write no address of their own.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPlaneBench } from '../control-plane/open-plane.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROTOCOL = join(ROOT, 'shared/protocol');

/** `query`, `body` and `answer`: schemas, or content types. */
type Row = Readonly<Record<string, unknown>>;
type Registered = {
  readonly method: string;
  readonly url: string;
  readonly schema?: {
    readonly hide?: boolean;
    readonly querystring?: unknown;
    readonly body?: unknown;
    readonly response?: Readonly<Record<string, unknown>>;
  };
  readonly config?: { readonly takes?: string; readonly sends?: Readonly<Record<string, string>> };
};
type Hooked = { addHook(name: 'onRoute', hook: (route: Registered) => void): void };

const registered: Registered[] = [];
const listen = (message: unknown): void => {
  (message as { readonly fastify: Hooked }).fastify.addHook('onRoute', (route) => registered.push(route));
};

beforeAll(async () => {
  subscribe('fastify.initialization', listen);
  await (await openPlaneBench()).close();
});

afterAll(() => unsubscribe('fastify.initialization', listen));

/** As TypeScript reads the file: types leave nothing behind to ask at run time. */
async function readTable(): Promise<ReadonlyMap<string, Row>> {
  const text = readFileSync(join(PROTOCOL, 'endpoints.ts'), 'utf8');
  const modules = new Map<string, Readonly<Record<string, unknown>>>();
  for (const [, name = '', from = ''] of text.matchAll(/^import type \* as (\w+) from '(.+)';$/gm))
    modules.set(name, (await import(join(PROTOCOL, from))) as Readonly<Record<string, unknown>>);
  const meaningOf = (value: string): unknown => {
    const [, room = '', name = ''] = /^typeof (\w+)\.(\w+)$/.exec(value) ?? [];
    return room === '' ? value.slice(1, -1) : modules.get(room)?.[name];
  };
  const rows = text.matchAll(/^ {2}'([A-Z]+ \/[^']*)': \{([^}]*)\};$/gm);
  return new Map(
    Array.from(rows, ([, route = '', members = '']) => {
      const pairs = members.matchAll(/(\w+): ([^;\s][^;]*?)(?:;|\s*$)/g);
      return [route, Object.fromEntries(Array.from(pairs, ([, name = '', value = '']) => [name, meaningOf(value)]))];
    }),
  );
}

function rowOf({ schema = {}, config = {} }: Registered): Row {
  const { querystring, response = {} } = schema;
  const [, answer] = Object.entries(response).find(([status]) => status < '300') ?? [];
  const body = config.takes ?? schema.body;
  return {
    ...(querystring === undefined ? {} : { query: querystring }),
    ...(body === undefined ? {} : { body }),
    answer: answer ?? Object.values(config.sends ?? {})[0],
  };
}

it('has every route, and no other', async () => {
  const routes = registered.filter(({ method, schema }) => method !== 'HEAD' && schema?.hide !== true);
  const table = await readTable();
  expect(routes.length).toBeGreaterThan(60);
  expect([...table.keys()].sort()).toEqual(routes.map(({ method, url }) => `${method} ${url}`).sort());
  for (const route of routes) {
    const name = `${route.method} ${route.url}`;
    const [said, meant] = [table.get(name) ?? {}, rowOf(route)];
    expect([name, Object.keys(said).sort()]).toEqual([name, Object.keys(meant).sort()]);
    for (const [member, value] of Object.entries(meant))
      expect(said[member] === value, `${name}: its ${member} is not what the route has`).toBe(true);
  }
});

it('agrees with the description that is checked in', async () => {
  const description = JSON.parse(readFileSync(join(PROTOCOL, 'openapi.json'), 'utf8')) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  const described = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
  );
  expect([...(await readTable()).keys()].sort()).toEqual(described.sort());
});

it('is the only place where clients write an address of the API', () => {
  const folders = ['control-plane/cli', 'control-plane/dashboard'];
  const files = globSync(
    folders.map((folder) => `${folder}/**/*.{ts,tsx}`),
    { cwd: ROOT, exclude: ['**/dist/**'] },
  );
  expect(files.length).toBeGreaterThan(100);
  const own = files.flatMap((file) =>
    readFileSync(join(ROOT, file), 'utf8')
      .split('\n')
      .filter((line) =>
        /\/v1\//.test(line.replace(/^\s*(\/\/|\*|\/\*\*).*/, '').replaceAll(/'[A-Z]+ \/v1\/[^']*'/g, '')),
      )
      .map((line) => `${file}: ${line.trim()}`),
  );
  expect(own).toEqual([]);
});
