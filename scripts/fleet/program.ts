// One program of the fleet as a child process: started with its own log, ended by pid, never outliving its parent.
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { LEAN_SUPERVISOR, ONE_ARENA } from '../../agent/small-memory.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Started as its systemd unit starts it. */
const AGENT = 'agent/main.ts';
const LOG_TAIL_LINES = 12;
/** Children of an ended program may hold its stderr open: then its log is read as it is. */
const LOG_DRAIN_MS = 500;

export type Program = {
  readonly name: string;
  readonly pid: number;
  /** Exit code or signal, once it has ended. */
  readonly ended: Promise<string>;
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL after the deadline. */
  stop(deadlineMs?: number): Promise<void>;
  /** Last lines of its log, for error messages. */
  logTail(): Promise<string>;
};

export type ProgramOptions = {
  readonly name: string;
  /** Repository path of the entry file. */
  readonly entry: string;
  readonly args: readonly string[];
  /** `<logFolder>/<name>.log` takes stderr, `<name>.out` stdout. */
  readonly logFolder: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
};

/** Starts the program in a session of its own: a Ctrl-C at the terminal reaches the parent alone, which ends its children. */
export function startProgram(options: ProgramOptions): Program {
  const { name, entry, args, logFolder, onLine } = options;
  const logFile = path.join(logFolder, `${name}.log`);
  const flags = ['--disable-warning=ExperimentalWarning', ...(entry === AGENT ? LEAN_SUPERVISOR : [])];
  const child = spawn(process.execPath, [...flags, path.join(ROOT, entry), ...args], {
    cwd: ROOT,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...(entry === AGENT ? ONE_ARENA : {}), ...options.env },
  });
  const logged = finished(child.stderr.pipe(createWriteStream(logFile, { flags: 'a' }))).catch(() => {});
  child.stdout.pipe(createWriteStream(path.join(logFolder, `${name}.out`), { flags: 'a' }));
  if (onLine) createInterface({ input: child.stdout }).on('line', onLine);
  let isRunning = true;
  const ended = endOf(child).finally(() => {
    isRunning = false;
  });
  return {
    name,
    pid: child.pid ?? -1,
    ended,
    isRunning: () => isRunning && child.exitCode === null && child.signalCode === null,
    kill: (signal) => {
      child.kill(signal);
    },
    stop: (deadlineMs = 8000) => stopChild(child, ended, deadlineMs),
    logTail: async () => {
      // What a program says as it dies is still on its way when it has ended.
      if (!isRunning) await Promise.race([logged, wait(LOG_DRAIN_MS, undefined, { ref: false })]);
      return tailOf(logFile);
    },
  };
}

async function tailOf(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`not started: ${error.message}`));
    child.on('exit', (code, signal) => resolve(signal ?? `exit ${code}`));
  });
}

async function stopChild(child: ChildProcess, ended: Promise<string>, deadlineMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  await ended;
  clearTimeout(timer);
}
