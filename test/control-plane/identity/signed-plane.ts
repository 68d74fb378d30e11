// A control plane where everybody signs in, and people who do.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../../control-plane/config.ts';
import { type ControlPlane, openControlPlane } from '../../../control-plane/main.ts';
import type { Grant, SessionAnswer } from '../../../shared/protocol/api-identity.ts';

export type Answer = { readonly status: number; readonly body: Record<string, unknown>; readonly headers: Headers };

export type Person = {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  ask(method: string, path: string, body?: unknown): Promise<Answer>;
};

export type SignedPlane = {
  readonly url: string;
  readonly folder: string;
  readonly admin: Person;
  readonly nobody: Person;
  /** Signs in with a password. */
  person(name: string, password: string): Promise<Person>;
  /** An account, and somebody signed in to it. */
  newPerson(name: string, grants: readonly Grant[], more?: Record<string, unknown>): Promise<Person>;
  /** Somebody who shows these headers. */
  bearing(headers: Record<string, string>): Person;
  close(): Promise<void>;
};

export const PASSWORD = 'correct horse battery';

export async function openSignedPlane(): Promise<SignedPlane> {
  const folder = await mkdtemp(join(tmpdir(), 'belay-signed-'));
  const ports = { http: { port: 0 }, mqtt: { port: 0 } };
  let password = '';
  const plane: ControlPlane = await openControlPlane(
    parseConfig({ dataDir: folder, ...ports, log: { level: 'silent' } }),
    {
      onFirstAdmin: (made) => {
        password = made;
      },
    },
  );
  const url = plane.httpUrl;
  const bearing = (headers: Record<string, string>, name = 'somebody'): Person => ({
    name,
    headers,
    ask: (method, path, body) => ask({ method, url: `${url}${path}`, headers, body }),
  });
  const person = async (name: string, secret: string): Promise<Person> => {
    const answer = await ask({
      method: 'POST',
      url: `${url}/v1/session`,
      headers: {},
      body: { name, password: secret },
    });
    if (answer.status !== 200) throw new Error(`${name} could not sign in: ${JSON.stringify(answer.body)}`);
    const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';');
    return bearing({ cookie, 'x-belay-csrf': (answer.body as SessionAnswer).csrf ?? '' }, name);
  };
  const admin = await person('admin', password);
  return {
    url,
    folder,
    admin,
    nobody: bearing({}, 'nobody'),
    person,
    newPerson: async (name, grants, more = {}) => {
      const made = await admin.ask('POST', '/v1/accounts', { name, password: PASSWORD, grants, ...more });
      if (made.status !== 201) throw new Error(JSON.stringify(made.body));
      return person(name, PASSWORD);
    },
    bearing,
    close: async () => {
      await plane.close();
      await rm(folder, { recursive: true });
    },
  };
}

type Request = {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
};

async function ask({ method, url, headers, body }: Request): Promise<Answer> {
  const isForm = body instanceof URLSearchParams;
  const json = body === undefined || isForm ? {} : { 'content-type': 'application/json' };
  const sent = body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) };
  const response = await fetch(url, { method, headers: { ...json, ...headers }, redirect: 'manual', ...sent });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return {
    status: response.status,
    body: isJson && text !== '' ? JSON.parse(text) : { text },
    headers: response.headers,
  };
}
