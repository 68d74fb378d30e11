// How every client of the API asks: JSON in, what was read is remembered by its version, a change is meant for that version and
// made once. Sends nothing by itself: it is given how.
import { versionedBy } from './versioned.ts';

export type Request = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
};

export type AnswerHead = { readonly ok: boolean; readonly status: number; readonly etag: string | null };

export type ExchangeParts<Answer extends AnswerHead> = {
  /** Throws when nobody answers. */
  readonly send: (request: Request, timeoutMs?: number) => Promise<Answer>;
  /** Under which a change is made once only, however often it is sent; null: none. */
  readonly newKey: () => string | null;
  /** False: whoever reads all the time means whatever is there. */
  readonly remembersVersions?: boolean;
};

export type Asked = {
  readonly body?: unknown;
  /** Win over those that are made here. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number | undefined;
};

export type Exchange<Answer> = (
  to: { readonly method: string; readonly path: string },
  asked?: Asked,
) => Promise<Answer>;

const PRECONDITION_REQUIRED = 428;

/** A change of what was not read before is meant for what is there now: it is read when the answer says that this matters. */
export function openExchange<Answer extends AnswerHead>(parts: ExchangeParts<Answer>): Exchange<Answer> {
  const { send, newKey, remembersVersions = true } = parts;
  const seen = new Map<string, string>();
  const read = async (path: string, { headers = {}, timeoutMs }: Asked): Promise<Answer> => {
    const answer = await send({ method: 'GET', path, headers }, timeoutMs);
    if (answer.ok && remembersVersions && answer.etag !== null) seen.set(path, answer.etag);
    return answer;
  };
  const change = async (method: string, path: string, { body, headers, timeoutMs }: Asked): Promise<Answer> => {
    const key = newKey();
    const resource = versionedBy(path);
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const attempt = (tag: string | null | undefined): Promise<Answer> => {
      const made = {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === null ? {} : { 'idempotency-key': key }),
        ...(tag == null ? {} : { 'if-match': tag }),
      };
      return send({ method, path, headers: { ...made, ...headers }, ...json }, timeoutMs);
    };
    const tag = resource === null ? undefined : seen.get(resource);
    const answer = await attempt(tag);
    if (answer.status !== PRECONDITION_REQUIRED || resource === null || tag !== undefined) return answer;
    const { etag } = await send({ method: 'GET', path: resource, headers: {} });
    return etag === null ? answer : attempt(etag);
  };
  return ({ method, path }, asked = {}) => (method === 'GET' ? read(path, asked) : change(method, path, asked));
}
