// A real RTSP server (GStreamer's, on loopback) with an H.264 film made by ffmpeg, as a process that can be stalled and
// killed. Needs the Debian packages that scripts/debian-packages.ts names.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../fixtures/rtsp-server.py', import.meta.url));

export type Film = { readonly path: string; readonly seconds: number; readonly fps: number; readonly size: string };

/** A moving test picture; every frame differs from the one before. */
export function makeFilm({ path, seconds, fps, size }: Film): string {
  const source = `testsrc2=size=${size}:rate=${fps}:duration=${seconds}`;
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', `${fps}`, '-pix_fmt', 'yuv420p'];
  execFileSync('ffmpeg', ['-loglevel', 'error', '-y', '-f', 'lavfi', '-i', source, ...encode, path]);
  return path;
}

export class RtspServer {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  static async open(film: string, who: readonly [string, string] | readonly [] = []): Promise<RtspServer> {
    // The system's Python has the bindings of the system's packages; one on PATH may not.
    const child = spawn('/usr/bin/python3', [PROGRAM, film, ...who], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin?.on('error', () => undefined);
    for await (const line of createInterface({ input: child.stdout! })) return new RtspServer(child, Number(line));
    throw new Error('the RTSP server did not start; are its Debian packages installed?');
  }

  url(who = ''): string {
    return `rtsp://${who === '' ? '' : `${who}@`}127.0.0.1:${this.port}/camera`;
  }

  /** It keeps its connections and says nothing. */
  stall(): void {
    this.#process.kill('SIGSTOP');
  }

  resume(): void {
    this.#process.kill('SIGCONT');
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}
