// The agent's side of a runner process: starts it, hands it frame tokens, hears its answers, ends it. Knows which
// tokens it holds. Decides nothing: when to stop, kill or drain is said by the caller.
import { BelayError } from '../../shared/basics/errors.ts';
import type { Answer } from '../../shared/release/answers.ts';
import { formatReleaseId } from '../../shared/release/identity.ts';
import { type Manifest, releaseIdOf } from '../../shared/release/manifest.ts';
import type { Mask } from '../../shared/release/mask-runs.ts';
import type { RoomLog } from '../frames/child-log.ts';
import { type Child, type ChildExit, type ChildLife, openChild } from '../frames/child-process.ts';
import { FramingError, type Message } from '../frames/framing.ts';
import type { RingInfo } from '../frames/ring.ts';
import { causeOfDeath, type Death } from './cause-of-death.ts';
import { volunteerForOutOfMemory } from './oom-score.ts';
import { latenessOf } from './processor-wait.ts';
import { readyFault } from './ready-check.ts';
import { runnerProgram } from './runner-program.ts';
import {
  decodeFromRunner,
  type FromRunner,
  type RunnerFault,
  type RunnerReady,
  type RunnerResult,
} from './runner-protocol.ts';
import {
  describeRefusal,
  encodeToRunner,
  FRAMES_OUTSTANDING_MAX,
  PROTOCOL,
  type RunnerRole,
  wireSeq,
} from './runner-wire.ts';
import type { StandingRunner } from './standing-runner.ts';

/** A frame that lies in a slot of the runner's ring; `seq` is unique among the outstanding ones. */
export type FrameToken = { readonly seq: number; readonly slot: number };

export type RunnerAnswer<T extends FrameToken> = {
  readonly token: T;
  readonly readMs: number;
  readonly runMs: number;
  readonly postMs: number;
  /** False: the output held a NaN or an infinity, and there is no answer. */
  readonly finite: boolean;
  readonly answer: Answer | null;
  /** What the model nearly said; for the border share. */
  readonly borderline: number;
  /** Null or absent: it was not asked for, or there is none to tell. */
  readonly mask?: Mask | null;
};

/** `token` is null when the runner, not a frame, is at fault; then its end follows. */
export type RunnerFaultReport<T extends FrameToken> = {
  readonly token: T | null;
  readonly code: string;
  readonly detail: string;
};

export type RunnerExit<T extends FrameToken> = ChildExit & Death & { readonly outstanding: readonly T[] };

export type RunnerErrorCode =
  | 'load-failed'
  | 'load-timeout'
  | 'starved'
  | 'wrong-digest'
  | 'contract-mismatch'
  | 'provider-unavailable'
  | 'crashed-on-load'
  | 'out-of-memory'
  | 'cancelled';

/** A release could not be loaded. */
export class RunnerError extends BelayError {
  declare readonly code: RunnerErrorCode;

  constructor(code: RunnerErrorCode, message: string) {
    super(code, message);
    this.name = 'RunnerError';
  }
}

export type RunnerOptions<T extends FrameToken> = {
  readonly manifest: Manifest;
  readonly packageDir: string;
  readonly ring: RingInfo;
  readonly role: RunnerRole;
  readonly threads: number;
  /** Nobody answers until it does, and it has been proven: its first frame is its warm-up. */
  readonly urgent?: boolean;
  /** Its answers are scored by their pixels. */
  readonly withMask?: boolean;
  readonly log: RoomLog;
  /** Time to load and warm up, without standing in line for a processor; then it is killed and the opening rejects. */
  readonly coldMs: number;
  /** Ends the loading: its process is killed and the opening rejects with `cancelled`. Means nothing afterwards. */
  readonly signal?: AbortSignal;
  readonly onResult: (answer: RunnerAnswer<T>) => void;
  readonly onFault: (fault: RunnerFaultReport<T>) => void;
  /** Once, after the runner was ready. Its outstanding tokens go elsewhere. */
  readonly onExit: (exit: RunnerExit<T>) => void;
  /** Most private memory that its process may map (RLIMIT_DATA), in bytes; no limit when left out. See memory-floor.ts. */
  readonly dataBytesMax?: number;
  /** A runner on another runtime that speaks the protocol; ours when left out. */
  readonly command?: readonly string[];
  /** A process that waits for its hello already; without one it is started now. */
  readonly standing?: StandingRunner;
  /** Variables for this runner besides those that every child gets. */
  readonly env?: Readonly<Record<string, string>>;
};

