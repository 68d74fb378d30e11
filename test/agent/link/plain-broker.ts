// A plain broker on loopback for tests of the link, a device's-eye view of it, and a proxy that can go silent.

import type { AddressInfo } from 'node:net';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { Aedes, type AedesPublishPacket } from 'aedes';

export type PlainBroker = {
  readonly url: string;
  readonly port: number;
  readonly broker: Aedes;
  /** Everything published by clients, as `topic payload`. */
  readonly published: { readonly topic: string; readonly text: string; readonly retain: boolean }[];
  readonly put: (topic: string, payload: string, retain?: boolean) => Promise<void>;
  readonly dropClients: () => void;
  readonly close: () => Promise<void>;
};

export async function openPlainBroker(
  options: { readonly password?: string; readonly port?: number } = {},
): Promise<PlainBroker> {
  const broker = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const published: { topic: string; text: string; retain: boolean }[] = [];
  if (options.password !== undefined)
    broker.authenticate = (_client, _username, password, done) => {
      const isRight = password?.toString() === options.password;
      done(isRight ? null : Object.assign(new Error('wrong password'), { returnCode: 4 as const }), isRight);
    };
  broker.on('publish', (packet: AedesPublishPacket, client) => {
    if (client) published.push({ topic: packet.topic, text: packet.payload.toString(), retain: packet.retain });
  });
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    broker.handle(socket);
  });
  const port = await listen(server, options.port ?? 0);
  const dropClients = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    broker,
    published,
    put: (topic, payload, retain = true) =>
      new Promise((resolve, reject) => {
        const packet = { cmd: 'publish' as const, topic, payload, qos: 1 as const, retain, dup: false };
        broker.publish(packet, (error) => (error ? reject(error) : resolve()));
      }),
    dropClients,
    close: async () => {
      dropClients();
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export type SilentProxy = {
  readonly url: string;
  /** From now on nothing passes in either direction, and nobody is told: a half-open connection. */
  readonly goSilent: () => void;
  readonly speakAgain: () => void;
  readonly close: () => Promise<void>;
};

export async function openSilentProxy(port: number): Promise<SilentProxy> {
  const sockets = new Set<Socket>();
  let isSilent = false;
  const pass = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.on('data', (bytes) => {
      if (!isSilent) to.write(bytes);
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      if (!isSilent) to.destroy();
    });
  };
  const server = createServer((socket) => {
    const upstream = dial(port, '127.0.0.1');
    pass(socket, upstream);
    pass(upstream, socket);
  });
  const proxyPort = await listen(server, 0);
  return {
    url: `mqtt://127.0.0.1:${proxyPort}`,
    goSilent: () => {
      isSilent = true;
    },
    speakAgain: () => {
      isSilent = false;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
