// The dashboard's way to the control plane: JSON over fetch with the session's cookie; refusals are ApiProblem.
import { signal } from '@preact/signals';
import type { SessionAnswer } from '../../shared/protocol/api-identity.ts';
import type { ProblemDocument } from '../../shared/protocol/api-problems.ts';
import { versionedBy } from '../../shared/protocol/versioned.ts';

const REQUEST_TIMEOUT_MS = 30_000;

/** What the server refused, with its own words; status 0: it could not be reached. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly problem: Partial<ProblemDocument>;

  constructor(status: number, problem: Partial<ProblemDocument>) {
    super(problem.detail ?? problem.title ?? `the control plane answered ${status}`);
    this.name = 'ApiProblem';
    this.status = status;
    this.problem = problem;
  }
}

/** Null until it is known; `identity.kind` is `nobody` when nobody has signed in. */
export const session = signal<SessionAnswer | null>(null);

/** ETags of what was read last, by address. */
const seen = new Map<string, string>();

type Asked = { readonly method?: string; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> };

/** Throws ApiProblem. The answer's shape is the server's word: both come from the same release. */
export async function ask<T>(path: string, { method = 'GET', body, headers = {} }: Asked = {}): Promise<T> {
  const csrf = session.value?.csrf;
  const response = await fetch(path, {
    method,
    credentials: 'same-origin',
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(csrf && method !== 'GET' ? { 'x-belay-csrf': csrf } : {}),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw new ApiProblem(0, { title: 'The control plane cannot be reached', detail: String(error) });
  });
  if (!response.ok) {
    if (response.status === 401) goToSignIn();
    throw new ApiProblem(response.status, await readProblem(response));
  }
  const tag = response.headers.get('etag');
  if (method === 'GET' && tag !== null) seen.set(path, tag);
  return (response.status === 204 ? null : await response.json()) as T;
}

/**
 * As `ask`, for what changes something: with a key, so that a repeated request is not a second act, and meant for the version
 * that the page has shown (412 when it has changed since).
 */
export async function act<T>(path: string, body: unknown, asked: Omit<Asked, 'body'> = {}): Promise<T> {
  const resource = versionedBy(path);
  const attempt = (tag: string | undefined) => {
    const match = tag === undefined ? {} : { 'if-match': tag };
    const headers = { 'idempotency-key': newKey(), ...match, ...asked.headers };
    return ask<T>(path, { method: asked.method ?? 'POST', body, headers });
  };
  const tag = resource === null ? undefined : seen.get(resource);
  try {
    return await attempt(tag);
  } catch (error) {
    const isAsked = error instanceof ApiProblem && error.status === 428;
    if (!isAsked || resource === null || tag !== undefined) throw error;
    await ask(resource);
    return attempt(seen.get(resource));
  }
}

/** Where nobody is signed in any more; and back again afterwards. */
function goToSignIn(): void {
  if (location.pathname === '/sign-in') return;
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** `crypto.randomUUID` is there over HTTPS and on this machine only. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function readProblem(response: Response): Promise<Partial<ProblemDocument>> {
  try {
    return (await response.json()) as Partial<ProblemDocument>;
  } catch {
    return { title: `The control plane answered ${response.status} ${response.statusText}` };
  }
}
