// How ffmpeg is asked: no buffering, a limit for each wait, no password where others can read it.
import { describe, expect, it } from 'vitest';
import type { FfmpegSource } from '../../../agent/frames/camera-source.ts';
import { type FfmpegVersion, ffmpegCommand, readVersion } from '../../../agent/frames/ffmpeg-arguments.ts';

const rtsp = (url: string): FfmpegSource => ({ kind: 'rtsp', url, transport: 'tcp', fps: null });
const NEW = { major: 5, minor: 1 };
const OLD = { major: 4, minor: 4 };
const line = (source: FfmpegSource, version: FfmpegVersion | null = NEW) =>
  ffmpegCommand(source, version).parameters.join(' ');

describe('readVersion', () => {
  it.each([
    ['ffmpeg version 5.1.9-0+deb12u1 Copyright', { major: 5, minor: 1 }],
    ['ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright', { major: 4, minor: 4 }],
    ['ffmpeg version n7.1 Copyright', { major: 7, minor: 1 }],
    ['ffmpeg version N-109542-g0c1e4bc4ac', null],
  ])('of %j is %j', (said, version) => {
    expect(readVersion(said)).toEqual(version);
  });
});

describe('ffmpegCommand', () => {
  it('asks an RTSP camera without buffers, by its transport, and waits five seconds at most', () => {
    const asked = line(rtsp('rtsp://10.0.0.7/x'));
    expect(asked).toMatch(/^-hide_banner -nostdin -loglevel error -fflags nobuffer -flags low_delay /);
    expect(asked).toMatch(/-rtsp_transport tcp -timeout 5000000 .*-i rtsp:\/\/10\.0\.0\.7\/x /);
    expect(asked).toMatch(/-fps_mode passthrough -f image2pipe -c:v ppm -pix_fmt rgb24 pipe:1$/);
    expect(asked).not.toMatch(/-vf/);
  });

  it('gives a URL with a password on the standard input, and not among its parameters', () => {
    const { parameters, input } = ffmpegCommand(rtsp("rtsp://admin:ge'heim@10.0.0.7/x"), NEW);
    expect(parameters.join(' ')).not.toMatch(/heim|10\.0\.0\.7/);
    expect(input).toContain("file 'rtsp://admin:ge%27heim@10.0.0.7/x'\n");
    expect(input).toContain('option rtsp_transport tcp\n');
    expect(input).toContain('option timeout 5000000\n');
  });

  it('gives it as a parameter to an ffmpeg that cannot read it otherwise', () => {
    expect(line(rtsp('rtsp://admin:geheim@10.0.0.7/x'), OLD)).toContain('-i rtsp://admin:geheim@10.0.0.7/x ');
  });

  it('speaks the language of an older ffmpeg', () => {
    const asked = line(rtsp('rtsp://10.0.0.7/x'), OLD);
    expect(asked).toMatch(/ -stimeout 5000000 /);
    expect(asked).not.toMatch(/ -timeout /);
    expect(asked).toMatch(/ -vsync passthrough /);
    expect(line(rtsp('rtsp://10.0.0.7/x'), null)).toMatch(/ -timeout 5000000 .* -fps_mode passthrough /);
  });

  it('names size, format and pace of a V4L2 camera as far as they are wanted', () => {
    const camera = { kind: 'v4l2', device: '/dev/video0', size: '1280x720', format: 'mjpeg', fps: 15 } as const;
    expect(line(camera)).toContain('-f v4l2 -input_format mjpeg -video_size 1280x720 -framerate 15 -i /dev/video0 ');
    expect(line({ ...camera, size: null, format: null, fps: null })).toContain('low_delay -f v4l2 -i /dev/video0 ');
  });

  it('plays a file at its own pace or at another', () => {
    const file = { kind: 'file', path: '/a.mp4', loop: true, fps: null } as const;
    expect(line(file)).toContain('-threads 1 -re -stream_loop -1 -i /a.mp4 ');
    expect(line({ ...file, loop: false, fps: 5 })).toContain(
      '-threads 1 -i /a.mp4 -map 0:v:0 -an -sn -dn -vf setpts=N/(5*TB),realtime ',
    );
  });
});
