// Somebody between a device and its broker: passes MQTT packets on, keeps what was published to the device, and can slip in
// packets of its own. What a device must refuse is put on the very wire that it listens to.
import { once } from 'node:events';
import { createServer, connect as openSocket, type Socket } from 'node:net';

const PUBLISH = 3;

export type Heard = { readonly topic: string; readonly text: string };

export type WireTap = {
  /** What the device has to connect to instead. */
  readonly url: string;
  /** Everything the broker has published to the device so far, oldest first. */
  heard(): readonly Heard[];
  /** Publishes to the device as if it came from the broker. False while no device is connected. */
  inject(topic: string, text: string): boolean;
  close(): Promise<void>;
};

export async function openWireTap(brokerUrl: string): Promise<WireTap> {
  const broker = new URL(brokerUrl);
  const heard: Heard[] = [];
  const sockets = new Set<Socket>();
  let device: Socket | null = null;
  const server = createServer((downstream) => {
    const upstream = openSocket(Number(broker.port), broker.hostname);
    const split = openSplitter((packet) => {
      const message = readPublish(packet);
      if (message) heard.push(message);
      downstream.write(packet);
    });
    upstream.on('data', split);
    downstream.pipe(upstream);
    device = downstream;
    for (const [socket, other] of [
      [downstream, upstream],
      [upstream, downstream],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `mqtt://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    heard: () => [...heard],
    // Whole packets are written at once, so that this one falls between two of them.
    inject: (topic, text) => device !== null && !device.destroyed && device.write(publishPacket(topic, text)),
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** Cuts a byte stream into MQTT packets: one byte of type, one to four of length, the rest. */
function openSplitter(onPacket: (packet: Buffer) => void): (chunk: Buffer) => void {
  let waiting = Buffer.alloc(0);
  return (chunk) => {
    waiting = Buffer.concat([waiting, chunk]);
    for (let size = packetSize(waiting); size !== null && size <= waiting.length; size = packetSize(waiting)) {
      onPacket(waiting.subarray(0, size));
      waiting = waiting.subarray(size);
    }
  };
}

function packetSize(bytes: Buffer): number | null {
  let length = 0;
  for (let at = 1; at <= 4; at++) {
    const byte = bytes[at];
    if (byte === undefined) return null;
    length += (byte & 127) * 128 ** (at - 1);
    if (byte < 128) return 1 + at + length;
  }
  throw new Error('not an MQTT stream');
}

function readPublish(packet: Buffer): Heard | null {
  const first = packet[0] ?? 0;
  if (first >> 4 !== PUBLISH) return null;
  let at = 1;
  while ((packet[at] ?? 0) > 127) at++;
  const topicLength = packet.readUInt16BE(at + 1);
  const topicEnd = at + 3 + topicLength;
  const hasId = (first & 6) !== 0;
  return {
    topic: packet.toString('utf8', at + 3, topicEnd),
    text: packet.toString('utf8', topicEnd + (hasId ? 2 : 0)),
  };
}

/** QoS 0, not retained. */
function publishPacket(topic: string, text: string): Buffer {
  const name = Buffer.from(topic);
  const payload = Buffer.from(text);
  const size: number[] = [];
  for (let rest = 2 + name.length + payload.length; size.length === 0 || rest > 0; rest = Math.floor(rest / 128))
    size.push((rest % 128) + (rest >= 128 ? 128 : 0));
  return Buffer.concat([Buffer.from([PUBLISH << 4, ...size, name.length >> 8, name.length & 255]), name, payload]);
}
