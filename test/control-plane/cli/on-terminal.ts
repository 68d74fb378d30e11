// Runs the real `belay` command on a terminal of its own (a pseudo-terminal by util-linux' script): what it shows, what is typed.
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { CLI_BUNDLE } from '../../../scripts/build-cli.ts';

const DEADLINE_MS = 20_000;
const LOOK_EVERY_MS = 20;

export type TerminalOptions = { readonly url: string; readonly env?: Readonly<Record<string, string>> };

export type Terminal = {
  /** Resolves once the screen has shown this; throws with what it has shown instead when the command ends or hangs. */
  sees(text: string): Promise<void>;
  /** Keys as they come from a keyboard: `\r` is Enter, `\u0003` Ctrl-C. */
  type(keys: string): void;
  /** Its exit code and everything that stood on the screen, without colours. */
  readonly ended: Promise<{ readonly code: number | null; readonly shown: string }>;
};

export function onTerminal(args: readonly string[], { url, env = {} }: TerminalOptions): Terminal {
  const words = [process.execPath, CLI_BUNDLE, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const child = spawn('script', ['-q', '-e', '-c', `stty cols 100 rows 30; exec ${words.join(' ')}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
    env: {
      PATH: process.env.PATH ?? '',
      SHELL: '/bin/sh',
      TERM: 'xterm',
      USER: 'lead',
      XDG_CONFIG_HOME: path.join(tmpdir(), 'belay-test-no-contexts'),
      NODE_COMPILE_CACHE: path.join(tmpdir(), 'belay-test-compile-cache'),
      BELAY_URL: url,
      ...env,
    },
  });
  let raw = '';
  let isOver = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    raw += text;
  });
  child.stdin.on('error', () => {});
  const shown = (): string => stripVTControlCharacters(raw);
  const ended = new Promise<{ code: number | null; shown: string }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      isOver = true;
      resolve({ code, shown: shown() });
    });
  });
  return {
    sees: async (text) => {
      while (!shown().includes(text)) {
        if (isOver) throw new Error(`the terminal never showed "${text}", but:\n${shown()}`);
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    },
    type: (keys) => void child.stdin.write(keys),
    ended,
  };
}
