// The CLI's way to the control plane: HTTP with JSON in and out, answers checked against the API's own schemas.
import { z } from 'zod';
import { describeError } from '../../shared/basics/errors.ts';
import { describeProblems, parseValue } from '../../shared/basics/parsing.ts';
import { EXIT, type ExitCode, exitCodeOfStatus } from './exit-codes.ts';

/** A request may take this long before the control plane counts as unreachable. */
const REQUEST_TIMEOUT_MS = 30_000;

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
  errors: z
    .array(z.looseObject({ path: z.string().optional(), pointer: z.string().optional(), message: z.string() }))
    .optional(),
});

export type ApiClient = {
  readonly url: string;
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  post<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T>;
  /** Uploads bytes; true when the server had to be given them, false when it had them already. */
  upload(path: string, bytes: Uint8Array): Promise<boolean>;
};

export function openApiClient(url: string): ApiClient {
  const call = async (method: string, path: string, init: RequestInit = {}): Promise<Response> => {
    try {
      return await fetch(new URL(path, url), { method, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS), ...init });
    } catch (error) {
      const text = `cannot reach the control plane at ${url}: ${describeError(error)}. Is it running (belay up)? Another address: --url or BELAY_URL.`;
      throw new CommandError(EXIT.unreachable, text);
    }
  };
  return {
    url,
    get: async (path, schema) => readAnswer(await call('GET', path), schema),
    post: async (path, body, schema) =>
      readAnswer(
        await call('POST', path, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
        schema,
      ),
    upload: async (path, bytes) => {
      if ((await call('HEAD', path)).ok) return false;
      const response = await call('PUT', path, {
        headers: { 'content-type': 'application/octet-stream' },
        body: new Blob([new Uint8Array(bytes)]),
      });
      if (!response.ok) throw await problemOf(response);
      return true;
    },
  };
}

async function readAnswer<T>(response: Response, schema: z.ZodType<T>): Promise<T> {
  if (!response.ok) throw await problemOf(response);
  const parsed = parseValue(schema, await response.json());
  if (parsed.ok) return parsed.value;
  const text = `the control plane answered something this CLI does not understand (${describeProblems(parsed.problems.slice(0, 3))}). Are both of the same version?`;
  throw new CommandError(EXIT.failed, text);
}

/** problem+json → one message: the title, the detail, and each mistake on its own line. */
async function problemOf(response: Response): Promise<CommandError> {
  const body: unknown = await response.json().catch(() => null);
  const parsed = parseValue(problemSchema, body);
  if (!parsed.ok)
    return new CommandError(
      exitCodeOfStatus(response.status),
      `the control plane answered ${response.status} ${response.statusText}`,
    );
  const { title, detail, errors = [] } = parsed.value;
  const lines = errors.map((error) => `  ${[error.path ?? error.pointer, error.message].filter(Boolean).join(': ')}`);
  return new CommandError(exitCodeOfStatus(response.status), [detail ?? title, ...lines].join('\n'), body);
}
