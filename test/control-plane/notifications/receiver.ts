// A receiver of webhooks on loopback: verifies every signature, keeps what came, and answers as the test says.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { type CloudEvent, cloudEventSchema } from '../../../shared/protocol/api-webhooks.ts';

export type Received = { readonly headers: IncomingHttpHeaders; readonly text: string; readonly event: CloudEvent };
export type Reply = { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> };

export type Receiver = {
  readonly url: string;
  readonly received: Received[];
  /** Null: never answers. */
  reply: (count: number) => Reply | null;
  close(): Promise<void>;
};

export async function openReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      received.push({ headers: request.headers, text, event: cloudEventSchema.parse(JSON.parse(text)) });
      const reply = receiver.reply(received.length);
      if (reply !== null) response.writeHead(reply.status, reply.headers).end(reply.body ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    reply: () => ({ status: 204 }),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return receiver;
}

/** Throws when the signature is not of this secret, or of other bytes. */
export function verify({ headers, text }: Received, secret: string): void {
  new Webhook(secret).verify(text, headers as Record<string, string>);
}
