// HTTP cameras against a real server on loopback that does everything cameras do wrong: pictures come, and every refusal
// has a reason that a person can act on.
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpSource } from '../../../agent/frames/camera-source.ts';
import type { LiveCamera } from '../../../agent/frames/live-camera.ts';
import { openLiveCamera } from '../../../agent/frames/live-cameras.ts';
import { type Behaviour, BOUNDARY, HttpCameraServer, jpegOf, partOf } from './http-camera-server.ts';

const MULTIPART = { 'Content-Type': `multipart/x-mixed-replace; boundary=${BOUNDARY}` };

let server: HttpCameraServer;
let cameras: LiveCamera[];
let jpegs: Buffer[];
beforeEach(async () => {
  server = await HttpCameraServer.open();
  cameras = [];
  jpegs = await Promise.all([40, 120, 200].map((grey) => jpegOf(grey)));
});
afterEach(async () => {
  for (const camera of cameras) camera.close();
  await server.close();
});

const mjpeg = (url = server.url()): HttpSource => ({ kind: 'mjpeg', url, caFile: null, fps: null });
const snapshots = (fps = 50, url = server.url()): HttpSource => ({ kind: 'snapshots', url, caFile: null, fps });

type Seen = { readonly pictures: Uint8Array[]; unchanged: number; readonly reason: Promise<string> };

/** Plays until it fails; `enough` ends it from outside. */
function play(source: HttpSource, enough: (seen: Seen) => boolean = () => false): Seen {
  const camera = openLiveCamera(source);
  cameras.push(camera);
  const ended = Promise.withResolvers<string>();
  const seen: Seen = { pictures: [], unchanged: 0, reason: ended.promise };
  const look = (): void => {
    if (!enough(seen)) return;
    ended.resolve('enough');
    camera.close();
  };
  camera
    .play({
      picture: ({ bytes }) => {
        seen.pictures.push(bytes);
        look();
      },
      unchanged: () => {
        seen.unchanged += 1;
        look();
      },
    })
    .then(
      () => ended.resolve('ended'),
      (error: Error) => ended.resolve(error.message),
    );
  return seen;
}

function answerWith(status: number, headers: Record<string, string> = {}, body: string | Uint8Array = ''): Behaviour {
  return (_request, response) => response.writeHead(status, headers).end(body);
}

