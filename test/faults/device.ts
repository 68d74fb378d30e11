// One real agent process whose standard output and error are files in memory: what it said up to the moment it is frozen
// or killed can be read to the last byte. Owns the process.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { until } from '../../scripts/fleet/fleet.ts';
import { ADDRESS, type Voice } from './voice.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const FREEZE_MS_MAX = 5000;

export type DeviceOptions = {
  /** For the configuration, logs and rings; in memory. */
  readonly folder: string;
  readonly dataDir: string;
  readonly factory: string;
  readonly loop: string;
  /** Null: a device that runs alone. */
  readonly voice: Voice | null;
  readonly env?: Readonly<Record<string, string>>;
};

export type Answer = { readonly model_digest: string; readonly role: string; readonly answered_at_ms: number };
export type LoggedEvent = { readonly event: string; readonly seq: number; readonly reason: string };

export class Device {
  readonly #options: DeviceOptions;
  readonly #child: ChildProcess;
  readonly #startedAtMs = performance.now();
  readonly #out: string;
  readonly #err: string;
  readonly ended: Promise<void>;

  constructor(options: DeviceOptions, number: number) {
    this.#options = options;
    this.#out = join(options.folder, `agent-${number}.out`);
    this.#err = join(options.folder, `agent-${number}.err`);
    const [out, err] = [openSync(this.#out, 'a'), openSync(this.#err, 'a')];
    const main = join(ROOT, 'agent/main.ts');
    this.#child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, '--config', this.#config()], {
      stdio: ['ignore', out, err],
      env: { ...process.env, NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/compile'), ...options.env },
    });
    closeSync(out);
    closeSync(err);
    this.ended = new Promise((resolve) => this.#child.once('exit', () => resolve()));
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get ringDir(): string {
    return join(this.#options.folder, 'rings');
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  answers(): readonly Answer[] {
    return parseLines<Answer>(readFileSync(this.#out, 'utf8'));
  }

  /** What the agent said about itself. */
  log(): readonly Record<string, unknown>[] {
    return parseLines(readFileSync(this.#err, 'utf8'));
  }

  stderr(): string {
    return readFileSync(this.#err, 'utf8');
  }

  /** Events that had been acknowledged to whoever caused them: the log line follows the storing. */
  loggedEvents(): readonly LoggedEvent[] {
    return this.log().filter((line) => typeof line.event === 'string' && typeof line.seq === 'number') as LoggedEvent[];
  }

  /** The agent and every process that it has started. */
  tree(): readonly number[] {
    return [this.pid, ...childrenOf(this.pid)];
  }

  /** Stops every process of the agent where it is; the supervisor first, and all of its threads have stopped on return. */
  async freeze(): Promise<void> {
    this.#child.kill('SIGSTOP');
    if (!(await until(() => isStopped(this.pid), FREEZE_MS_MAX, 1))) throw new Error('the agent does not stop');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (!this.isRunning()) return;
    this.#child.kill(signal);
    await this.ended;
  }

  /** Milliseconds from the start to the first answer that fits. */
  async firstAnswer(fits: (answer: Answer) => boolean = () => true, deadlineMs = 60_000): Promise<number> {
    await this.await('answer', () => this.answers().some(fits), deadlineMs);
    return performance.now() - this.#startedAtMs;
  }

  /** Waits for a condition; the error ends with what the agent said last. */
  async await(what: string, holds: () => boolean, deadlineMs = 60_000): Promise<void> {
    await until(() => holds() || !this.isRunning(), deadlineMs, 10);
    if (holds()) return;
    const { phase, blocked, servingBecause } = this.#options.voice?.reported ?? {};
    const said = this.stderr().split('\n').slice(-20).join('\n');
    throw new Error(
      `no ${what} within ${deadlineMs} ms: ${JSON.stringify({ phase, blocked, servingBecause })}\n${said}`,
    );
  }

  #config(): string {
    const { folder, voice, dataDir, factory, loop } = this.#options;
    const trustFile = join(folder, 'trust.json');
    if (voice) writeFileSync(trustFile, JSON.stringify(voice.keySet));
    const plane = voice && { mqttUrl: voice.mqttUrl, apiUrl: voice.apiUrl, password: 'secret', trustFile };
    const config = {
      ...ADDRESS,
      hardwareClass: 'linux-x64',
      dataDir,
      factory,
      controlPlane: plane,
      cameras: [{ id: 'camera-1', source: { kind: 'line', loop, fps: 5 } }],
      // At once: the instants of the cuts are drawn from the order on.
      download: { spreadMs: 0 },
      windowMs: 1000,
      threads: 1,
      ringDir: this.ringDir,
      killFile: join(folder, 'kill-file'),
    };
    const path = join(folder, 'agent.json');
    writeFileSync(path, JSON.stringify(config));
    return path;
  }
}

/** Living children of a process; none when it is gone. */
export function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

export function isAlive(pid: number): boolean {
  const state = stateOf(pid);
  return state !== null && state !== 'Z' && state !== 'X';
}

function isStopped(pid: number): boolean {
  return stateOf(pid) === 'T';
}

function stateOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.slice(0, 1) ?? null;
  } catch {
    return null;
  }
}

/** A process that was killed may leave half a line. */
function parseLines<T>(text: string): readonly T[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as T];
    } catch {
      return [];
    }
  });
}
