// A child of the agent with a message stream on its fd 3. Knows nothing of frames or models. Never throws on a child
// that is dying, never waits for one, and reports its end exactly once.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { describeError } from '../../shared/basics/errors.ts';
import { ONE_ARENA } from '../small-memory.ts';
import { logLines, type RoomLog } from './child-log.ts';
import { FramingError, type Message, MessageReader } from './framing.ts';
import { setNice } from './process-nice.ts';

export type ChildExit = {
  readonly code: number | null;
  readonly signal: string | null;
  /** False when a killed child had not died within a second: it is treated as gone, but may still hold memory. */
  readonly isConfirmed: boolean;
};

/** Who hears of it. */
export type ChildLife = {
  readonly log: RoomLog;
  /** Names the child in its log lines. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly onMessage: (message: Message) => void;
  /** The stream broke the protocol, or a message was refused by onMessage; the child is killed after this returns. */
  readonly onViolation: (detail: string) => void;
  readonly onExit: (exit: ChildExit) => void;
};

export type ChildOptions = ChildLife & {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly nice: number;
};

/** A process that hangs in a driver may take minutes to die; nobody waits longer than this for it. */
const DEATH_WAIT_MS = 1000;

/** The stream of a dead process closes at once, unless a grandchild holds it. */
const LAST_WORDS_WAIT_MS = 250;

export class Child {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #stream: Duplex;
  #life: ChildLife;
  readonly #ended = Promise.withResolvers<ChildExit>();
  #exit: ChildExit | null = null;
  #isKilled = false;

  constructor(process: ChildProcess, life: ChildLife) {
    this.#process = process;
    this.#life = life;
    this.pid = process.pid ?? -1;
    this.#stream = process.stdio[3] as Duplex;
    process.on('error', (error) => {
      this.#life.log.warn({ ...this.#life.fields, reason: describeError(error) }, 'child process not started');
      this.#end({ code: null, signal: null, isConfirmed: true });
    });
    process.on('exit', (code, signal) => this.#endAfterLastWords({ code, signal, isConfirmed: true }));
    this.#listen();
    for (const stream of [process.stdout, process.stderr])
      if (stream) logLines(stream, this.#overheardBy(), { pid: this.pid });
  }

  /** Somebody else hears of it from now on. */
  pass(life: ChildLife): void {
    this.#life = life;
  }

  get isGone(): boolean {
    return this.#exit !== null || this.#isKilled;
  }

  /** Resolves when the child is gone. */
  get ended(): Promise<ChildExit> {
    return this.#ended.promise;
  }

  /** Bytes to a child that is dying vanish without a word: its exit tells. */
  send(bytes: Uint8Array): void {
    if (!this.isGone && this.#stream.writable) this.#stream.write(bytes);
  }

  /** SIGSTOP: it holds still at once, keeps its memory, and can only be killed. */
  stop(): void {
    if (!this.isGone) this.#process.kill('SIGSTOP');
  }

  /** SIGKILL. From here on no message of it is heard. */
  kill(): Promise<ChildExit> {
    if (!this.isGone) {
      this.#isKilled = true;
      this.#process.kill('SIGKILL');
      this.#stream.destroy();
      const timer = setTimeout(() => this.#end({ code: null, signal: 'SIGKILL', isConfirmed: false }), DEATH_WAIT_MS);
      void this.ended.then(() => clearTimeout(timer));
    }
    return this.ended;
  }

  /** The log of whoever owns the child when it says something. */
  #overheardBy(): RoomLog {
    const tell = (level: keyof RoomLog) => (fields: object, message: string) =>
      this.#life.log[level]({ ...this.#life.fields, ...fields }, message);
    return { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') };
  }

  #listen(): void {
    const reader = new MessageReader();
    // EPIPE and ECONNRESET are the child's death, which 'exit' reports.
    this.#stream.on('error', () => undefined);
    this.#stream.on('data', (chunk: Uint8Array) => {
      if (this.isGone) return;
      try {
        for (const message of reader.push(chunk)) this.#life.onMessage(message);
      } catch (error) {
        // Anything else is a mistake of ours, not of the child.
        if (!(error instanceof FramingError)) throw error;
        this.#life.onViolation(describeError(error));
        void this.kill();
      }
    });
  }

  /** What it wrote before it ended still lies in the stream; that comes first. */
  #endAfterLastWords(exit: ChildExit): void {
    if (this.#isKilled || this.#stream.closed) {
      this.#end(exit);
      return;
    }
    const timer = setTimeout(() => this.#end(exit), LAST_WORDS_WAIT_MS);
    this.#stream.once('close', () => {
      clearTimeout(timer);
      this.#end(exit);
    });
  }

  #end(exit: ChildExit): void {
    if (this.#exit !== null) return;
    this.#exit = exit;
    this.#stream.destroy();
    this.#life.onExit(exit);
    this.#ended.resolve(exit);
  }
}

/** Starts the child. A program that cannot be started ends like one that died at once: onExit with no code. */
export function openChild(options: ChildOptions): Child {
  const [program = '', ...parameters] = options.command;
  const process = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], env: { ...options.env } });
  const child = new Child(process, options);
  if (process.pid !== undefined) renice(process.pid, options);
  return child;
}

/** The variables a child of the agent needs: found programs and libraries, the compile cache, the clock's zone; no secrets. */
export function childEnvironment(from: NodeJS.ProcessEnv): Record<string, string> {
  const wanted = ['PATH', 'NODE_COMPILE_CACHE', 'LD_LIBRARY_PATH', 'TZ', 'LANG'];
  const passed = wanted.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]]));
  return { ...Object.fromEntries(passed), ...ONE_ARENA };
}

function renice(pid: number, options: ChildOptions): void {
  try {
    setNice(pid, options.nice);
  } catch (error) {
    options.log.warn({ ...options.fields, nice: options.nice, reason: describeError(error) }, 'priority not set');
  }
}
