// Live cameras with real source processes: a real RTSP server, a video file, a stalling HTTP server. Frames come, losses
// are told with their cause and healed, and no process outlives the one that started it.
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CameraSource } from '../../../agent/frames/frames.ts';
import { CameraRig, descendants, isRunning } from './camera-rig.ts';
import { HttpCameraServer, jpegOf, pngOf } from './http-camera-server.ts';
import { makeFilm, RtspServer } from './rtsp-server.ts';

const PICTURE = { width: 160, height: 120 };

let films: CameraRig;
let film: string;
let short: string;
let brief: string;
beforeAll(() => {
  films = new CameraRig();
  film = makeFilm({ path: join(films.folder, 'film.mp4'), seconds: 60, fps: 10, size: '160x120' });
  brief = makeFilm({ path: join(films.folder, 'brief.mp4'), seconds: 3, fps: 10, size: '160x120' });
  short = makeFilm({ path: join(films.folder, 'short.mp4'), seconds: 1, fps: 10, size: '160x120' });
});
afterAll(() => films.close());

let rig: CameraRig;
let opened: { close(): Promise<void> }[];
beforeEach(() => {
  rig = new CameraRig();
  opened = [rig];
});
afterEach(async () => {
  for (const one of opened) await one.close();
});

async function rtspServer(path: string, who: readonly [string, string] | readonly [] = []): Promise<RtspServer> {
  const server = await RtspServer.open(path, who);
  opened.push(server);
  return server;
}

async function httpServer(): Promise<HttpCameraServer> {
  const server = await HttpCameraServer.open();
  opened.push(server);
  return server;
}

const rtsp = (url: string, transport: 'tcp' | 'udp' = 'tcp'): CameraSource => ({
  kind: 'rtsp',
  url,
  transport,
  fps: null,
});
const ffmpegs = () => descendants().filter(({ command }) => command.includes('-hide_banner'));
const sources = () => descendants().filter(({ command }) => command.includes('source-process.ts'));

function assertCountsAddUp(): void {
  const { captured, delivered, dropped } = rig.camera!.counts();
  expect(captured).toBe(delivered + Object.values(dropped).reduce((a, b) => a + b, 0));
  expect(delivered).toBe(rig.tokens.length);
}

