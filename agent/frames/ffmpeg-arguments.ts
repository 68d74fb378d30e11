// How ffmpeg is asked for a camera: no buffering, a limit for every wait, bare pixels at the camera's own size. The fit to
// a model is made of them later, by the same code that fits golden pictures. Pure.
import type { FfmpegSource } from './camera-source.ts';

/** For each wait on a socket, µs; the stall watch of the source is faster, this one is for when nobody watches. */
const SOCKET_TIMEOUT_US = 5_000_000;
/** Enough to see a key frame's size; a stream that says its size is begun at once. */
const ANALYSE_US = 2_000_000;

export function ffmpegArguments(source: FfmpegSource): readonly string[] {
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error'],
    ...inputOf(source),
    ...['-map', '0:v:0', '-an', '-sn', '-dn'],
    ...(source.fps === null ? [] : ['-vf', source.kind === 'file' ? atPace(source.fps) : atMost(source.fps)]),
    // As they come: by default ffmpeg repeats and drops pictures to hold a constant rate.
    ...['-vsync', 'passthrough', '-f', 'image2pipe', '-c:v', 'ppm', '-pix_fmt', 'rgb24', 'pipe:1'],
  ];
}

function inputOf(source: FfmpegSource): readonly string[] {
  const live = ['-fflags', 'nobuffer', '-flags', 'low_delay'];
  switch (source.kind) {
    case 'rtsp': {
      const analyse = ['-analyzeduration', `${ANALYSE_US}`, '-fpsprobesize', '0'];
      const network = ['-rtsp_transport', source.transport, '-timeout', `${SOCKET_TIMEOUT_US}`];
      return [...live, ...analyse, ...network, '-allowed_media_types', 'video', '-i', source.url];
    }
    case 'v4l2':
      return [
        ...live,
        ...['-f', 'v4l2'],
        ...(source.format === null ? [] : ['-input_format', source.format]),
        ...(source.size === null ? [] : ['-video_size', source.size]),
        ...(source.fps === null ? [] : ['-framerate', `${source.fps}`]),
        ...['-i', source.device],
      ];
    case 'file':
      return [
        // A file may be decoded ahead by every core; the models need those.
        ...['-threads', '1'],
        ...(source.fps === null ? ['-re'] : []),
        ...(source.loop ? ['-stream_loop', '-1'] : []),
        ...['-i', source.path],
      ];
  }
}

/** Every picture of a film, so many a second. */
function atPace(fps: number): string {
  return `setpts=N/(${fps}*TB),realtime`;
}

/** The first picture of each of so many parts of a second: no waiting for the next one, as the fps filter does. */
function atMost(fps: number): string {
  const part = (time: string) => `floor(${time}*${fps})`;
  return `select='isnan(prev_selected_t)+not(eq(${part('t')},${part('prev_selected_t')}))'`;
}
