// A receiver of answers on loopback: takes them, refuses them, fails, or says nothing, as the test asks.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export type Received = { readonly headers: IncomingMessage['headers']; readonly lines: readonly string[] };

export class HttpReceiver {
  readonly received: Received[] = [];
  connections = 0;
  /** What it answers to the next requests; null: nothing at all. */
  status: number | null = 204;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(tls: { readonly key: string; readonly cert: string } | null) {
    const listener: RequestListener = (request, response) => void this.#take(request, response);
    this.#server = tls === null ? createServer(listener) : (createTlsServer(tls, listener) as unknown as Server);
    this.#server.on(tls === null ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
    });
  }

  async open(port = 0): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Every answer that was taken, in order. */
  lines(): readonly string[] {
    return this.received.flatMap(({ lines }) => lines);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    if (this.status === null) return;
    const isTaken = this.status < 300;
    if (isTaken) this.received.push({ headers: request.headers, lines: text.trimEnd().split('\n') });
    response.writeHead(this.status).end('thanks');
  }
}
