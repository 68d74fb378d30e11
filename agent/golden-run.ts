// One run of a release over its golden pictures: a golden camera in lockstep, one runner, answers in order.
// Both processes are ended before it resolves, whatever happens.
import { describeError } from '../shared/basics/errors.ts';
import type { Answer } from '../shared/release/answers.ts';
import type { Mask } from '../shared/release/mask-runs.ts';
import type { Installed } from './artifacts/artifacts.ts';
import type { ProofFault } from './core/events.ts';
import { type Prewarm, warmedBy } from './core/prewarm.ts';
import type { RoomLog } from './frames/child-log.ts';
import { type Camera, type CameraToken, openCamera, type PictureSize, RingError } from './frames/frames.ts';
import {
  describeStarvation,
  type Launcher,
  processorWaitMs,
  type Runner,
  type RunnerAnswer,
  RunnerError,
  type RunnerRole,
  starvationIn,
  withFaultFor,
} from './inference/inference.ts';

/** No answer for this long: the model hangs, or got no processor. The cap of a live frame, twice, because it runs niced. */
const SILENCE_MS_MAX = 20_000;
/** Two pictures ahead are enough: they come as fast as they are answered. */
const GOLDEN_SLOTS = 4;

export type GoldenRunParts = {
  readonly launcher: Launcher;
  readonly device: string;
  readonly ringDir: string;
  readonly role: RunnerRole;
  readonly threads: number;
  readonly signal: AbortSignal;
  readonly log: RoomLog;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  readonly prewarm: Prewarm;
};

/** The golden pictures of an installed release. */
export type GoldenPictures = {
  readonly path: string;
  readonly frames: number;
  /** Told the pixels of every answer as it comes, so that they need not be kept; without it they are not asked for. */
  readonly onMask?: (picture: number, mask: Mask, size: PictureSize) => void;
};

export type GoldenRun =
  | {
      readonly kind: 'answers';
      readonly answers: readonly Answer[];
      /** Sizes of the pictures, in the same order. */
      readonly pictures: readonly PictureSize[];
      readonly loadMs: number;
      readonly coldStartMs: number;
    }
  | { readonly kind: 'failed'; readonly fault: ProofFault; readonly reason: string }
  /** The files on this device are not the release's. */
  | { readonly kind: 'damaged'; readonly reason: string }
  /** The pictures did not come: nothing is known about the release. */
  | { readonly kind: 'starved'; readonly reason: string }
  | { readonly kind: 'cancelled' };

export async function runGolden(
  release: Installed,
  pictures: GoldenPictures,
  parts: GoldenRunParts,
): Promise<GoldenRun> {
  const course = new GoldenCourse(release, pictures, parts);
  try {
    await course.open();
    return await course.outcome;
  } catch (error) {
    return failureOf(error);
  } finally {
    await course.close();
  }
}

/** Starts it once more, to its first answer; null when that did not come. What is wrong with a release is told by its proof. */
export async function probeStart(
  release: Installed,
  framesPath: string,
  parts: GoldenRunParts,
): Promise<number | null> {
  const run = await runGolden(release, { path: framesPath, frames: 1 }, parts);
  return run.kind === 'answers' ? run.coldStartMs : null;
}

class GoldenCourse {
  readonly #release: Installed;
  readonly #pictures: GoldenPictures;
  readonly #parts: GoldenRunParts;
  readonly #done = Promise.withResolvers<GoldenRun>();
  readonly #answers = new Map<number, { readonly answer: Answer; readonly picture: PictureSize }>();
  #tokens: CameraToken[] = [];
  #camera: Camera | null = null;
  #runner: Runner<CameraToken> | null = null;
  #silence: NodeJS.Timeout | null = null;
  #waitedMs: number | null = null;
  #startedAtMs = 0;
  #coldStartMs = 0;
  #isOver = false;
  readonly #onAbort = () => this.#end({ kind: 'cancelled' });

