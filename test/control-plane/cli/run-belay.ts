// Runs the real `belay` command as a process of its own, as a person, a script or CI would.
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CLI_BUNDLE } from '../../../scripts/build-cli.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
/** A command that is not over by then hangs. */
const DEADLINE_MS = 15_000;
const COMPILE_CACHE = path.join(tmpdir(), 'belay-test-compile-cache');

const NO_CONTEXTS = path.join(tmpdir(), 'belay-test-no-contexts');

export type Run = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
export type RunOptions = {
  readonly url?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Hears stdout while the command runs. */
  readonly onOutput?: (text: string) => void;
};

export function runBelay(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const child = spawn(process.execPath, [CLI_BUNDLE, ...args], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
    env: {
      PATH: process.env.PATH ?? '',
      USER: 'lead',
      // Nobody's contexts: what the person who runs the tests has is not asked.
      XDG_CONFIG_HOME: NO_CONTEXTS,
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      ...(options.url === undefined ? {} : { BELAY_URL: options.url }),
      ...options.env,
    },
  });
  // A command that does not read it may be gone before it is written.
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin ?? '');
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    options.onOutput?.(text);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Lines that are wider than a terminal of 80 columns. */
export function tooWide(text: string): readonly string[] {
  return text.split('\n').filter((line) => [...line].length > 80);
}
