// One narrow line between a device and its control plane: everything that comes down waits in one queue, first come, first
// served, as in the router of a small site. What goes up is not held back.
import { once } from 'node:events';
import { createServer, connect as openSocket, type Server, type Socket } from 'node:net';

export type NarrowLink = {
  /** A local port whose connections go to this one through the narrow line. */
  port(upstream: number): Promise<number>;
  /** Bytes that have come down. */
  passed(): number;
  close(): Promise<void>;
};

const TURN_MS = 10;

type Queued = { readonly bytes: Uint8Array; readonly to: Socket };

export function openNarrowLink(bytesPerSecond: number, queueBytes: number): NarrowLink {
  const queue: Queued[] = [];
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  let waiting = 0;
  let passed = 0;
  let allowance = 0;
  const sendNext = (): void => {
    allowance = Math.min(allowance + (bytesPerSecond * TURN_MS) / 1000, bytesPerSecond / 10);
    while (queue[0] && allowance > 0) {
      const { bytes, to } = queue.shift() as Queued;
      allowance -= bytes.byteLength;
      waiting -= bytes.byteLength;
      passed += bytes.byteLength;
      if (!to.destroyed) to.write(bytes);
    }
    if (waiting < queueBytes) for (const socket of sockets) socket.resume();
  };
  const timer = setInterval(sendNext, TURN_MS);
  const pass = (down: Socket, up: Socket): void => {
    up.on('data', (bytes) => {
      queue.push({ bytes, to: down });
      waiting += bytes.byteLength;
      if (waiting >= queueBytes) for (const socket of sockets) socket.pause();
    });
    down.pipe(up);
    sockets.add(up);
    for (const [socket, other] of [
      [down, up],
      [up, down],
    ] as const) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroySoon();
      });
    }
  };
  return {
    async port(upstream) {
      const server = createServer((down) => pass(down, openSocket(upstream, '127.0.0.1')));
      servers.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    },
    passed: () => passed,
    async close() {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}
