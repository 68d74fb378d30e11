// A small HTTP server that answers as the control plane would, from recorded documents, and keeps what it was asked.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  PROBLEM_CONTENT_TYPE,
  PROBLEMS,
  type ProblemCode,
  problemSchema,
  problemType,
} from '../../../shared/protocol/api-problems.ts';

export type Request = {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly bytes: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
};
/** `cut`: the connection ends in the middle of the body. */
export type Answer = {
  readonly status?: number;
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The connection stays open after the body, as a stream's. */
  readonly open?: boolean;
  readonly cut?: boolean;
};
export type Route = Answer | ((request: Request, times: number) => Answer);

export type RecordedServer = {
  readonly url: string;
  readonly requests: readonly Request[];
  /** Replaces all answers; keys as `GET /v1/status`, a final `*` stands for anything. */
  answer(routes: Readonly<Record<string, Route>>): void;
  /** The last request with this method and path. */
  last(key: string): Request | undefined;
  close(): Promise<void>;
};

/** problem+json as the control plane sends it. */
export function problem(
  code: ProblemCode,
  detail: string,
  errors: readonly { path: string; message: string }[] = [],
): Answer {
  const { status, title, fix } = PROBLEMS[code];
  const body = { type: problemType(code), title, status, detail, fix, instance: '/v1', requestId: 'req-1', errors };
  return { status, body: problemSchema.parse(body), type: PROBLEM_CONTENT_TYPE };
}

export async function openRecordedServer(): Promise<RecordedServer> {
  const requests: Request[] = [];
  const counts = new Map<string, number>();
  let routes: Readonly<Record<string, Route>> = {};
  const server = createServer((incoming, response) => {
    void read(incoming).then((request) => {
      requests.push(request);
      const key = `${request.method} ${request.path}`;
      const times = counts.get(key) ?? 0;
      counts.set(key, times + 1);
      const route = routeOf(routes, key) ?? problem('unknown-route', `no answer is recorded for ${key}`);
      send(response, typeof route === 'function' ? route(request, times) : route);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (next) => {
      routes = next;
      requests.length = 0;
      counts.clear();
    },
    last: (key) => requests.findLast((request) => `${request.method} ${request.path}` === key),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function routeOf(routes: Readonly<Record<string, Route>>, key: string): Route | undefined {
  const wild = Object.keys(routes).find((name) => name.endsWith('*') && key.startsWith(name.slice(0, -1)));
  return routes[key] ?? (wild === undefined ? undefined : routes[wild]);
}

async function read(incoming: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const isJson = incoming.headers['content-type']?.startsWith('application/json') === true;
  const body: unknown = isJson ? JSON.parse(bytes.toString('utf8')) : null;
  const { method = '', url = '', headers } = incoming;
  return { method, path: url, body, bytes: bytes.byteLength, headers };
}

function send(response: ServerResponse, answer: Answer): void {
  const { status = 200, body = {}, type = 'application/json; charset=utf-8', cut = false, open = false } = answer;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const length = Buffer.byteLength(text);
  if (open) {
    response.writeHead(status, { 'content-type': type, ...answer.headers });
    response.write(text);
    return;
  }
  response.writeHead(status, {
    'content-type': type,
    ...(status === 204 ? {} : { 'content-length': cut ? length + 1 : length }),
    ...answer.headers,
  });
  if (status === 204) response.end();
  else if (cut) response.write(text, () => response.destroy());
  else response.end(text);
}
