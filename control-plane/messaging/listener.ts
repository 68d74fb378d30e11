// The TCP side of the broker: accepts, bounds and closes sockets. It never looks inside them.
import { createServer, type Server, type Socket } from 'node:net';
import { BelayError } from '../../shared/basics/errors.ts';

export type Listener = { readonly port: number; close(): Promise<void> };

export type ListenerOptions = {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly connectionsMax: number;
  readonly onSocket: (socket: Socket) => void;
  readonly onRefused: (address: string) => void;
  readonly onError: (error: Error) => void;
};

/** Half of a large fleet may knock in the same second; a short queue looks like an outage to them. */
const BACKLOG = 4096;

/** Throws BelayError `messaging-listen` when the address is taken or not ours. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    options.onSocket(socket);
  });
  server.maxConnections = options.connectionsMax;
  server.on('drop', (dropped) => options.onRefused(dropped?.remoteAddress ?? 'unknown'));
  await startListening(server, options);
  server.on('error', options.onError);
  return { port: portOf(server), close: () => closeAll(server, sockets) };
}

async function startListening(server: Server, { host, port }: ListenerOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host, port, backlog: BACKLOG }, resolve);
  try {
    await promise;
  } catch (cause) {
    throw new BelayError('messaging-listen', `cannot listen for devices on ${host}:${port}; choose another port`, {
      cause,
    });
  }
  server.removeListener('error', reject);
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function closeAll(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  for (const socket of sockets) socket.destroy();
  await promise;
}