  constructor(release: Installed, pictures: GoldenPictures, parts: GoldenRunParts) {
    this.#release = release;
    this.#pictures = pictures;
    this.#parts = parts;
    parts.signal.addEventListener('abort', this.#onAbort);
    if (parts.signal.aborted) this.#onAbort();
  }

  get outcome(): Promise<GoldenRun> {
    return this.#done.promise;
  }

  async open(): Promise<void> {
    const { manifest, packageDir, ref } = this.#release;
    const { device, launcher, ringDir, role, threads, log, monotonicNow, signal } = this.#parts;
    await launcher.prepare();
    this.#camera = await openCamera({
      cameraId: `golden-${ref.digest.slice(0, 8)}-${role}`,
      device,
      source: { kind: 'golden', path: this.#pictures.path },
      contracts: [manifest.input],
      ringDir,
      slots: GOLDEN_SLOTS,
      log,
      onFrame: (token) => this.#onToken(token),
      onHealth: () => undefined,
      // The source starts again by itself and begins anew; a picture answered twice is answered the same.
      onLost: () => undefined,
    });
    if (this.#isOver) return;
    this.#startedAtMs = monotonicNow();
    this.#runner = await launcher.launch<CameraToken>({
      manifest: withFaultFor('proof', warmedBy(manifest, this.#parts.prewarm)),
      packageDir,
      ring: this.#camera.ring(manifest.input),
      role,
      threads,
      log,
      coldMs: manifest.limits.coldMs,
      signal,
      withMask: this.#pictures.onMask !== undefined,
      onResult: (result) => this.#onAnswer(result),
      onFault: (fault) => this.#end({ kind: 'failed', fault: 'fault', reason: `${fault.code}: ${fault.detail}` }),
      onExit: (exit) => this.#end({ kind: 'failed', fault: exit.how, reason: `${exit.reason}, on a golden frame` }),
    });
    if (this.#isOver) return;
    this.#watch();
    this.#next();
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.#parts.signal.removeEventListener('abort', this.#onAbort);
    if (this.#silence) clearTimeout(this.#silence);
    await Promise.all([this.#runner?.kill(), this.#camera?.close()]);
  }

  #onToken(token: CameraToken): void {
    this.#tokens.push(token);
    this.#next();
  }

  #next(): void {
    const [token] = this.#tokens;
    if (this.#isOver || !token || !this.#runner || this.#runner.outstanding().length > 0) return;
    this.#tokens = this.#tokens.slice(1);
    this.#runner.submit(token);
  }

  #onAnswer({ token, finite, answer, mask }: RunnerAnswer<CameraToken>): void {
    this.#camera?.release(token.slot);
    if (!finite || answer === null) {
      const reason = `golden frame ${token.index}: the output holds a NaN or an infinity`;
      this.#end({ kind: 'failed', fault: 'non-finite', reason });
      return;
    }
    if (this.#answers.size === 0) this.#coldStartMs = this.#parts.monotonicNow() - this.#startedAtMs;
    this.#answers.set(token.index, { answer, picture: token.picture });
    if (mask) this.#pictures.onMask?.(token.index, mask, token.picture);
    this.#watch();
    if (this.#answers.size === this.#pictures.frames) this.#end(this.#summary());
    else this.#next();
  }

  #summary(): GoldenRun {
    const seen = [...this.#answers].sort(([a], [b]) => a - b).map(([, one]) => one);
    const [answers, pictures] = [seen.map((one) => one.answer), seen.map((one) => one.picture)];
    return {
      kind: 'answers',
      answers,
      pictures,
      loadMs: this.#runner?.ready.loadMs ?? 0,
      coldStartMs: this.#coldStartMs,
    };
  }

  #watch(): void {
    if (this.#silence) clearTimeout(this.#silence);
    this.#waitedMs = this.#waited();
    this.#silence = setTimeout(() => this.#onSilence(), SILENCE_MS_MAX);
  }

  /** Only a runner that holds a picture and had a processor can be blamed for the silence; otherwise the box starved us. */
  #onSilence(): void {
    const isHolding = (this.#runner?.outstanding().length ?? 0) > 0;
    const seconds = SILENCE_MS_MAX / 1000;
    const starvation = starvationIn(SILENCE_MS_MAX, this.#waitedMs, this.#waited());
    const reason = `no answer to a golden frame within ${seconds} s`;
    if (!isHolding) this.#end({ kind: 'starved', reason: `no golden picture came within ${seconds} s` });
    else if (starvation) this.#end({ kind: 'starved', reason: `${reason}: ${describeStarvation(starvation)}` });
    else this.#end({ kind: 'failed', fault: 'hang', reason });
  }

  #waited(): number | null {
    return this.#runner === null ? null : processorWaitMs(this.#runner.pid);
  }

  #end(run: GoldenRun): void {
    this.#isOver = true;
    this.#done.resolve(run);
  }
}

function failureOf(error: unknown): GoldenRun {
  const reason = describeError(error);
  // A full or taken /dev/shm is this box's fault.
  if (error instanceof RingError) return { kind: 'starved', reason };
  if (!(error instanceof RunnerError)) return { kind: 'failed', fault: 'fault', reason };
  switch (error.code) {
    case 'cancelled':
      return { kind: 'cancelled' };
    case 'wrong-digest':
      return { kind: 'damaged', reason };
    case 'contract-mismatch':
      return { kind: 'failed', fault: 'mismatch', reason };
    case 'crashed-on-load':
      return { kind: 'failed', fault: 'crash', reason };
    case 'starved':
      return { kind: 'starved', reason };
    case 'out-of-memory':
      return { kind: 'failed', fault: 'oom', reason };
    case 'load-failed':
    case 'load-timeout':
    case 'provider-unavailable':
      return { kind: 'failed', fault: 'fault', reason };
  }
}
