// The supervisor's side of one camera: its source process, its rings, the slots that are still read, the counts. A
// source that dies or stalls is reported, and started again after a while; nothing it does can throw into the caller.
import { fileURLToPath } from 'node:url';
import { describeProblems } from '../../shared/basics/parsing.ts';
import type { InputContract } from '../../shared/release/manifest.ts';
import { LEAN_PROCESS } from '../small-memory.ts';
import { type CameraSource, isLive } from './camera-source.ts';
import { type CameraCounts, CameraTally } from './camera-tally.ts';
import type { RoomLog } from './child-log.ts';
import { type Child, type ChildExit, childEnvironment, openChild } from './child-process.ts';
import { FramingError, type Message } from './framing.ts';
import type { PictureSize } from './geometry.ts';
import type { CameraHealth } from './health.ts';
import { contractHash } from './input-contract.ts';
import { restartDelayMs, Silence, stallMs } from './restart-pace.ts';
import { createRing, type RingInfo, removeRing } from './ring.ts';
import {
  decodeFromSource,
  encodeToSource,
  type FromSource,
  type SourceCounts,
  type SourceRings,
  type SourceToken,
} from './source-protocol.ts';

/** A frame that lies at `slot` of every ring of its camera until the slot is released. */
export type CameraToken = {
  readonly cameraId: string;
  /** Grows over restarts of the source; dropped frames leave gaps. */
  readonly seq: number;
  readonly slot: number;
  /** Number of the picture in a folder, loop or golden set. */
  readonly index: number;
  readonly capturedAtMs: number;
  /** Kernel monotonic clock (process.hrtime) in milliseconds. */
  readonly monotonicMs: number;
  /** Of the picture as it was captured, px. */
  readonly picture: PictureSize;
};

export type CameraLoss = {
  readonly reason: 'stalled' | 'crashed' | 'source-unreadable';
  readonly detail: string;
  readonly restartInMs: number;
};

export type CameraOptions = {
  readonly cameraId: string;
  readonly device: string;
  readonly source: CameraSource;
  readonly contracts: readonly InputContract[];
  readonly ringDir: string;
  readonly slots: number;
  readonly log: RoomLog;
  readonly onFrame: (token: CameraToken) => void;
  readonly onHealth: (health: CameraHealth) => void;
  readonly onLost: (loss: CameraLoss) => void;
  /** A source with an end (a golden set) has been read to it. */
  readonly onEnded?: () => void;
};

type OwnedRing = { readonly contract: InputContract; readonly ring: RingInfo };

const SOURCE_PROCESS = fileURLToPath(new URL('./source-process.ts', import.meta.url));
const WATCH_MS = 250;

/** Node and the image library take this long to start on a busy small board. */
const START_MS = 15_000;

/** Frames for this long, and the next failure is a new one, not a repetition. */
const STEADY_MS = 30_000;
const FINISH_MS = 1000;

/** A camera from its opening to its closing. Make one with openCamera, the room's door. */
export class SourceChild {
  readonly #options: CameraOptions;
  readonly #rings = new Map<string, OwnedRing>();
  readonly #held = new Set<number>();
  readonly #waiting = new Map<number, () => void>();
  readonly #tally = new CameraTally();
  readonly #watch: NodeJS.Timeout;
  #generation = 0;
  #child: Child | null = null;
  #restart: NodeJS.Timeout | null = null;
  #attempt = 0;
  #startedAt = 0;
  #silence = new Silence(0);
  #hasFrames = false;
  #fault: Pick<CameraLoss, 'reason' | 'detail'> | null = null;
  #isEnded = false;
  #isClosed = false;

  /** Throws RingError when the rings cannot be made; then none is left behind. */
  constructor(options: CameraOptions) {
    this.#options = options;
    try {
      for (const contract of options.contracts) this.#addRing(contract);
    } catch (error) {
      this.#removeRings();
      throw error;
    }
    this.#start();
    this.#watch = setInterval(() => this.#checkStall(), WATCH_MS);
  }

  ring(contract: InputContract): RingInfo {
    const owned = this.#rings.get(contractHash(contract));
    if (!owned) throw new RangeError(`camera ${this.#options.cameraId} has no ring for this contract; set it first`);
    return owned.ring;
  }

