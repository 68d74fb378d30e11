// How ffmpeg is asked for a camera: no buffering, a limit for every wait, bare pixels at the camera's own size. The fit to
// a model is made of them later, by the same code that fits golden pictures. Pure.
import type { FfmpegSource } from './camera-source.ts';

/** For each wait on a socket, µs; the stall watch of the source is faster, this one is for when nobody watches. */
const SOCKET_TIMEOUT_US = 5_000_000;
/** Enough to see a key frame's size; a stream that says its size is begun at once. */
const ANALYSE_US = 2_000_000;

export type FfmpegCommand = {
  readonly parameters: readonly string[];
  /** What it reads on its standard input; null: nothing. */
  readonly input: string | null;
};

/** A URL with a password goes through the standard input where this ffmpeg can: everybody on the box sees its parameters. */
export function ffmpegCommand(source: FfmpegSource, canReadList: boolean): FfmpegCommand {
  const isHidden = canReadList && hasPassword(source);
  return {
    parameters: [
      ...['-hide_banner', '-nostdin', '-loglevel', 'error'],
      ...(isHidden ? LIST_INPUT : inputOf(source)),
      ...['-map', '0:v:0', '-an', '-sn', '-dn'],
      ...(source.fps === null ? [] : ['-vf', source.kind === 'file' ? atPace(source.fps) : atMost(source.fps)]),
      // As they come: by default ffmpeg repeats and drops pictures to hold a constant rate.
      ...['-vsync', 'passthrough', '-f', 'image2pipe', '-c:v', 'ppm', '-pix_fmt', 'rgb24', 'pipe:1'],
    ],
    input: isHidden ? listOf(source) : null,
  };
}

export function hasPassword(source: FfmpegSource): source is RtspSource {
  return source.kind === 'rtsp' && URL.canParse(source.url) && new URL(source.url).password !== '';
}

type RtspSource = Extract<FfmpegSource, { kind: 'rtsp' }>;

const LIVE = ['-fflags', 'nobuffer', '-flags', 'low_delay'];
const PROTOCOLS = 'pipe,rtp,srtp,udp,tcp,tls,crypto,http,https';
const LIST_INPUT = [...LIVE, '-f', 'concat', '-safe', '0', '-protocol_whitelist', PROTOCOLS, '-i', 'pipe:0'];

function rtspOptions({ transport }: RtspSource): readonly (readonly [string, string])[] {
  return [
    ['analyzeduration', `${ANALYSE_US}`],
    ['fpsprobesize', '0'],
    ['rtsp_transport', transport],
    ['timeout', `${SOCKET_TIMEOUT_US}`],
    ['allowed_media_types', 'video'],
  ];
}

function listOf(source: RtspSource): string {
  const options = [['fflags', 'nobuffer'], ...rtspOptions(source)].map(([name, value]) => `option ${name} ${value}`);
  const url = new URL(source.url).href.replaceAll("'", '%27');
  return ['ffconcat version 1.0', `file '${url}'`, ...options, ''].join('\n');
}

function inputOf(source: FfmpegSource): readonly string[] {
  switch (source.kind) {
    case 'rtsp':
      return [...LIVE, ...rtspOptions(source).flatMap(([name, value]) => [`-${name}`, value]), '-i', source.url];
    case 'v4l2':
      return [
        ...LIVE,
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
