// The runners of the releases that are held: one process per release and camera, and the rings that they read.
// It opens, reprioritises and ends them when told; it never decides which.
import { describeError } from '../shared/basics/errors.ts';
import type { InputContract } from '../shared/release/manifest.ts';
import type { Installed } from './artifacts/artifacts.ts';
import { alertingLabels } from './core/answer-content.ts';
import type { CoreEvent } from './core/events.ts';
import { type Prewarm, warmedBy } from './core/prewarm.ts';
import type { Priority } from './core/state.ts';
import { type Flight, type Lane, openLane } from './frame.ts';
import type { FrameLoop } from './frame-loop.ts';
import type { RoomLog } from './frames/child-log.ts';
import { type Camera, contractHash, RingError, setNice } from './frames/frames.ts';
import { type Launcher, RUNNER_NICE, RunnerError, withFaultFor } from './inference/inference.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export type RunnerPoolParts = {
  readonly cameras: ReadonlyMap<string, Camera>;
  readonly frameLoop: FrameLoop;
  readonly launcher: Launcher;
  readonly readInstalled: (digest: string) => Promise<Installed | null>;
  /** The files are not the release's: drop what is wrong, so that it is fetched again. */
  readonly discardDamaged: (digest: string) => Promise<void>;
  readonly threadsFor: (release: Installed, priority: Priority) => number;
  readonly prewarmFor: (digest: string) => Prewarm;
  /** It has met its golden pictures on this device. */
  readonly isProven: (digest: string) => boolean;
  readonly telemetry: Pick<Telemetry, 'recordRunner'>;
  readonly send: (event: CoreEvent) => void;
  readonly log: RoomLog;
};

type LoadFailure = Extract<CoreEvent, { kind: 'load-failed' }>['failure'];

export class RunnerPool {
  readonly #parts: RunnerPoolParts;
  readonly #contracts = new Map<string, InputContract>();
  readonly #loading = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  #contractsSet = Promise.resolve();
  /** The release that rests while runners stand by for it. */
  #standingFor: Installed | null = null;

  constructor(parts: RunnerPoolParts) {
    this.#parts = parts;
  }

  /** Opens the release's runners and says `loaded` or `load-failed`; cancelled, it says `unloaded`. */
  load(digest: string, priority: Priority): void {
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const abort = new AbortController();
    this.#loading.set(digest, { abort, done });
    void this.#load(digest, priority, abort.signal)
      .then((event) => {
        this.#loading.delete(digest);
        this.#parts.send(event);
      })
      .finally(resolve);
  }

  /** Ends the runners of a release, also while they load, and says `unloaded`. */
  async unload(digest: string, how: 'gently' | 'at-once'): Promise<void> {
    const loading = this.#loading.get(digest);
    if (loading) {
      loading.abort.abort();
      return;
    }
    await this.#parts.frameLoop.end(digest, how);
    this.#contracts.delete(digest);
    this.#parts.send({ kind: 'unloaded', digest });
  }

  /** Lifts or lowers how much of the machine a release gets. Where the kernel forbids it, new runners replace the old. */
  prioritise(digest: string, priority: Priority): void {
    for (const lane of this.#parts.frameLoop.lanesOf(digest)) {
      this.#parts.telemetry.recordRunner({ digest, role: priority, pid: lane.runner.pid });
      try {
        setNice(lane.runner.pid, RUNNER_NICE[priority]);
      } catch (error) {
        const fields = { digest, priority, error: describeError(error) };
        this.#parts.log.info(fields, 'this process may not raise a priority; the runner is replaced');
        void this.#replace(lane, priority);
      }
    }
  }

