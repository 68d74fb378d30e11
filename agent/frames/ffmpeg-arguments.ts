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

export type FfmpegVersion = { readonly major: number; readonly minor: number };

/** Of the first line of `ffmpeg -version`; null for one that was built from no release: it is taken for a new one. */
export function readVersion(said: string): FfmpegVersion | null {
  const found = /^ffmpeg version n?(\d+)\.(\d+)/.exec(said);
  return found === null ? null : { major: Number(found[1]), minor: Number(found[2]) };
}

/** A URL with a password goes through the standard input where this ffmpeg can: everybody on the box sees its parameters. */
export function ffmpegCommand(source: FfmpegSource, version: FfmpegVersion | null): FfmpegCommand {
  const isModern = isFrom(version, 5, 1);
  const isHidden = isModern && hasPassword(source);
  return {
    parameters: [
      ...['-hide_banner', '-nostdin', '-loglevel', 'error'],
      ...(isHidden ? LIST_INPUT : inputOf(source, version)),
      ...['-map', '0:v:0', '-an', '-sn', '-dn'],
      ...(source.fps === null ? [] : ['-vf', source.kind === 'file' ? atPace(source.fps) : atMost(source.fps)]),
      // As they come: by default ffmpeg repeats and drops pictures to hold a constant rate.
      ...[
        isModern ? '-fps_mode' : '-vsync',
        'passthrough',
        '-f',
        'image2pipe',
        '-c:v',
        'ppm',
        '-pix_fmt',
        'rgb24',
        'pipe:1',
      ],
    ],
    input: isHidden ? listOf(source, version) : null,
  };
}

function isFrom(version: FfmpegVersion | null, major: number, minor: number): boolean {
  return version === null || version.major > major || (version.major === major && version.minor >= minor);
}

function hasPassword(source: FfmpegSource): source is RtspSource {
  return source.kind === 'rtsp' && URL.canParse(source.url) && new URL(source.url).password !== '';
}

type RtspSource = Extract<FfmpegSource, { kind: 'rtsp' }>;

const LIVE = ['-fflags', 'nobuffer', '-flags', 'low_delay'];
const PROTOCOLS = 'pipe,rtp,srtp,udp,tcp,tls,crypto,http,https';
const LIST_INPUT = [...LIVE, '-f', 'concat', '-safe', '0', '-protocol_whitelist', PROTOCOLS, '-i', 'pipe:0'];

function rtspOptions({ transport }: RtspSource, version: FfmpegVersion | null): readonly (readonly [string, string])[] {
  return [
    ['analyzeduration', `${ANALYSE_US}`],
    ['fpsprobesize', '0'],
    ['rtsp_transport', transport],
    // Before 5.0 the other name means to wait for somebody who calls.
    [isFrom(version, 5, 0) ? 'timeout' : 'stimeout', `${SOCKET_TIMEOUT_US}`],
    ['allowed_media_types', 'video'],
  ];
}

function listOf(source: RtspSource, version: FfmpegVersion | null): string {
  const options = [['fflags', 'nobuffer'], ...rtspOptions(source, version)].map(
    ([name, value]) => `option ${name} ${value}`,
  );
  const url = new URL(source.url).href.replaceAll("'", '%27');
  return ['ffconcat version 1.0', `file '${url}'`, ...options, ''].join('\n');
}

function inputOf(source: FfmpegSource, version: FfmpegVersion | null): readonly string[] {
  switch (source.kind) {
    case 'rtsp':
      return [
        ...LIVE,
        ...rtspOptions(source, version).flatMap(([name, value]) => [`-${name}`, value]),
        '-i',
        source.url,
      ];
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