describe('an MJPEG stream', () => {
  it('gives every picture, byte for byte and in order', async () => {
    server.behaviour = server.stream(jpegs, 50);
    const seen = play(mjpeg(), ({ pictures }) => pictures.length === 7);
    expect(await seen.reason).toBe('enough');
    expect(seen.pictures.map((bytes) => jpegs.findIndex((jpeg) => jpeg.equals(bytes)))).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  it('is thinned out to the pace that is wanted', async () => {
    server.behaviour = server.stream(jpegs, 100);
    const startedAt = performance.now();
    const seen = play({ kind: 'mjpeg', url: server.url(), caFile: null, fps: 20 }, (now) => now.pictures.length === 8);
    await seen.reason;
    // Eight pictures of 20 a second take at least six whole intervals.
    expect(performance.now() - startedAt).toBeGreaterThan(300);
  });

  it('is lost when the camera closes it, also in the middle of a picture', async () => {
    server.behaviour = (_request, response) => {
      response.writeHead(200, MULTIPART);
      response.write(partOf(jpegs[0]!));
      response.end(partOf(jpegs[1]!).subarray(0, 200));
    };
    const seen = play(mjpeg());
    expect(await seen.reason).toBe(`reading ${server.url()}: the camera closed its stream`);
    expect(seen.pictures).toHaveLength(1);
  });

  it('is lost when the connection breaks', async () => {
    server.behaviour = server.stream(jpegs, 20);
    const seen = play(mjpeg(), ({ pictures }) => {
      if (pictures.length === 2) server.hangUp();
      return false;
    });
    expect(await seen.reason).toMatch(/: the stream broke off \(aborted/);
  });

  it('passes over parts that are no pictures, and refuses a stream of nothing else', async () => {
    const news = Buffer.from(`--${BOUNDARY}\r\nContent-Type: application/xml\r\n\r\n<motion/>\r\n`);
    server.behaviour = (_request, response) => {
      response.writeHead(200, MULTIPART);
      response.write(Buffer.concat([news, partOf(jpegs[0]!), news]));
      for (let i = 0; i < 110; i += 1) response.write(news);
    };
    const seen = play(mjpeg());
    expect(await seen.reason).toMatch(/101 parts in a row were no JPEG or PNG \(the last says "application\/xml"\)/);
    expect(seen.pictures).toHaveLength(1);
  });

  it('says what to use instead when it is no stream', async () => {
    server.behaviour = answerWith(200, { 'Content-Type': 'image/jpeg' }, jpegs[0]);
    expect(await play(mjpeg()).reason).toMatch(/gives "image\/jpeg", no multipart stream; use the kind "snapshots"/);
    server.behaviour = answerWith(200, { 'Content-Type': 'text/html' }, '<html>');
    expect(await play(mjpeg()).reason).toMatch(/gives "text\/html", no multipart stream; check the URL/);
  });

  it('is refused when it is endless without any picture', async () => {
    server.behaviour = (_request, response) => {
      response.writeHead(200, MULTIPART);
      response.write(`--${BOUNDARY}\r\n${'X-Fill: 0123456789\r\n'.repeat(1000)}`);
    };
    expect(await play(mjpeg()).reason).toMatch(/holds 16384 bytes without the boundary and headers of a picture/);
  });
});

describe('snapshots', () => {
  it('are asked for at their pace', async () => {
    let next = 0;
    server.behaviour = (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'image/jpeg' }).end(jpegs[next++ % 3]);
    };
    const seen = play(snapshots(50), ({ pictures }) => pictures.length === 5);
    expect(await seen.reason).toBe('enough');
    expect(seen.pictures.map((bytes) => jpegs.findIndex((jpeg) => jpeg.equals(bytes)))).toEqual([0, 1, 2, 0, 1]);
  });

  it('that the camera calls the same are no new frames: by tag', async () => {
    server.behaviour = (request, response) => {
      const isKnown = request.headers['if-none-match'] === '"1"';
      if (isKnown) response.writeHead(304).end();
      else response.writeHead(200, { 'Content-Type': 'image/jpeg', ETag: '"1"' }).end(jpegs[0]);
    };
    const seen = play(snapshots(), ({ unchanged }) => unchanged === 3);
    await seen.reason;
    expect(seen.pictures).toHaveLength(1);
  });

  it('that the camera calls the same are no new frames: by a tag that it repeats, or a date with the same bytes', async () => {
    for (const headers of [{ ETag: '"7"' }, { 'Last-Modified': 'Sat, 21 Nov 2026 10:00:00 GMT' }]) {
      server.behaviour = answerWith(
        200,
        { 'Content-Type': 'image/jpeg', ...headers } as Record<string, string>,
        jpegs[0],
      );
      const seen = play(snapshots(), ({ unchanged }) => unchanged === 2);
      await seen.reason;
      expect(seen.pictures).toHaveLength(1);
    }
  });

  it('of the same second with other bytes are new frames', async () => {
    let next = 0;
    server.behaviour = (_request, response) => {
      const headers = { 'Content-Type': 'image/jpeg', 'Last-Modified': 'Sat, 21 Nov 2026 10:00:00 GMT' };
      response.writeHead(200, headers).end(jpegs[next++ % 3]);
    };
    const seen = play(snapshots(), ({ pictures }) => pictures.length === 3);
    expect(await seen.reason).toBe('enough');
  });

  it('may fail now and then; three failures in a row are a loss', async () => {
    let next = 0;
    server.behaviour = (_request, response) => {
      next += 1;
      const isFine = next < 4 ? next !== 2 : false;
      if (isFine) response.writeHead(200, { 'Content-Type': 'image/jpeg' }).end(jpegs[next % 3]);
      else response.writeHead(503).end();
    };
    const seen = play(snapshots());
    expect(await seen.reason).toMatch(/answered 503 Service Unavailable; look at the camera itself/);
    expect(seen.pictures).toHaveLength(2);
    expect(server.requests).toHaveLength(6);
  });

  it('that are cut off, or no pictures, are told', async () => {
    server.behaviour = (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'image/jpeg', 'Content-Length': '9999' });
      response.write(jpegs[0], () => response.destroy());
    };
    expect(await play(snapshots()).reason).toMatch(/the picture broke off: aborted/);
    server.behaviour = answerWith(200, { 'Content-Type': 'image/jpeg' }, 'no picture');
    expect(await play(snapshots()).reason).toMatch(/it gives "image\/jpeg", no JPEG or PNG; check the URL/);
    server.behaviour = server.stream(jpegs, 10);
    expect(await play(snapshots()).reason).toMatch(/use the kind "mjpeg" for a stream/);
  });
});

