// An HTTP camera on loopback that does what cameras do: streams and snapshots, and everything that goes wrong with them.
// What it does at present is `behaviour`; it can be changed while clients are connected.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import sharp from 'sharp';

export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

export const BOUNDARY = 'frame';

/** A JPEG of one grey. */
export function jpegOf(grey: number, side = 32): Promise<Buffer> {
  const background = { r: grey, g: grey, b: grey };
  return sharp({ create: { width: side, height: side, channels: 3, background } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

/** A PNG of one grey: small to send, and large to unpack. */
export function pngOf(side: number): Promise<Buffer> {
  return sharp({ create: { width: side, height: side, channels: 3, background: '#777' } })
    .png()
    .toBuffer();
}

export function partOf(jpeg: Uint8Array): Buffer {
  const head = `--${BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.byteLength}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), jpeg, Buffer.from('\r\n')]);
}

export class HttpCameraServer {
  readonly requests: IncomingMessage[] = [];
  behaviour: Behaviour;
  /** While true, streams stay open and give nothing. */
  isStalled = false;
  readonly #server: Server;
  readonly #timers = new Set<NodeJS.Timeout>();

  private constructor(behaviour: Behaviour) {
    this.behaviour = behaviour;
    this.#server = createServer((request, response) => {
      this.requests.push(request);
      response.on('error', () => undefined);
      this.behaviour(request, response);
    });
  }

  static async open(behaviour: Behaviour = (_request, response) => response.end()): Promise<HttpCameraServer> {
    const camera = new HttpCameraServer(behaviour);
    camera.#server.listen(0, '127.0.0.1');
    await once(camera.#server, 'listening');
    return camera;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  url(path = '/camera', who = ''): string {
    return `http://${who === '' ? '' : `${who}@`}${this.host}${path}`;
  }

  /** Streams these JPEGs around for ever. */
  stream(jpegs: readonly Uint8Array[], fps: number): Behaviour {
    return (_request, response) => {
      response.writeHead(200, { 'Content-Type': `multipart/x-mixed-replace; boundary=${BOUNDARY}` });
      let next = 0;
      const give = (): void => {
        if (this.isStalled) return;
        response.write(partOf(jpegs[next % jpegs.length] ?? Buffer.alloc(0)));
        next += 1;
      };
      give();
      const timer = setInterval(give, 1000 / fps);
      this.#timers.add(timer);
      response.on('close', () => clearInterval(timer));
    };
  }

  /** Ends every connection. */
  hangUp(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.hangUp();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
