// Two cameras on one agent, as a program: one over RTSP, one over HTTP, each with its real model runner. Losing one never
// disturbs the other, is told with its cause and blamed on nobody; and every frame is accounted for exactly.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Window, windowSchema } from '../../shared/measure/window.ts';
import { AgentRig } from './agent-rig.ts';
import { HttpCameraServer, jpegOf } from './frames/http-camera-server.ts';
import { makeFilm, RtspServer } from './frames/rtsp-server.ts';

const MAIN = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
const SLOW_MS = 240_000;
const FPS = 8;

describe('two cameras on one agent', () => {
  const rig = new AgentRig();
  let rtsp: RtspServer;
  let http: HttpCameraServer;

  beforeAll(async () => {
    const film = makeFilm({ path: join(rig.folder, 'film.mp4'), seconds: 120, fps: FPS, size: '320x240' });
    rtsp = await RtspServer.open(film, ['viewer', 'geheim']);
    http = await HttpCameraServer.open();
    http.behaviour = http.stream(await Promise.all([30, 90, 150].map((grey) => jpegOf(grey, 256))), FPS);
    rig.cameras = [
      { id: 'belt', source: { kind: 'rtsp', url: rtsp.url('viewer:geheim') } },
      { id: 'gate', source: { kind: 'mjpeg', url: http.url('/video', 'viewer:auch-geheim') } },
    ];
    await rig.open('cv-detector/1.8.2');
    rig.start();
  }, SLOW_MS);
  afterAll(async () => {
    await rig.close();
    await rtsp?.close();
    await http?.close();
  }, SLOW_MS);

  const answersOf = (camera: string) => rig.answers.filter(({ request_id: id }) => id.split('/')[1] === camera);
  const blocked = () => rig.reported?.blocked ?? [];

  it(
    'answers the frames of both',
    async () => {
      await rig.until('answers of both', () => answersOf('belt').length > 5 && answersOf('gate').length > 5, 30_000);
    },
    SLOW_MS,
  );

  it(
    'goes on with one at its pace while the other is lost, and says why it is',
    async () => {
      http.isStalled = true;
      // On a busy machine the other may be late for a moment, too.
      const STALLED = /^camera gate gives no frames: the camera stalled: no picture for \d+ ms$/;
      const lost = () => rig.events.filter(({ kind }) => kind === 'camera-lost').map(({ reason }) => reason ?? '');
      await rig.until('the loss', () => lost().some((reason) => STALLED.test(reason)), 60_000);
      const [atMs, from] = [performance.now(), answersOf('belt').length];
      await rig.until('the report', () => blocked().some(({ kind }) => kind === 'camera-lost'));
      await rig.until('24 more answers', () => answersOf('belt').length >= from + 3 * FPS);
      // Three seconds of frames, and no wait of eight for the other in between.
      expect(performance.now() - atMs).toBeLessThan(7500);
      const text = execFileSync(process.execPath, [MAIN, 'explain', '--config', join(rig.folder, 'agent.json')]);
      expect(text.toString()).toMatch(/blocked {5}camera-lost: camera gate gives no frames: /);
      expect(rig.events.filter(({ kind }) => kind !== 'camera-lost').map(({ kind }) => kind)).not.toContain('reverted');
      http.isStalled = false;
      await rig.until('the return', () => rig.event('camera-back') !== undefined);
    },
    SLOW_MS,
  );

  it(
    'accounts for every frame exactly, over killed sources and runners, when all is at rest',
    async () => {
      killFirst('source-process.ts');
      await rig.until('both cameras', () => fresh(['belt', 'gate']), 90_000);
      killFirst('runner-process.ts');
      await rig.until('both cameras', () => fresh(['belt', 'gate']), 90_000);
      await Promise.all([rtsp.close(), http.close()]);
      const isAtRest = () => rig.windows.slice(-3).every((window) => framesOf(window) === 0);
      await rig.until('three windows at rest', () => rig.windows.length > 6 && isAtRest(), 30_000);
      const windows = rig.windows.map((window) => windowSchema.parse(window));
      for (const camera of ['belt', 'gate']) {
        const { captured, processed, dropped } = sumOf(windows, camera);
        expect(processed).toBe(answersOf(camera).length);
        expect(processed).toBeGreaterThan(20);
        expect(captured).toBe(processed + Object.values(dropped).reduce((a, b) => a + b, 0));
      }
    },
    SLOW_MS,
  );

  it('never shows a password', () => {
    const shown = [rig.log, JSON.stringify(rig.events), JSON.stringify(rig.reported), JSON.stringify(rig.windows)];
    expect(shown.join('\n')).not.toMatch(/geheim/);
  });

  let marks = new Map<string, number>();
  /** True once each of these has answered three more frames than when it was first asked; then it begins anew. */
  function fresh(cameras: readonly string[]): boolean {
    if (marks.size === 0) marks = new Map(cameras.map((camera) => [camera, answersOf(camera).length]));
    const isDone = cameras.every((camera) => answersOf(camera).length >= (marks.get(camera) ?? 0) + 3);
    if (isDone) marks.clear();
    return isDone;
  }

  function killFirst(program: string): void {
    const found = rig.processes().find(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program));
    if (!found) throw new Error(`no ${program} below the agent`);
    process.kill(found.pid, 'SIGKILL');
  }
});

function framesOf(window: unknown): number {
  return windowSchema.parse(window).cameras.reduce((sum, { captured, processed }) => sum + captured + processed, 0);
}

function sumOf(windows: readonly Window[], cameraId: string) {
  const total = { captured: 0, processed: 0, dropped: {} as Record<string, number> };
  for (const camera of windows.flatMap((window) => window.cameras).filter((one) => one.cameraId === cameraId)) {
    total.captured += camera.captured;
    total.processed += camera.processed;
    for (const [reason, count] of Object.entries(camera.dropped))
      total.dropped[reason] = (total.dropped[reason] ?? 0) + count;
  }
  return total;
}
