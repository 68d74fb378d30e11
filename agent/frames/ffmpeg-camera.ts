// Cameras that ffmpeg reads: RTSP, V4L2 and video files. One child in a process group of its own; it is killed with the
// whole group, and the kernel kills it when this process is gone, however that came about.
import { type ChildProcess, execFileSync, type StdioOptions, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { BelayError, describeError } from '../../shared/basics/errors.ts';
import { type FfmpegSource, SourceError } from './camera-source.ts';
import { type FfmpegVersion, ffmpegCommand, readVersion } from './ffmpeg-arguments.ts';
import type { LiveCamera, LiveFeed } from './live-camera.ts';
import { maskIn } from './mask-url.ts';
import { PpmReader } from './ppm-reader.ts';

/** What a broken stream says over and over is told by its last lines. */
const WORDS_CHARS_MAX = 400;
/** Where Debian and its relatives put programs; a service may have been started without PATH. */
const PATH_DEFAULT = '/usr/local/bin:/usr/bin:/bin';

export function openFfmpegCamera(source: FfmpegSource): LiveCamera {
  return new FfmpegCamera(source);
}

class FfmpegCamera implements LiveCamera {
  readonly #source: FfmpegSource;
  #child: ChildProcess | null = null;
  /** A process that exits takes the group with it; being killed, it leaves that to the kernel. */
  readonly #atExit = () => this.close();

  constructor(source: FfmpegSource) {
    this.#source = source;
  }

  async play(feed: LiveFeed): Promise<void> {
    checkPlace(this.#source);
    const child = this.#start();
    const reader = new PpmReader();
    let pictures = 0;
    let words = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-4 * WORDS_CHARS_MAX);
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.stdout?.on('data', (chunk: Uint8Array) => {
      try {
        for (const picture of reader.push(chunk)) {
          pictures += 1;
          feed.picture(picture);
        }
      } catch (error) {
        // Anything else is a mistake of ours, and ends this process.
        if (!(error instanceof BelayError)) throw error;
        reject(error);
      }
    });
    child.on('error', (error) => reject(new SourceError(`starting ffmpeg: ${describeError(error)}`, { cause: error })));
    // Only when its pipes are read to their end is everything heard that it said.
    child.on('close', (code, signal) => {
      const isEnd = this.#source.kind === 'file' && code === 0 && pictures > 0;
      if (isEnd) resolve();
      else reject(endingOf(this.#source, { code, signal, words }));
    });
    await promise;
  }

  close(): void {
    process.off('exit', this.#atExit);
    const pid = this.#child?.pid;
    this.#child = null;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  }

  #start(): ChildProcess {
    const ffmpeg = programPath('ffmpeg');
    if (ffmpeg === null)
      throw new SourceError(
        `the camera kind "${this.#source.kind}" needs ffmpeg, which is not installed; run "apt-get install ffmpeg"`,
      );
    const setpriv = programPath('setpriv');
    const { parameters: asked, input } = ffmpegCommand(this.#source, versionOf(ffmpeg));
    const command = [ffmpeg, ...asked];
    const [program = ffmpeg, ...parameters] = setpriv === null ? command : [setpriv, '--pdeathsig', 'KILL', ...command];
    const stdin = input === null ? 'ignore' : 'pipe';
    const child = spawn(program, parameters, { detached: true, stdio: [stdin, 'pipe', 'pipe'] });
    this.#child = child;
    // Its death is told by its end.
    child.stdin?.on('error', () => undefined).end(input);
    process.on('exit', this.#atExit);
    return child;
  }
}

/** What ffmpeg would say in its own words, or not at all. */
function checkPlace(source: FfmpegSource): void {
  if (source.kind === 'rtsp') return;
  const path = source.kind === 'v4l2' ? source.device : source.path;
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw new SourceError(`${path} ${complaintOf(source.kind, error)}`);
  }
}

function complaintOf(kind: 'v4l2' | 'file', error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  const isCamera = kind === 'v4l2';
  if (code === 'ENOENT')
    return isCamera
      ? 'is not there; plug the camera in, or see with "ls /dev/video*" which number it has'
      : 'is not there; check the path of the video file';
  if (code === 'EACCES')
    return isCamera
      ? 'may not be read by this user; add it to the group "video"'
      : 'may not be read by this user; change the rights of the video file';
  return `cannot be read: ${describeError(error)}`;
}

type Ending = { readonly code: number | null; readonly signal: string | null; readonly words: string };

/** A stream that is closed ends ffmpeg with code 0: for a camera that is a loss like any other. */
function endingOf(source: FfmpegSource, { code, signal, words }: Ending): SourceError {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const said = source.kind === 'rtsp' ? maskIn(words, source.url) : words;
  const lines = said.split('\n').map((line) => line.replace(/^\[[^\]]*\] /, '').trim());
  const last = [...new Set(lines.filter((line) => line !== ''))].slice(-3).join('; ');
  if (last === '') return new SourceError(`the camera's stream ended (ffmpeg: ${how})`);
  return new SourceError(`the camera's stream could not be read: ${last.slice(-WORDS_CHARS_MAX)} (ffmpeg: ${how})`);
}

function versionOf(ffmpeg: string): FfmpegVersion | null {
  const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
  try {
    return readVersion(execFileSync(ffmpeg, ['-version'], { encoding: 'utf8', timeout: 5000, stdio }));
  } catch {
    // Then it is asked in the ordinary way, and says itself what is wrong with it.
    return null;
  }
}

function programPath(name: string): string | null {
  const folders = (process.env.PATH ?? PATH_DEFAULT).split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => isExecutable(path)) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
