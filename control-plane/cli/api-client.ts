// The CLI's way to the control plane: HTTP with JSON in and out, answers checked against the API's own schemas.
import { z } from 'zod';
import { describeError } from '../../shared/basics/errors.ts';
import { describeProblems, parseJson } from '../../shared/basics/parsing.ts';
import { versionedBy } from '../../shared/protocol/versioned.ts';
import { EXIT, type ExitCode, exitCodeOfStatus } from './exit-codes.ts';

/** A request may take this long before the control plane counts as unreachable. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Uploads get more time, by their size: also a line of 2 Mbit/s carries a large model. */
const UPLOAD_BYTES_PER_MS_MIN = 250;

const PRECONDITION_REQUIRED = 428;

export const DEFAULT_URL = 'http://127.0.0.1:7420';

/** A refusal with its exit code; the message is for people. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  readonly details: unknown;

  constructor(exitCode: ExitCode, message: string, details: unknown = null) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.details = details;
  }
}

const problemSchema = z.looseObject({
  title: z.string(),
  detail: z.string().optional(),
  fix: z.string().optional(),
  errors: z
    .array(z.looseObject({ path: z.string().optional(), pointer: z.string().optional(), message: z.string() }))
    .optional(),
});

export type ApiClient = {
  readonly url: string;
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  /** A document as it is sent, such as Markdown. */
  getText(path: string): Promise<string>;
  /** `timeoutMs`: for what takes the control plane long to work out. */
  post<T>(path: string, body: unknown, schema: z.ZodType<T>, timeoutMs?: number): Promise<T>;
  put<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T>;
  /** Uploads bytes; true when the server had to be given them, false when it had them already. */
  upload(path: string, bytes: Uint8Array): Promise<boolean>;
};

type Sent = { readonly body: unknown; readonly timeoutMs?: number | undefined };

/** An answer with its whole body: a connection that breaks half way is no answer. */
type Answer = {
  readonly ok: boolean;
  readonly status: number;
  readonly statusText: string;
  readonly text: string;
  readonly etag: string | null;
};

export type ApiClientOptions = {
  /** A change is meant for what was read before (default). Who reads all the time and means whatever is there says false. */
  readonly remembersVersions?: boolean;
};

export function openApiClient(url: string, { remembersVersions = true }: ApiClientOptions = {}): ApiClient {
  const versions = new Map<string, string>();
  const call = async (method: string, path: string, init: RequestInit = {}): Promise<Answer> => {
    try {
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const response = await fetch(new URL(path, url), { method, signal, ...init });
      const { ok, status, statusText } = response;
      const answer = { ok, status, statusText, text: await response.text(), etag: response.headers.get('etag') };
      if (method === 'GET' && ok && remembersVersions && answer.etag !== null) versions.set(path, answer.etag);
      return answer;
    } catch (error) {
      const text = `cannot reach the control plane at ${url}: ${describeError(error)}. Is it running (belay up)? Another address: --url or BELAY_URL.`;
      throw new CommandError(EXIT.unreachable, text);
    }
  };
  /** Meant for the version that was read; of what was not read yet, for the one that is there now. */
  const send = async (method: 'POST' | 'PUT', path: string, { body, timeoutMs }: Sent): Promise<Answer> => {
    const resource = versionedBy(path);
    const attempt = (tag: string | null) => {
      const headers = { 'content-type': 'application/json', ...(tag === null ? {} : { 'if-match': tag }) };
      const signal = AbortSignal.timeout(timeoutMs ?? REQUEST_TIMEOUT_MS);
      return call(method, path, { headers, body: JSON.stringify(body), signal });
    };
    const seen = (resource && versions.get(resource)) ?? null;
    const answer = await attempt(seen);
    if (answer.status !== PRECONDITION_REQUIRED || resource === null) return answer;
    const { etag } = await call('GET', resource);
    return etag === null ? answer : attempt(etag);
  };
  return {
    url,
    get: async (path, schema) => {
      const first = readAnswer(await call('GET', path), schema);
      return readRest(first, path, async (next) => readAnswer(await call('GET', next), schema));
    },
    getText: async (path) => {
      const answer = await call('GET', path);
      if (!answer.ok) throw problemOf(answer);
      return answer.text;
    },
    post: async (path, body, schema, timeoutMs) => readAnswer(await send('POST', path, { body, timeoutMs }), schema),
    put: async (path, body, schema) => readAnswer(await send('PUT', path, { body }), schema),
    upload: async (path, bytes) => {
      if ((await call('HEAD', path)).ok) return false;
      const answer = await call('PUT', path, {
        headers: { 'content-type': 'application/octet-stream' },
        body: new Blob([new Uint8Array(bytes)]),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS + Math.ceil(bytes.byteLength / UPLOAD_BYTES_PER_MS_MIN)),
      });
      if (!answer.ok) throw problemOf(answer);
      return true;
    },
  };
}

/** The rest of a list, unless the caller turns its pages. Entries are those of the only array in the answer. */
async function readRest<T>(first: T, path: string, read: (path: string) => Promise<T>): Promise<T> {
  if (/[?&](?:limit|cursor)=/.test(path)) return first;
  let whole = first as Record<string, unknown>;
  for (let cursor = whole.nextCursor; typeof cursor === 'string'; ) {
    const next = (await read(`${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`)) as Record<
      string,
      unknown
    >;
    const key = Object.keys(whole).find((name) => Array.isArray(whole[name]));
    if (key === undefined) break;
    whole = { ...whole, [key]: [...(whole[key] as unknown[]), ...(next[key] as unknown[])] };
    cursor = next.nextCursor;
  }
  const { nextCursor: _, ...complete } = whole;
  return ('nextCursor' in whole ? complete : whole) as T;
}

function readAnswer<T>(answer: Answer, schema: z.ZodType<T>): T {
  if (!answer.ok) throw problemOf(answer);
  const parsed = parseJson(schema, answer.text);
  if (parsed.ok) return parsed.value;
  const text = `the control plane answered something this CLI does not understand (${describeProblems(parsed.problems.slice(0, 3))}). Are both of the same version, and is it a control plane?`;
  throw new CommandError(EXIT.failed, text);
}

/** problem+json → one message: what happened, each further mistake on its own line, and what to do next. */
function problemOf({ status, statusText, text }: Answer): CommandError {
  const exitCode = exitCodeOfStatus(status);
  const parsed = parseJson(problemSchema, text);
  if (!parsed.ok) return new CommandError(exitCode, `the control plane answered ${status} ${statusText}`.trimEnd());
  const { title, detail, fix, errors = [] } = parsed.value;
  const said = detail ?? title;
  const told = new Set([said, ...said.slice(said.indexOf(': ') + 2).split('; ')]);
  const mistakes = errors
    .filter((error) => !told.has(error.message))
    .map((error) => `  ${[error.path ?? error.pointer, error.message].filter(Boolean).join(': ')}`);
  const next = fix === undefined ? [] : [`Next: ${fix}`];
  return new CommandError(exitCode, [said, ...mistakes, ...next].join('\n'), parsed.value);
}
