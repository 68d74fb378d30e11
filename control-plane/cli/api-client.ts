// The CLI's way to the control plane: HTTP with JSON in and out, answers checked against the API's own schemas.
import { z } from 'zod';
import { describeError } from '../../shared/basics/errors.ts';
import { describeProblems, parseJson } from '../../shared/basics/parsing.ts';
import type { Address } from '../../shared/protocol/address.ts';
import type { AnswerOf, BodyOf, Route } from '../../shared/protocol/endpoints.ts';
import { openExchange, type Request } from '../../shared/protocol/exchange.ts';
import { EXIT, type ExitCode, exitCodeOfStatus } from './exit-codes.ts';

/** A request may take this long before the control plane counts as unreachable. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Uploads get more time, by their size: also a line of 2 Mbit/s carries a large model. */
const UPLOAD_BYTES_PER_MS_MIN = 250;

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

/** What is read of an answer is in it. */
type Fits<R extends Route, T> = AnswerOf<R> extends T ? unknown : never;

export type ApiClient = {
  readonly url: string;
  /** A list is read to its end, unless the address turns its pages. `timeoutMs`: for what takes long to work out. */
  ask<R extends Route, T>(
    address: Address<R>,
    schema: z.ZodType<T> & Fits<R, T>,
    body?: BodyOf<R>,
    timeoutMs?: number,
  ): Promise<T>;
  /** A document as it is sent, such as Markdown. */
  getText(address: Address): Promise<string>;
  /** What is there no more afterwards; what is answered is of no interest. */
  remove(address: Address): Promise<void>;
  /** Reads a stream line by line until it ends or `signal` says so. Throws CommandError when there is none. */
  listen(address: Address, signal: AbortSignal, onLine: (line: string) => void): Promise<void>;
  /** Uploads bytes; true when the server had to be given them, false when it had them already. */
  upload(address: Address, bytes: Uint8Array): Promise<boolean>;
};

/** Who asks, and the key under which a change is made once only, however often it is sent. */
export type Credentials = {
  readonly token: string | null;
  readonly tokenFrom: string | null;
  readonly idempotencyKey: string | null;
  /** Of a session, in place of a token. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Hears the headers of every answer. */
  readonly onHeaders?: (headers: Headers) => void;
  /** A change is meant for what was read before (default). Who reads all the time and means whatever is there says false. */
  readonly remembersVersions?: boolean;
};
const NOBODY: Credentials = { token: null, tokenFrom: null, idempotencyKey: null };

/** An answer with its whole body: a connection that breaks half way is no answer. */
type Answer = {
  readonly ok: boolean;
  readonly status: number;
  readonly statusText: string;
  readonly text: string;
  readonly etag: string | null;
};

export function openApiClient(url: string, credentials: Credentials = NOBODY): ApiClient {
  const { token, tokenFrom, idempotencyKey, remembersVersions = true } = credentials;
  const identity = { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...credentials.headers };
  const call = openTransport(url, identity, credentials);
  const send = ({ method, path, headers, body }: Request, timeoutMs = REQUEST_TIMEOUT_MS): Promise<Answer> =>
    call(method, path, { headers, signal: AbortSignal.timeout(timeoutMs), ...(body === undefined ? {} : { body }) });
  const exchange = openExchange({ send, newKey: () => idempotencyKey, remembersVersions });
  const refuse = (answer: Omit<Answer, 'etag'>): CommandError => problemOf(answer, { url, tokenFrom });
  const answered = (answer: Answer): Answer => {
    if (answer.ok) return answer;
    throw refuse(answer);
  };
  return {
    url,
    ask: async <T>({ method, path }: Address, schema: z.ZodType<T>, body?: unknown, timeoutMs?: number) => {
      const read = async (place: string): Promise<T> =>
        readAnswer(answered(await exchange({ method, path: place }, { body, timeoutMs })), schema);
      return method === 'GET' ? readRest(await read(path), path, read) : read(path);
    },
    getText: async (address) => answered(await exchange(address)).text,
    remove: async (address) => {
      answered(await exchange(address));
    },
    listen: async ({ path }, signal, onLine) => {
      const headers = { ...identity, accept: 'text/event-stream' };
      const response = await fetch(new URL(path, url), { headers, signal }).catch((error: unknown) => {
        throw new CommandError(EXIT.unreachable, describeError(error));
      });
      const { ok, status, statusText, body } = response;
      if (!ok || body === null) throw refuse({ ok, status, statusText, text: await response.text() });
      await eachLine(body, onLine);
    },
    upload: async ({ method, path }, bytes) => {
      if ((await call('HEAD', path)).ok) return false;
      const timeoutMs = REQUEST_TIMEOUT_MS + Math.ceil(bytes.byteLength / UPLOAD_BYTES_PER_MS_MIN);
      const headers = { 'content-type': 'application/octet-stream' };
      const body = new Blob([new Uint8Array(bytes)]);
      answered(await call(method, path, { headers, body, signal: AbortSignal.timeout(timeoutMs) }));
      return true;
    },
  };
}

