// What a person writes for a camera becomes what its source is told, or a mistake with its place.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cameraSchema, readCameras } from '../../../agent/frames/source-options.ts';
import { type Problem, parseValue } from '../../../shared/basics/parsing.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-options-'));
  writeFileSync(join(dir, 'password'), 'ge:heim\n');
  writeFileSync(join(dir, 'empty'), '\n');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function read(source: object): { source: unknown; problems: readonly Problem[] } {
  const parsed = parseValue(cameraSchema, { id: 'camera-1', source });
  if (!parsed.ok) return { source: null, problems: parsed.problems };
  const problems: Problem[] = [];
  const [camera] = readCameras([parsed.value], { at: (path) => join(dir, path), problems });
  return { source: camera?.source, problems };
}

describe('a camera', () => {
  it.each([
    [
      { kind: 'line', loop: 'l', fps: 5 },
      { kind: 'line', path: 'DIR/l', fps: 5 },
    ],
    [
      { kind: 'folder', path: 'p', fps: 5 },
      { kind: 'folder', path: 'DIR/p', fps: 5 },
    ],
    [
      { kind: 'rtsp', url: 'rtsp://h/s' },
      { kind: 'rtsp', url: 'rtsp://h/s', transport: 'tcp', fps: null },
    ],
    [
      { kind: 'v4l2', device: '/dev/video0' },
      { kind: 'v4l2', device: '/dev/video0', size: null, format: null, fps: null },
    ],
    [
      { kind: 'file', path: 'a.mp4' },
      { kind: 'file', path: 'DIR/a.mp4', loop: true, fps: null },
    ],
    [
      { kind: 'mjpeg', url: 'http://h/v' },
      { kind: 'mjpeg', url: 'http://h/v', caFile: null, fps: null },
    ],
    [
      { kind: 'snapshots', url: 'https://h/s', caFile: 'ca.pem', fps: 2 },
      { kind: 'snapshots', url: 'https://h/s', caFile: 'DIR/ca.pem', fps: 2 },
    ],
    [
      { kind: 'rtsp', url: 'rtsp://viewer@h/s', passwordFile: 'password', transport: 'udp', fps: 5 },
      { kind: 'rtsp', url: 'rtsp://viewer:ge%3Aheim@h/s', transport: 'udp', fps: 5 },
    ],
  ])('of %j is read', (written, told) => {
    const expected = JSON.parse(JSON.stringify(told).replaceAll('DIR', dir)) as unknown;
    expect(read(written)).toEqual({ source: expected, problems: [] });
  });

  it.each([
    [{ kind: 'rtsp', url: 'http://h/s' }, /source.url: must be a URL such as rtsp:/],
    [{ kind: 'mjpeg', url: 'rtsp://h/s' }, /source.url: must be a URL such as http:/],
    [{ kind: 'snapshots', url: 'http://h/s' }, /source.fps: /],
    [{ kind: 'v4l2', device: 'video0' }, /source.device: must be a device such as \/dev\/video0/],
    [{ kind: 'v4l2', device: '/dev/video0', size: '1280' }, /source.size: must be a size such as 1280x720/],
    [{ kind: 'rtsp', url: 'rtsp://h/s', transport: 'http' }, /source.transport: /],
    [{ kind: 'rtsp', url: 'rtsp://h/s', speed: 1 }, /source: .*speed/],
    [{ kind: 'webcam' }, /source.kind: /],
    [{ kind: 'mjpeg', url: 'http://h/', passwordFile: 'password' }, /source.passwordFile: needs the user in the URL/],
    [
      { kind: 'mjpeg', url: 'http://a:b@h/', passwordFile: 'password' },
      /passwordFile: the URL holds a password already/,
    ],
    [{ kind: 'mjpeg', url: 'http://a@h/', passwordFile: 'empty' }, /passwordFile: .* is empty/],
    [{ kind: 'mjpeg', url: 'http://a@h/', passwordFile: 'gone' }, /passwordFile: cannot be read: ENOENT/],
  ])('of %j is a mistake', (written, mistake) => {
    const { problems } = read(written);
    expect(problems.map(({ path, message }) => `${path}: ${message}`).join('\n')).toMatch(mistake);
  });
});