/** A stack trace of V8, with the sentence before it that says why. */
const LAST_WORDS_MAX = 40;

const NEXT_STEP: Readonly<Record<RunnerErrorCode, string>> = {
  'load-failed': 'check that the model opens in ONNX Runtime 1.30, then publish a corrected version',
  'load-timeout': 'raise limits.coldMs of the release, or make the model smaller',
  starved: 'nothing: it is tried again when the machine has time',
  'wrong-digest': 'the copy on this device is damaged: discard it and download it again',
  'contract-mismatch': 'correct the manifest or the export, then publish a corrected version',
  'provider-unavailable': 'install the accelerator runtime on this device, or set runtime.allowCpuFallback',
  cancelled: 'nothing: it is not wanted any more',
  'out-of-memory': 'raise limits.memoryMb of the release if it needs that much, or free memory on this device',
  'crashed-on-load': 'look at the log lines of this process; the release must not be tried again unchanged',
};

/** A runner process from its start to its end. Make one with openRunner, the room's door. */
export class RunnerChild<T extends FrameToken> {
  readonly #child: Child;
  readonly #options: RunnerOptions<T>;
  readonly #name: string;
  readonly #held = new Map<number, T>();
  readonly #ready = Promise.withResolvers<RunnerReady>();
  readonly #lastWords: string[] = [];
  #state: 'loading' | 'ready' | 'failed' = 'loading';
  #lacksMemory = false;
  #violation: string | null = null;
  readonly #startedAtMs = performance.now();
  #coldTimer: NodeJS.Timeout;
  readonly #onAbort = () => this.#fail('cancelled', 'given up while it was loading');