  async setContracts(contracts: readonly InputContract[]): Promise<void> {
    const wanted = new Set(contracts.map(contractHash));
    for (const contract of contracts) this.#addRing(contract);
    const leaving = [...this.#rings].filter(([hash]) => !wanted.has(hash));
    for (const [hash] of leaving) this.#rings.delete(hash);
    this.#generation += 1;
    if (this.#child) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.set(this.#generation, resolve);
      this.#child.send(encodeToSource({ type: 'rings', generation: this.#generation, rings: this.#ringList() }));
      await promise;
    }
    for (const [, { ring }] of leaving) removeRing(ring);
  }

  release(slot: number): void {
    if (!this.#held.delete(slot)) return;
    this.#child?.send(encodeToSource({ type: 'release', slot }));
  }

  counts(): CameraCounts {
    return this.#tally.counts();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#watch);
    if (this.#restart) clearTimeout(this.#restart);
    const child = this.#child;
    if (child) {
      child.send(encodeToSource({ type: 'finish' }));
      const timer = setTimeout(() => void child.kill(), FINISH_MS);
      await child.ended;
      clearTimeout(timer);
    }
    this.#removeRings();
  }

  #start(): void {
    const { cameraId, source, slots, log } = this.#options;
    this.#restart = null;
    this.#fault = null;
    this.#hasFrames = false;
    this.#startedAt = performance.now();
    this.#silence = new Silence(this.#startedAt);
    this.#child = openChild({
      command: [process.execPath, ...LEAN_PROCESS, SOURCE_PROCESS],
      env: childEnvironment(process.env),
      nice: 0,
      log,
      fields: { camera: cameraId },
      onMessage: (message) => this.#hear(message),
      onViolation: (detail) => {
        this.#fault = { reason: 'crashed', detail };
      },
      onExit: (exit) => this.#end(exit),
    });
    const rings = this.#ringList();
    const held = [...this.#held];
    this.#child.send(encodeToSource({ type: 'hello', source, slots, held, generation: this.#generation, rings }));
  }

  #hear(message: Message): void {
    const parsed = decodeFromSource(message);
    if (!parsed.ok) throw new FramingError(describeProblems(parsed.problems.slice(0, 3)));
    const said: FromSource = parsed.value;
    switch (said.type) {
      case 'token':
        this.#hearToken(said);
        break;
      case 'counts':
        this.#hearCounts(said);
        break;
      case 'health':
        this.#options.onHealth(said.health);
        break;
      case 'rings-set':
        this.#silence.heard(performance.now());
        this.#settle(said.generation);
        break;
      case 'ended':
        this.#isEnded = true;
        this.#options.onEnded?.();
        break;
      case 'fault':
        this.#fault = { reason: said.reason, detail: said.detail };
    }
  }

  #hearToken(token: SourceToken): void {
    if (token.slot >= this.#options.slots || this.#held.has(token.slot))
      throw new FramingError(`a frame at slot ${token.slot}, which is not free`);
    const { slot, index, capturedAtMs, monotonicMs, picture } = token;
    const seq = this.#tally.delivered(token.seq);
    this.#held.add(slot);
    this.#progress();
    this.#options.onFrame({ cameraId: this.#options.cameraId, seq, slot, index, capturedAtMs, monotonicMs, picture });
  }

  #hearCounts(counts: SourceCounts): void {
    const { source } = this.#options;
    const isBusy = this.#tally.said(counts) > 0;
    if (source.kind === 'golden' || isBusy) this.#progress();
    // The source itself watches a camera that gives pictures by itself; here it is watched that it does.
    else if (isLive(source)) this.#silence.heard(performance.now());
  }

  #progress(): void {
    const now = performance.now();
    this.#silence.heard(now);
    this.#hasFrames = true;
    if (now - this.#startedAt > STEADY_MS) this.#attempt = 0;
  }

  #checkStall(): void {
    if (!this.#child || this.#isEnded) return;
    const { source } = this.#options;
    const fps = source.kind === 'golden' || isLive(source) ? null : source.fps;
    const allowedMs = this.#hasFrames ? stallMs(fps) : START_MS;
    const silentMs = this.#silence.look(performance.now());
    if (silentMs <= allowedMs) return;
    this.#fault = { reason: 'stalled', detail: `no frame for ${Math.round(silentMs)} ms` };
    void this.#child.kill();
    this.#silence.heard(performance.now());
  }

  #end(exit: ChildExit): void {
    this.#child = null;
    this.#tally.died();
    // The next process is told the newest rings in its hello: whoever waits for them need not wait for it.
    this.#settle(this.#generation);
    if (this.#isClosed || this.#isEnded) return;
    const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
    const fault = this.#fault ?? { reason: 'crashed' as const, detail: `its process ended (${how})` };
    const restartInMs = restartDelayMs(this.#attempt, Math.random());
    this.#attempt += 1;
    this.#restart = setTimeout(() => this.#start(), restartInMs);
    this.#options.log.warn({ camera: this.#options.cameraId, ...fault, restartInMs }, 'camera lost');
    this.#options.onLost({ ...fault, restartInMs });
  }

  #settle(generation: number): void {
    for (const [waiting, resolve] of this.#waiting) {
      if (waiting > generation) continue;
      this.#waiting.delete(waiting);
      resolve();
    }
  }

  #addRing(contract: InputContract): void {
    const hash = contractHash(contract);
    if (this.#rings.has(hash)) return;
    const { ringDir, device, cameraId, slots } = this.#options;
    this.#rings.set(hash, { contract, ring: createRing({ ringDir, device, cameraId, contract }, slots) });
  }

  #ringList(): SourceRings {
    return [...this.#rings.values()];
  }

  #removeRings(): void {
    for (const { ring } of this.#rings.values()) removeRing(ring);
    this.#rings.clear();
  }
}