type Call = (method: string, path: string, init?: RequestInit) => Promise<Answer>;

/** One request, with who asks. */
function openTransport(url: string, identity: Readonly<Record<string, string>>, { onHeaders }: Credentials): Call {
  return async (method, path, init = {}) => {
    try {
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const headers = { ...identity, ...(init.headers as Record<string, string> | undefined) };
      const response = await fetch(new URL(path, url), { method, signal, ...init, headers });
      const { ok, status, statusText } = response;
      onHeaders?.(response.headers);
      return { ok, status, statusText, text: await response.text(), etag: response.headers.get('etag') };
    } catch (error) {
      const text = `cannot reach the control plane at ${url}: ${describeError(error)}. Is it running (belay up)? Another address: --url or BELAY_URL.`;
      throw new CommandError(EXIT.unreachable, text);
    }
  };
}

/** Until the stream ends, by itself or by breaking. */
async function eachLine(body: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
      rest = lines.pop() ?? '';
      lines.forEach(onLine);
    }
  } catch {
    // Broken, or closed by us: whoever listens looks again.
  }
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
  const parsed = parseJson(schema, answer.text);
  if (parsed.ok) return parsed.value;
  const text = `the control plane answered something this CLI does not understand (${describeProblems(parsed.problems.slice(0, 3))}). Are both of the same version, and is it a control plane?`;
  throw new CommandError(EXIT.failed, text);
}

/** problem+json → one message: what happened, each further mistake on its own line, and what to do next. */
function problemOf({ status, statusText, text }: Omit<Answer, 'etag'>, asked: Asked): CommandError {
  const exitCode = exitCodeOfStatus(status);
  const parsed = parseJson(problemSchema, text);
  const signIn = nextOfRefusal(status, asked);
  if (!parsed.ok) {
    const said = `the control plane answered ${status} ${statusText}`.trimEnd();
    return new CommandError(exitCode, signIn === null ? said : `${said}\nNext: ${signIn}`);
  }
  const { title, detail, fix, errors = [] } = parsed.value;
  const said = detail ?? title;
  const told = new Set([said, ...said.slice(said.indexOf(': ') + 2).split('; ')]);
  const mistakes = errors
    .filter((error) => !told.has(error.message))
    .map((error) => `  ${[error.path ?? error.pointer, error.message].filter(Boolean).join(': ')}`);
  const next = [signIn ?? fix].flatMap((step) => (step === undefined ? [] : [`Next: ${step}`]));
  return new CommandError(exitCode, [said, ...mistakes, ...next].join('\n'), parsed.value);
}

type Asked = { readonly url: string; readonly tokenFrom: string | null };

/** The command that helps where nobody, or the wrong one, is signed in; null: the control plane knows better. */
function nextOfRefusal(status: number, { url, tokenFrom }: Asked): string | null {
  if (status !== 401) return null;
  if (tokenFrom === 'BELAY_TOKEN') return 'BELAY_TOKEN is not accepted: put a valid token there (belay token create)';
  return tokenFrom === null ? `belay login ${url}` : `belay login ${url} (the token of context ${tokenFrom} is over)`;
}