  constructor(options: RunnerOptions<T>) {
    this.#options = options;
    this.#name = formatReleaseId(releaseIdOf(options.manifest));
    const { role, log } = options;
    const life: ChildLife = {
      log: this.#overhearing(log),
      fields: { release: this.#name, role },
      onMessage: (message) => this.#hear(message),
      onViolation: (detail) => this.#violate(detail),
      onExit: (exit) => this.#end(exit),
    };
    this.#child = options.standing?.adopt(life) ?? openChild({ ...runnerProgram(options), ...life });
    volunteerForOutOfMemory(this.#child.pid, role);
    this.#coldTimer = setTimeout(() => this.#lookIfLate(), options.coldMs);
    options.signal?.addEventListener('abort', this.#onAbort);
    const { manifest, packageDir, ring, threads, urgent = false, withMask: mask = false } = options;
    const asked = { manifest, packageDir, ring, threads, role, urgent, mask };
    this.#child.send(encodeToRunner({ type: 'hello', protocol: PROTOCOL, ...asked }));
  }

  get pid(): number {
    return this.#child.pid;
  }

  get ready(): Promise<RunnerReady> {
    return this.#ready.promise;
  }

  submit(token: T): boolean {
    if (this.#child.isGone || this.#held.size >= FRAMES_OUTSTANDING_MAX) return false;
    const seq = wireSeq(token.seq);
    if (this.#held.has(seq)) return false;
    this.#held.set(seq, token);
    this.#child.send(encodeToRunner({ type: 'frame', slot: token.slot, seq }));
    return true;
  }

  outstanding(): readonly T[] {
    return [...this.#held.values()];
  }

  stop(): void {
    this.#child.stop();
  }

  async kill(): Promise<void> {
    await this.#child.kill();
  }

  async drain(limitMs: number): Promise<void> {
    this.#child.send(encodeToRunner({ type: 'drain' }));
    const timer = setTimeout(() => void this.#child.kill(), limitMs);
    await this.#child.ended;
    clearTimeout(timer);
  }

  #hear(message: Message): void {
    const parsed = decodeFromRunner(message);
    if (!parsed.ok) throw new FramingError(describeRefusal(parsed));
    const said: FromRunner = parsed.value;
    if (said.type === 'fault') this.#hearFault(said);
    else if (said.type === 'ready') this.#hearReady(said);
    else this.#hearResult(said);
  }

  #hearReady(ready: RunnerReady): void {
    if (this.#state === 'ready') throw new FramingError('a second ready');
    const fault = readyFault(ready, this.#options.manifest);
    if (fault !== null) this.#fail(fault.code, fault.detail);
    if (this.#state !== 'loading') return;
    this.#state = 'ready';
    this.#endWait();
    this.#ready.resolve(ready);
  }

  #hearResult(result: RunnerResult): void {
    const token = this.#take(result.seq);
    const { readMs, runMs, postMs, finite, answer, borderline, mask = null } = result;
    this.#options.onResult({ token, readMs, runMs, postMs, finite, answer, borderline, mask });
  }

  #hearFault(fault: RunnerFault): void {
    const { code, detail } = fault;
    if (code === 'out-of-memory' && fault.seq === undefined) this.#lacksMemory = true;
    if (this.#state === 'loading') {
      this.#fail(code in NEXT_STEP ? (code as RunnerErrorCode) : 'load-failed', detail);
    } else {
      const token = fault.seq === undefined ? null : this.#take(fault.seq);
      this.#options.onFault({ token, code, detail });
    }
  }

  #take(seq: number): T {
    const token = this.#held.get(seq);
    if (token === undefined) throw new FramingError(`an answer to frame ${seq}, which it does not hold`);
    this.#held.delete(seq);
    return token;
  }

  #violate(detail: string): void {
    this.#violation = detail;
    if (this.#state === 'loading') this.#fail('load-failed', detail);
    else this.#options.onFault({ token: null, code: 'protocol-violation', detail });
  }

  #fail(code: RunnerErrorCode, detail: string): void {
    if (this.#state !== 'loading') return;
    this.#state = 'failed';
    this.#endWait();
    void this.#child.kill();
    const message = `loading ${this.#name} as ${this.#options.role}: ${detail}; ${NEXT_STEP[code]}`;
    this.#ready.reject(new RunnerError(code, message));
  }

  #lookIfLate(): void {
    const late = latenessOf(this.pid, performance.now() - this.#startedAtMs, this.#options.coldMs);
    if (late.kind === 'late') this.#fail(late.code, late.detail);
    else this.#coldTimer = setTimeout(() => this.#lookIfLate(), late.moreMs);
  }

  #endWait(): void {
    clearTimeout(this.#coldTimer);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
  }

  #end(exit: ChildExit): void {
    const death = this.#causeOf(exit);
    this.#fail(death.how === 'oom' ? 'out-of-memory' : 'crashed-on-load', death.reason);
    if (this.#state === 'ready') this.#options.onExit({ ...exit, ...death, outstanding: this.outstanding() });
  }

  /** Only its own doing is looked for here: whoever has ended it knows why. */
  #causeOf(exit: ChildExit): Death {
    if (this.#violation === null) return causeOfDeath(exit, this.#lastWords, this.#lacksMemory);
    return { how: 'crash', reason: `its runner broke the protocol: ${this.#violation}` };
  }

  /** What its process prints goes to the log; the last of it may say why it ended. */
  #overhearing(log: RoomLog): RoomLog {
    const warn = (fields: object, message: string): void => {
      log.warn(fields, message);
      if ('line' in fields) this.#lastWords.push(String(fields.line));
      if (this.#lastWords.length > LAST_WORDS_MAX) this.#lastWords.shift();
    };
    const { debug, info, error } = log;
    return { debug: debug.bind(log), info: info.bind(log), warn, error: error.bind(log) };
  }
}
