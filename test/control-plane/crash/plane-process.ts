// A control plane as a process of its own, on a folder and ports that stay: started, ended by SIGKILL, started again. Says what
// its log says, line by line, at the moment at which it says it.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { freePort } from '../../free-port.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const PROGRAM = ['--disable-warning=ExperimentalWarning', path.join(ROOT, 'control-plane/main.ts')];
const START_DEADLINE_MS = 60_000;
const LOG_TAIL_LINES = 20;

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

export type PlaneProcess = {
  readonly httpUrl: string;
  readonly databaseFile: string;
  /** Resolves when it serves. */
  start(): Promise<void>;
  isRunning(): boolean;
  /** SIGKILL, now; it is gone when the promise resolves. */
  kill(): Promise<void>;
  logTail(): string;
};

export type PlaneOptions = {
  readonly folder: string;
  /** How often it looks at rollouts, and sends what is desired. */
  readonly tickMs: number;
  readonly deliveryMs: number;
  readonly onLine: (line: LogLine) => void;
};

export async function preparePlane({ folder, tickMs, deliveryMs, onLine }: PlaneOptions): Promise<PlaneProcess> {
  const [http, mqtt] = [await freePort(), await freePort()];
  const configFile = path.join(folder, 'control-plane.json');
  const config = { dataDir: 'data', signIn: 'open', http: { port: http }, mqtt: { port: mqtt }, tickMs, deliveryMs };
  await writeFile(configFile, JSON.stringify({ ...config, log: { level: 'debug' } }));
  const environment = { NODE_COMPILE_CACHE: path.join(folder, 'compile-cache'), ...process.env };
  // What is killed leaves no compiled code behind: one that ends by itself does, and some thirty starts are each a second faster.
  await promisify(execFile)(process.execPath, [...PROGRAM, '--help'], { env: environment });
  const tail: string[] = [];
  let child: ChildProcess | null = null;
  const isRunning = () => child !== null && child.exitCode === null && child.signalCode === null;
  const hear = (text: string): void => {
    tail.push(text);
    if (tail.length > LOG_TAIL_LINES) tail.shift();
    const line = readLine(text);
    if (line) onLine(line);
  };
  return {
    httpUrl: `http://127.0.0.1:${http}`,
    databaseFile: path.join(folder, 'data', 'belay.db'),
    isRunning,
    start: async () => {
      // Tethered: it ends with this process, whatever becomes of that.
      child = spawn(process.execPath, [...PROGRAM, '--config', configFile, '--tether'], { env: environment });
      if (child.stderr) createInterface({ input: child.stderr }).on('line', hear);
      if (!(await saysReady(child))) throw new Error(`the control plane did not start:\n${tail.join('\n')}`);
    },
    kill: async () => {
      if (!child || !isRunning()) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    logTail: () => tail.join('\n'),
  };
}

function saysReady(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), START_DEADLINE_MS);
    const say = (isReady: boolean): void => {
      clearTimeout(timer);
      resolve(isReady);
    };
    child.once('exit', () => say(false));
    if (child.stdout)
      createInterface({ input: child.stdout }).once('line', (line) => say(line.includes('"ready":true')));
  });
}

/** A process that is killed may leave half a line. */
function readLine(text: string): LogLine | null {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return null;
  }
}
