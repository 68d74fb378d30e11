// The HTTP side of the preview: a handful of GET routes for people at the box, with nothing to change and nothing that
// another site could read. It never throws into the agent; an address that is taken is tried again.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { describeError } from '../../shared/basics/errors.ts';
import type { RoomLog } from '../frames/child-log.ts';
import { refusal } from './guard.ts';
import type { PreviewOptions } from './options.ts';

export type Served = { readonly type: string; readonly body: string | Buffer };

export type PreviewServerParts = {
  readonly options: PreviewOptions;
  readonly page: () => string;
  /** The page's facts for programs. */
  readonly facts: () => unknown;
  /** Null: not kept any more. */
  readonly bitmap: (cameraId: string, id: number) => Buffer | null;
  readonly log: Pick<RoomLog, 'info' | 'warn'>;
};

const CONNECTIONS_MAX = 16;
const HEADER_BYTES_MAX = 8 * 1024;
const REQUEST_MS_MAX = 5_000;
const IDLE_MS_MAX = 10_000;
const LISTEN_RETRY_MS = 30_000;

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
} as const;

export class PreviewServer {
  readonly #parts: PreviewServerParts;
  readonly #assets: Readonly<Record<string, Served>>;
  readonly #server: Server;
  #retry: NodeJS.Timeout | null = null;
  #hasWarned = false;

  constructor(parts: PreviewServerParts) {
    this.#parts = parts;
    this.#assets = {
      '/preview.css': asset('preview.css', 'text/css'),
      '/preview.js': asset('preview.js', 'text/javascript'),
    };
    const limits = { maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX };
    this.#server = createServer(limits, (request, response) => this.#answer(request, response));
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.timeout = IDLE_MS_MAX;
    this.#server.on('error', (error) => this.#listenLater(error));
    this.#server.on('listening', () => this.#tellAddress());
  }

  listen(): void {
    const { host, port } = this.#parts.options;
    this.#server.listen(port, host);
  }

  async close(): Promise<void> {
    if (this.#retry) clearTimeout(this.#retry);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #tellAddress(): void {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') return;
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    this.#parts.log.info({ url: `http://${host}:${address.port}/` }, 'the preview is open');
  }

  #listenLater(error: Error): void {
    const { host, port } = this.#parts.options;
    if (!this.#hasWarned)
      this.#parts.log.warn({ host, port, reason: describeError(error) }, 'the preview cannot be opened; trying again');
    this.#hasWarned = true;
    this.#retry = setTimeout(() => this.listen(), LISTEN_RETRY_MS);
    this.#retry.unref();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { host, 'sec-fetch-site': site, 'sec-fetch-dest': dest } = request.headers;
    const asked = { method: request.method, host, fetchSite: first(site), fetchDest: first(dest) };
    const refused = refusal(asked, this.#parts.options.host);
    // A body is not read: the connection ends with the answer.
    if (refused) send(response, refused.status, { type: 'text/plain', body: `${refused.reason}\n` });
    else this.#route(request.url ?? '/', response);
  }

  #route(url: string, response: ServerResponse): void {
    const [path = '/'] = url.split('?');
    const served = this.#find(path);
    if (served) send(response, 200, served);
    else send(response, 404, { type: 'text/plain', body: 'there is nothing here, or no more\n' });
  }

  #find(path: string): Served | null {
    if (path === '/') return { type: 'text/html', body: this.#parts.page() };
    if (path === '/facts.json') return { type: 'application/json', body: JSON.stringify(this.#parts.facts()) };
    const [, cameraId = '', id = ''] = /^\/frames\/([a-z0-9-]+)\/(\d{1,12})\.bmp$/.exec(path) ?? [];
    if (cameraId === '') return Object.hasOwn(this.#assets, path) ? (this.#assets[path] ?? null) : null;
    const body = this.#parts.bitmap(cameraId, Number(id));
    return body === null ? null : { type: 'image/bmp', body };
  }
}

function send(response: ServerResponse, status: number, { type, body }: Served): void {
  const isText = typeof body === 'string';
  const headers = {
    ...HEADERS,
    'content-type': isText ? `${type}; charset=utf-8` : type,
    'content-length': Buffer.byteLength(body),
    ...(status === 200 ? {} : { connection: 'close' }),
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
  };
  response.writeHead(status, headers).end(body);
}

function asset(name: string, type: string): Served {
  return { type, body: readFileSync(new URL(name, import.meta.url), 'utf8') };
}

function first(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0];
}