describe('an RTSP camera', () => {
  it.each(['tcp', 'udp'] as const)('gives its pictures over %s at their size and pace', async (transport) => {
    const server = await rtspServer(film);
    await rig.open(rtsp(server.url(), transport));
    await rig.until('thirty frames', () => rig.tokens.length >= 30);
    expect(rig.tokens[0]?.picture).toEqual(PICTURE);
    const spanMs = rig.tokens.at(-1)!.monotonicMs - rig.tokens[9]!.monotonicMs;
    expect(spanMs / (rig.tokens.length - 10)).toBeGreaterThan(70);
    assertCountsAddUp();
    expect(rig.losses).toEqual([]);
  });

  it('is let in by Digest, and its password is nowhere to be read', async () => {
    const server = await rtspServer(film, ['viewer', 'geheim']);
    await rig.open(rtsp(server.url('viewer:geheim')));
    await rig.until('a frame', () => rig.tokens.length > 0);
    expect(ffmpegs()).toHaveLength(1);
    expect(
      descendants()
        .map(({ command }) => command)
        .filter((command) => command.includes('source-process') || command.includes('-hide_banner'))
        .join('\n'),
    ).not.toMatch(/geheim/);
    await rig.close();
    const refused = new CameraRig();
    opened.push(refused);
    await refused.open(rtsp(server.url('viewer:falsch')));
    await refused.until('the loss', () => refused.losses.length > 0);
    expect(refused.losses[0]?.detail).toMatch(/401 Unauthorized/);
    expect(refused.logText()).not.toMatch(/falsch/);
  });

  it('that ends its stream in good order is lost like any other, and comes back', async () => {
    const server = await rtspServer(brief);
    await rig.open(rtsp(server.url()));
    await rig.until('the loss', () => rig.losses.length > 0);
    expect(rig.losses[0]).toMatchObject({ reason: 'source-unreadable' });
    expect(rig.losses[0]?.detail).toMatch(/the camera's stream ended \(ffmpeg: exit code 0\)/);
    const seen = rig.tokens.length;
    await rig.until('frames again', () => rig.tokens.length > seen);
    assertCountsAddUp();
  });

  it('that stalls is told after two seconds, its ffmpeg is gone, and it comes back', async () => {
    const server = await rtspServer(film);
    await rig.open(rtsp(server.url()));
    await rig.until('frames', () => rig.tokens.length > 5);
    const [ffmpeg] = ffmpegs();
    server.stall();
    const stalledAt = performance.now();
    await rig.until('the loss', () => rig.losses.length > 0);
    expect(rig.losses[0]).toMatchObject({ reason: 'stalled' });
    expect(rig.losses[0]?.detail).toMatch(/the camera stalled: no picture for \d+ ms/);
    expect(performance.now() - stalledAt).toBeGreaterThan(1900);
    await rig.until('the end of its ffmpeg', () => !isRunning(ffmpeg!.pid));
    server.resume();
    const seen = rig.tokens.length;
    await rig.until('frames again', () => rig.tokens.length > seen + 5);
    assertCountsAddUp();
  });

  it('leaves no ffmpeg behind when its source is killed while everything stands still', async () => {
    const server = await rtspServer(film);
    await rig.open(rtsp(server.url()));
    await rig.until('frames', () => rig.tokens.length > 5);
    const [ffmpeg] = ffmpegs();
    const [source] = sources();
    server.stall();
    // It cannot even notice by itself that its pipe is broken.
    process.kill(ffmpeg!.pid, 'SIGSTOP');
    process.kill(source!.pid, 'SIGKILL');
    await rig.until('the end of its ffmpeg', () => !isRunning(ffmpeg!.pid), 2000);
    server.resume();
    await rig.until('the loss', () => rig.losses.length > 0);
    const seen = rig.tokens.length;
    await rig.until('frames again', () => rig.tokens.length > seen + 5);
    assertCountsAddUp();
    expect(rig.camera!.counts().captured).toBe(rig.tokens.at(-1)!.seq + 1);
  });
});

describe('a video file', () => {
  it('is played around for ever', async () => {
    await rig.open({ kind: 'file', path: short, loop: true, fps: 40 });
    await rig.until('three times around', () => rig.tokens.length > 30);
    expect(rig.losses).toEqual([]);
  });

  it('is played once, and then has ended', async () => {
    await rig.open({ kind: 'file', path: short, loop: false, fps: null });
    await rig.until('the end', () => rig.isEnded);
    expect(rig.tokens.length).toBe(10);
    expect(rig.losses).toEqual([]);
    expect(ffmpegs()).toEqual([]);
  });
});

describe('a camera that cannot be opened', () => {
  it('says what to plug in', async () => {
    await rig.open({ kind: 'v4l2', device: '/dev/video99', size: null, format: null, fps: null });
    await rig.until('the loss', () => rig.losses.length > 0);
    expect(rig.losses[0]?.detail).toMatch(/^\/dev\/video99 is not there; plug the camera in/);
  });

  it('says which Debian package it needs', async () => {
    const path = process.env.PATH;
    process.env.PATH = rig.folder;
    try {
      await rig.open({ kind: 'file', path: short, loop: true, fps: null });
    } finally {
      process.env.PATH = path;
    }
    await rig.until('the loss', () => rig.losses.length > 0);
    expect(rig.losses[0]?.detail).toBe(
      'the camera kind "file" needs ffmpeg, which is not installed; run "apt-get install ffmpeg"',
    );
  });
});

describe('an MJPEG camera', () => {
  it('that stalls is lost, and comes back', async () => {
    const server = await httpServer();
    server.behaviour = server.stream(await Promise.all([40, 120].map((grey) => jpegOf(grey))), 20);
    await rig.open({ kind: 'mjpeg', url: server.url(), caFile: null, fps: null });
    await rig.until('frames', () => rig.tokens.length > 5);
    server.isStalled = true;
    await rig.until('the loss', () => rig.losses.length > 0);
    expect(rig.losses[0]).toMatchObject({ reason: 'stalled' });
    server.isStalled = false;
    const seen = rig.tokens.length;
    await rig.until('frames again', () => rig.tokens.length > seen + 5);
    assertCountsAddUp();
  });

  it('whose pictures cannot be decoded is lost for that', async () => {
    const server = await httpServer();
    const broken = (await jpegOf(90)).subarray(0, 150);
    server.behaviour = server.stream([broken], 20);
    await rig.open({ kind: 'mjpeg', url: server.url(), caFile: null, fps: 20 });
    await rig.until('the loss', () => rig.losses.length > 0);
    expect(rig.losses[0]?.detail).toMatch(/the camera stalled: \d+ pictures in a row could not be decoded/);
    const { captured, dropped } = rig.camera!.counts();
    expect(dropped.unreadable).toBeGreaterThan(10);
    expect(captured).toBe(dropped.unreadable + dropped.late + dropped['source-died']);
  });

  it('that repeats one picture says for how long', async () => {
    const server = await httpServer();
    const [still, moving] = await Promise.all([40, 120].map((grey) => jpegOf(grey)));
    server.behaviour = server.stream([still!], 20);
    await rig.open({ kind: 'mjpeg', url: server.url(), caFile: null, fps: null });
    await rig.until('three judgements', () => rig.health.length >= 3);
    expect(rig.health[0]?.unchangedMs).toBe(0);
    expect(rig.health[2]?.unchangedMs).toBeGreaterThan(1500);
    server.behaviour = server.stream([still!, moving!, moving!], 20);
    server.hangUp();
    const judged = rig.health.length;
    await rig.until('a picture that is another', () =>
      rig.health.slice(judged).some(({ unchangedMs }) => unchangedMs === 0),
    );
  });

  it('is read at the pace of the camera: the newest picture wins, and what is passed over is counted', async () => {
    const server = await httpServer();
    // More than one process can fit to a model: large pictures that must be unpacked whole, two hundred a second.
    server.behaviour = server.stream([await pngOf(2400)], 200);
    await rig.open({ kind: 'mjpeg', url: server.url(), caFile: null, fps: null });
    await rig.until('pictures that were passed over', () => rig.camera!.counts().dropped.late > 50);
    await rig.until('frames', () => rig.tokens.length > 30);
    const sorted = [...rig.agesMs].sort((a, b) => a - b);
    // Waiting for the one before, and being worked on itself: it does not grow with time.
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(500);
    assertCountsAddUp();
  });
});

describe('snapshots', () => {
  it('that never change are judged all the same', async () => {
    const server = await httpServer();
    const jpeg = await jpegOf(80);
    server.behaviour = (request, response) => {
      if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end();
      else response.writeHead(200, { 'Content-Type': 'image/jpeg', ETag: '"1"' }).end(jpeg);
    };
    await rig.open({ kind: 'snapshots', url: server.url(), caFile: null, fps: 10 });
    await rig.until('three judgements', () => rig.health.length >= 3);
    expect(rig.tokens).toHaveLength(1);
    expect(rig.health[2]?.unchangedMs).toBeGreaterThan(1500);
    expect(rig.losses).toEqual([]);
  });
});

describe('closing', () => {
  it('ends every process of a live camera', async () => {
    const server = await rtspServer(film);
    await rig.open(rtsp(server.url()));
    await rig.until('a frame', () => rig.tokens.length > 0);
    const pids = [...ffmpegs(), ...sources()].map(({ pid }) => pid);
    expect(pids).toHaveLength(2);
    await rig.camera!.close();
    await rig.until('their end', () => pids.every((pid) => !isRunning(pid)), 2000);
  });
});