  /** A process without a model for each camera, so that this release is back sooner; null: none. Asked again and again. */
  standBy(digest: string | null): void {
    // What is being loaded may be about to take one.
    if (this.#loading.size > 0) return;
    const before = this.#standingFor;
    if (before !== null && before.ref.digest !== digest) {
      this.#standingFor = null;
      this.#askToStand(before, 0);
    }
    if (this.#standingFor) this.#askToStand(this.#standingFor, this.#parts.cameras.size);
    else if (digest !== null) void this.#beginToStand(digest);
  }

  async close(): Promise<void> {
    const loading = [...this.#loading.values()];
    for (const one of loading) one.abort.abort();
    if (this.#standingFor) this.#askToStand(this.#standingFor, 0);
    const digests = [...this.#contracts.keys()];
    await Promise.all(digests.map((digest) => this.#parts.frameLoop.end(digest, 'at-once')));
    await Promise.all(loading.map((one) => one.done));
  }

  async #beginToStand(digest: string): Promise<void> {
    try {
      this.#standingFor = await this.#parts.readInstalled(digest);
    } catch (error) {
      // Going back takes longer without, and works.
      this.#parts.log.debug({ digest, error: describeError(error) }, 'no runner stands by');
    }
  }

  #askToStand(release: Installed, count: number): void {
    const { manifest } = release;
    this.#parts.launcher.standBy(count, { manifest, threads: this.#parts.threadsFor(release, 'baseline') });
  }

  async #load(digest: string, priority: Priority, signal: AbortSignal): Promise<CoreEvent> {
    const lanes: Lane[] = [];
    try {
      const release = await this.#parts.readInstalled(digest);
      if (!release) return { kind: 'load-failed', digest, failure: 'missing', reason: 'it is not installed whole' };
      await this.#useContract(digest, release.manifest.input);
      for (const cameraId of this.#parts.cameras.keys()) {
        if (!signal.aborted) lanes.push(await this.#openLane(release, cameraId, priority, signal));
      }
      if (signal.aborted) return await this.#discard(digest, lanes);
      for (const lane of lanes) this.#parts.frameLoop.addLane(lane);
      const { asked = 'unknown', used = 'unknown' } = lanes[0]?.runner.ready.provider ?? {};
      return { kind: 'loaded', digest, provider: { asked, used } };
    } catch (error) {
      await this.#discard(digest, lanes);
      if (signal.aborted) return { kind: 'unloaded', digest };
      const failure = failureOf(error);
      if (failure === 'wrong-digest') await this.#parts.discardDamaged(digest);
      return { kind: 'load-failed', digest, failure, reason: describeError(error) };
    }
  }

  async #discard(digest: string, lanes: readonly Lane[]): Promise<CoreEvent> {
    for (const lane of lanes) lane.isEnding = true;
    await Promise.all(lanes.map((lane) => lane.runner.kill()));
    this.#contracts.delete(digest);
    return { kind: 'unloaded', digest };
  }

  async #openLane(release: Installed, cameraId: string, priority: Priority, signal?: AbortSignal): Promise<Lane> {
    const { cameras, frameLoop, launcher, log, telemetry, threadsFor, prewarmFor } = this.#parts;
    const camera = cameras.get(cameraId);
    if (!camera) throw new RangeError(`no camera ${cameraId}`);
    const { manifest, packageDir, ref } = release;
    const opened: { lane: Lane | null } = { lane: null };
    const withLane = (use: (lane: Lane) => void) => {
      if (opened.lane) use(opened.lane);
    };
    const runner = await launcher.launch<Flight>({
      manifest: withFaultFor('live', warmedBy(manifest, prewarmFor(ref.digest))),
      packageDir,
      ring: camera.ring(manifest.input),
      role: priority,
      threads: threadsFor(release, priority),
      // One that is not known to be sound shows in its warm-up what is wrong with it, and the next of the chain gets its turn.
      urgent: priority === 'baseline' && this.#parts.isProven(ref.digest) && this.#isNobodyThere(),
      log,
      coldMs: manifest.limits.coldMs,
      ...(signal === undefined ? {} : { signal }),
      onResult: (result) => withLane((lane) => frameLoop.onResult(lane, result)),
      onFault: (fault) => withLane((lane) => frameLoop.onFault(lane, fault)),
      onExit: (exit) => withLane((lane) => frameLoop.onExit(lane, exit)),
    });
    const { labelMap = null, labelIds = {} } = manifest.compat ?? {};
    opened.lane = openLane({
      ref,
      cameraId,
      labelMap,
      labelIds,
      alerting: alertingLabels(manifest.labels),
      input: manifest.input,
      runner,
    });
    telemetry.recordRunner({ digest: ref.digest, role: priority, pid: runner.pid });
    return opened.lane;
  }

  /** No release answers at any camera: every frame is dropped meanwhile. */
  #isNobodyThere(): boolean {
    return [...this.#contracts.keys()].every((digest) => this.#parts.frameLoop.lanesOf(digest).length === 0);
  }

  async #replace(lane: Lane, priority: Priority): Promise<void> {
    try {
      const release = await this.#parts.readInstalled(lane.ref.digest);
      if (!release) return;
      const next = await this.#openLane(release, lane.cameraId, priority);
      const isHeld = this.#parts.frameLoop.lanesOf(lane.ref.digest).includes(lane);
      if (isHeld) this.#parts.frameLoop.addLane(next);
      else await this.#discard(lane.ref.digest, [next]);
    } catch (error) {
      // The old runner goes on: slower than wanted, and the limits judge it.
      this.#parts.log.warn({ digest: lane.ref.digest, error: describeError(error) }, 'a runner could not be replaced');
    }
  }

  /** Has the frames of this contract made at every camera; contracts nobody uses any more go then too. */
  async #useContract(digest: string, contract: InputContract): Promise<void> {
    this.#contracts.set(digest, contract);
    const set = this.#contractsSet.then(async () => {
      const wanted = new Map([...this.#contracts.values()].map((one) => [contractHash(one), one]));
      await Promise.all([...this.#parts.cameras.values()].map((camera) => camera.setContracts([...wanted.values()])));
    });
    this.#contractsSet = set.catch(() => undefined);
    await set;
  }
}

function failureOf(error: unknown): LoadFailure {
  // A full or taken /dev/shm is this box's fault.
  if (error instanceof RingError) return 'starved';
  if (!(error instanceof RunnerError)) return 'fault';
  switch (error.code) {
    case 'wrong-digest':
      return 'wrong-digest';
    case 'crashed-on-load':
      return 'crash';
    case 'out-of-memory':
      return 'oom';
    case 'starved':
      return 'starved';
    case 'load-failed':
    case 'load-timeout':
    case 'contract-mismatch':
    case 'provider-unavailable':
    case 'cancelled':
      return 'fault';
  }
}
