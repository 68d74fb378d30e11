// How ffmpeg is asked: no buffering, a limit for each wait, no password where others can read it.
import { describe, expect, it } from 'vitest';
import type { FfmpegSource } from '../../../agent/frames/camera-source.ts';
import { ffmpegCommand } from '../../../agent/frames/ffmpeg-arguments.ts';

const rtsp = (url: string): FfmpegSource => ({ kind: 'rtsp', url, transport: 'tcp', fps: null });
const line = (source: FfmpegSource, canReadList = true) => ffmpegCommand(source, canReadList).parameters.join(' ');

describe('ffmpegCommand', () => {
  it('asks an RTSP camera without buffers, by its transport, and waits five seconds at most', () => {
    const asked = line(rtsp('rtsp://10.0.0.7/x'));
    expect(asked).toMatch(/^-hide_banner -nostdin -loglevel error -fflags nobuffer -flags low_delay /);
    expect(asked).toMatch(/-rtsp_transport tcp -timeout 5000000 .*-i rtsp:\/\/10\.0\.0\.7\/x /);
    expect(asked).toMatch(/-vsync passthrough -f image2pipe -c:v ppm -pix_fmt rgb24 pipe:1$/);
    expect(asked).not.toMatch(/-vf/);
  });

  it('gives a URL with a password on the standard input, and not among its parameters', () => {
    const { parameters, input } = ffmpegCommand(rtsp("rtsp://admin:ge'heim@10.0.0.7/x"), true);
    expect(parameters.join(' ')).not.toMatch(/heim|10\.0\.0\.7/);
    expect(input).toContain("file 'rtsp://admin:ge%27heim@10.0.0.7/x'\n");
    expect(input).toContain('option rtsp_transport tcp\n');
    expect(input).toContain('option timeout 5000000\n');
  });

  it('gives it as a parameter to an ffmpeg that cannot read it otherwise', () => {
    expect(line(rtsp('rtsp://admin:geheim@10.0.0.7/x'), false)).toContain('-i rtsp://admin:geheim@10.0.0.7/x ');
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
