// The dashboard's way to the control plane: JSON over fetch with the session's cookie; refusals are ApiProblem.
import { signal } from '@preact/signals';
import type { Address } from '../../shared/protocol/address.ts';
import type { SessionAnswer } from '../../shared/protocol/api-identity.ts';
import type { ProblemDocument } from '../../shared/protocol/api-problems.ts';
import type { AnswerOf, BodyOf, Route } from '../../shared/protocol/endpoints.ts';
import { openExchange, type Request } from '../../shared/protocol/exchange.ts';

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

type Answer = {
  readonly ok: boolean;
  readonly status: number;
  readonly etag: string | null;
  readonly response: Response;
};

/** Throws ApiProblem when nobody answers. */
async function send({ method, path, headers, body }: Request): Promise<Answer> {
  const csrf = session.value?.csrf;
  const response = await fetch(path, {
    method,
    credentials: 'same-origin',
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    headers: { accept: 'application/json', ...(csrf && method !== 'GET' ? { 'x-belay-csrf': csrf } : {}), ...headers },
    ...(body === undefined ? {} : { body }),
  }).catch((error: unknown) => {
    throw new ApiProblem(0, { title: 'The control plane cannot be reached', detail: String(error) });
  });
  return { ok: response.ok, status: response.status, etag: response.headers.get('etag'), response };
}

/** What changes something has a key, so that a repeated request is no second act, and is meant for the version that was shown. */
const exchange = openExchange({ send, newKey });

type Headers = Readonly<Record<string, string>>;

/** Throws ApiProblem; 412: it has changed since. The answer's shape is the server's word: both come from the same release. */
export async function ask<R extends Route>(to: Address<R>, body?: BodyOf<R>, headers?: Headers): Promise<AnswerOf<R>> {
  const { ok, status, response } = await exchange(to, { body, ...(headers === undefined ? {} : { headers }) });
  if (!ok) {
    if (status === 401) goToSignIn();
    throw new ApiProblem(status, await readProblem(response));
  }
  return (await response.json()) as AnswerOf<R>;
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