describe('a camera that refuses', () => {
  it.each([
    [401, /answered 401 Unauthorized; put user and password into its URL/],
    [403, /answered 403 Forbidden; put user and password into its URL/],
    [404, /answered 404 Not Found; check the path of the URL/],
    [500, /answered 500 Internal Server Error; look at the camera itself/],
  ])('with %i is told with the next step', async (status, reason) => {
    server.behaviour = answerWith(status);
    expect(await play(mjpeg()).reason).toMatch(reason);
    expect(await play(snapshots()).reason).toMatch(reason);
  });

  it('with headers that have no end is given up', async () => {
    server.behaviour = (_request, response) => {
      response.socket?.write(`HTTP/1.1 200 OK\r\n${'X-Fill: 0123456789012345\r\n'.repeat(2000)}`);
    };
    expect(await play(mjpeg()).reason).toMatch(/Header overflow.*check that the camera is on/i);
  });

  it('by not being there is told', async () => {
    const url = server.url();
    await server.close();
    expect(await play(mjpeg(url)).reason).toMatch(/ECONNREFUSED.*; check that the camera is on and can be reached/);
    server = await HttpCameraServer.open();
  });
});

describe('redirects', () => {
  it('are followed, three at most', async () => {
    server.behaviour = (request, response) => {
      if (request.url === '/camera') response.writeHead(302, { Location: '/real' }).end();
      else server.stream(jpegs, 50)(request, response);
    };
    const seen = play(mjpeg(), ({ pictures }) => pictures.length === 2);
    expect(await seen.reason).toBe('enough');
    server.behaviour = answerWith(302, { Location: '/camera' });
    expect(await play(mjpeg()).reason).toMatch(/redirected more than 3 times/);
    server.behaviour = answerWith(302, { Location: 'ftp://127.0.0.1/' });
    expect(await play(mjpeg()).reason).toMatch(/redirected to nowhere/);
  });

  it('to another host take no password along', async () => {
    const other = await HttpCameraServer.open(answerWith(401, { 'WWW-Authenticate': 'Basic realm="x"' }));
    server.behaviour = answerWith(302, { Location: other.url('/steal').replace('127.0.0.1', 'localhost') });
    expect(await play(mjpeg(server.url('/camera', 'viewer:geheim'))).reason).toMatch(/401/);
    expect(other.requests.map((request) => request.headers.authorization)).toEqual([undefined]);
    await other.close();
  });
});

describe('a camera that asks who we are', () => {
  const basic: Behaviour = (request, response) => {
    const expected = `Basic ${Buffer.from('viewer:ge:heim %').toString('base64')}`;
    if (request.headers.authorization === expected) server.stream(jpegs, 50)(request, response);
    else response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="camera"' }).end();
  };

  it('is told by Basic, and not before it asks', async () => {
    server.behaviour = basic;
    const seen = play(mjpeg(server.url('/camera', 'viewer:ge%3Aheim%20%25')), ({ pictures }) => pictures.length === 1);
    expect(await seen.reason).toBe('enough');
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('is told by Digest, with a count that grows from picture to picture', async () => {
    const md5 = (text: string) => createHash('md5').update(text).digest('hex');
    const counts: string[] = [];
    server.behaviour = (request, response) => {
      const field = (name: string) => new RegExp(`${name}="?([^",]+)`).exec(request.headers.authorization ?? '')?.[1];
      const [who, what] = [md5('viewer:camera:geheim'), md5('GET:/camera?channel=1')];
      const wanted = md5(`${who}:n1:${field('nc')}:${field('cnonce')}:auth:${what}`);
      if (field('response') === wanted) {
        counts.push(field('nc') ?? '');
        response.writeHead(200, { 'Content-Type': 'image/jpeg' }).end(jpegs[counts.length % 3]);
      } else {
        const challenges = ['Basic realm="camera"', 'Digest realm="camera", nonce="n1", qop="auth,auth-int"'];
        response.writeHead(401, { 'WWW-Authenticate': challenges.join(', ') }).end();
      }
    };
    const url = server.url('/camera?channel=1', 'viewer:geheim');
    const seen = play(snapshots(50, url), ({ pictures }) => pictures.length === 3);
    expect(await seen.reason).toBe('enough');
    expect(counts).toEqual(['00000001', '00000002', '00000003']);
  });

  it('and does not like the answer is told without the password', async () => {
    server.behaviour = basic;
    const reason = await play(mjpeg(server.url('/camera?pwd=geheim2', 'viewer:geheim'))).reason;
    expect(reason).toMatch(/answered 401 Unauthorized; check the camera's user and password/);
    expect(reason).not.toMatch(/geheim/);
  });
});
