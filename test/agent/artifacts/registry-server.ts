// A small registry for tests: a real HTTP server with ranges, that can be told to misbehave.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, body: Buffer) => boolean;

export class RegistryServer {
  readonly bodies = new Map<string, Buffer>();
  readonly requests: { readonly url: string; readonly range: string | undefined }[] = [];
  /** Every Authorization header that came, and '' for none. */
  readonly shown = new Set<string>();
  /** Returns true when it has answered (or broken) the request itself. */
  misbehave: Misbehaviour = () => false;
  readonly #server = createServer((request, response) => this.#answer(request, response));

  static async open(): Promise<RegistryServer> {
    const registry = new RegistryServer();
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '';
    const { range, authorization = '' } = request.headers;
    this.shown.add(authorization);
    this.requests.push({ url, range });
    const body = this.bodies.get(url);
    if (!body) return void response.writeHead(404).end();
    if (this.misbehave(request, response, body)) return;
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const piece = body.subarray(from);
    response.writeHead(range === undefined ? 200 : 206, { 'content-length': piece.length }).end(piece);
  }
}
