// The hands of a simulated device: each effect of the reducer in virtual time, with everything that goes wrong in the
// field. They decide nothing; each ends in an event, as agent/steps.ts and agent/runner-pool.ts do.
import type { Effect } from '../../../agent/core/effects.ts';
import type { CoreEvent } from '../../../agent/core/events.ts';
import type { DurableState, ProofRecord, ReleaseRef } from '../../../agent/core/state.ts';
import { openLane } from '../../../agent/frame.ts';
import type { FrameLoop } from '../../../agent/frame-loop.ts';
import type { Random } from '../../../control-plane/core/random.ts';
import { inputContractSchema } from '../../../shared/release/manifest.ts';
import type { Flaw, SimRelease } from '../releases.ts';
import type { Disk } from './disk.ts';
import { openSimRunner, type SimRunner } from './sim-runner.ts';

export type HandsParts = {
  readonly factory: ReleaseRef;
  readonly disk: Disk;
  readonly random: Random;
  readonly frameLoop: FrameLoop;
  readonly cameras: readonly string[];
  readonly releaseOf: (digest: string) => SimRelease;
  readonly flawOf: (digest: string) => Flaw;
  readonly send: (event: CoreEvent) => void;
  /** Not any more once the device has lost its power. */
  readonly after: (ms: number, run: () => void) => () => void;
  readonly isReachable: () => boolean;
  readonly bitRotShare: number;
  readonly write: (durable: DurableState) => string | null;
  readonly emit: (event: Extract<Effect, { kind: 'emit' }>['event']) => void;
  readonly sayHello: (lease: Extract<Effect, { kind: 'hello' }>['lease']) => void;
  readonly onReroute: (isSwitch: boolean) => void;
  /** The release takes the box down with it. */
  readonly loseBox: () => void;
  /** Promises are about to be settled: nothing else may happen before they are. */
  readonly settleSoon: () => void;
};

type EffectOf<K extends Effect['kind']> = Extract<Effect, { kind: K }>;
type Table = { readonly [K in Effect['kind']]: (effect: EffectOf<K>) => void };

const INPUT = inputContractSchema.parse({
  name: 'image',
  dtype: 'uint8',
  layout: 'NHWC',
  shape: [1, 64, 64, 3],
  color: 'rgb',
  fit: 'letterbox',
  normalise: 'in-graph',
});

export class Hands {
  readonly #parts: HandsParts;
  readonly #running = new Map<string, () => void>();
  readonly #loading = new Map<string, () => void>();
  readonly #runners = new Map<string, readonly SimRunner[]>();
  readonly #table: Table;

  constructor(parts: HandsParts) {
    this.#parts = parts;
    this.#table = {
      persist: ({ durable }) => parts.send({ kind: 'persisted', fault: parts.write(durable) }),
      emit: ({ event }) => parts.emit(event),
      hello: ({ lease }) => parts.sayHello(lease),
      reroute: ({ from, serving }) => {
        parts.frameLoop.reroute(from, serving);
        parts.onReroute(from !== null);
      },
      fetch: ({ ref, from }) => this.#fetch(ref, from),
      load: ({ ref }) => this.#load(ref),
      prove: ({ ref }) => this.#prove(ref),
      score: ({ ref }) => this.#score(ref),
      prioritise: () => undefined,
      unload: ({ digest, how }) => this.#unload(digest, how),
      cancel: ({ digest }) => this.#cancel(digest),
      'collect-garbage': ({ keep }) => this.#collectGarbage(keep),
    };
  }

  carryOut(effect: Effect): void {
    const hand = this.#table[effect.kind] as ((effect: Effect) => void) | undefined;
    hand?.(effect);
  }

  /** Loaded and told so. */
  holds(digest: string): boolean {
    return this.#runners.has(digest);
  }

  /** Something outside ends one of the runners. */
  killRunner(pick: Random, signal: 'SIGSEGV' | 'SIGKILL'): void {
    const runners = [...this.#runners.values()].flat();
    if (runners.length > 0) pick.pick(runners).die(signal);
  }

  #fetch({ digest }: ReleaseRef, from: 'local' | 'anywhere'): void {
    const { disk, random, send, isReachable } = this.#parts;
    const isHere = disk.files.has(digest);
    const durationMs = isHere || from === 'local' ? 20 : random.between(500, 15_000);
    this.#begin(`fetch ${digest}`, durationMs, () => {
      if (disk.files.has(digest)) return send({ kind: 'installed', digest });
      const failed = { kind: 'install-failed', digest, isFinal: false } as const;
      if (from === 'local') return send({ ...failed, failure: 'unknown-release', reason: 'not here' });
      if (disk.isFull) return send({ ...failed, failure: 'disk-full', reason: 'no room' });
      if (!isReachable()) return send({ ...failed, failure: 'download-failed', reason: 'no answer' });
      disk.files.add(digest);
      disk.rotten.delete(digest);
      send({ kind: 'installed', digest });
    });
  }

  /** Why the files cannot be used; null when they can. What has rotted is thrown away. */
  #look(digest: string): 'missing' | 'wrong-digest' | null {
    const { disk, random, bitRotShare } = this.#parts;
    if (!disk.files.has(digest)) return 'missing';
    // The factory package can always be read again from where it was installed.
    const canRot = digest !== this.#parts.factory.digest;
    if (!disk.rotten.has(digest) && !(canRot && random.chance(bitRotShare))) return null;
    disk.files.delete(digest);
    disk.rotten.delete(digest);
    return 'wrong-digest';
  }

  #load({ digest }: ReleaseRef): void {
    const { random, send, flawOf, loseBox, after } = this.#parts;
    const done = after(random.between(30, 2500), () => {
      this.#loading.delete(digest);
      const damage = this.#look(digest);
      const failed = { kind: 'load-failed', digest } as const;
      if (damage !== null) return send({ ...failed, failure: damage, reason: `${damage} on this device` });
      const flaw = flawOf(digest);
      if (flaw === 'does-not-load' && random.chance(0.8))
        return send({ ...failed, failure: random.pick(['fault', 'crash', 'oom']), reason: 'no session' });
      if (flaw === 'kills-the-box' && random.chance(0.3)) return loseBox();
      this.#open(digest);
      send({ kind: 'loaded', digest, provider: { asked: 'cpu', used: 'cpu' } });
    });
    this.#loading.set(digest, done);
  }

  #open(digest: string): void {
    const { cameras, frameLoop, random, after, releaseOf, flawOf, settleSoon } = this.#parts;
    const release = releaseOf(digest);
    const runners = cameras.map((cameraId) => {
      const runner: SimRunner = openSimRunner({
        release,
        flaw: flawOf(digest),
        random,
        after,
        onResult: (result) => frameLoop.onResult(lane, result),
        onFault: (fault) => frameLoop.onFault(lane, fault),
        onExit: (exit) => {
          if (!lane.isEnding) this.#runners.delete(digest);
          frameLoop.onExit(lane, exit);
          settleSoon();
        },
      });
      const lane = openLane({ ref: release, cameraId, labelMap: null, input: INPUT, runner });
      frameLoop.addLane(lane);
      return runner;
    });
    this.#runners.set(digest, runners);
  }

  #unload(digest: string, how: 'gently' | 'at-once'): void {
    const { frameLoop, send, after, settleSoon } = this.#parts;
    const cancelLoad = this.#loading.get(digest);
    if (cancelLoad) {
      cancelLoad();
      this.#loading.delete(digest);
      after(5, () => send({ kind: 'unloaded', digest }));
      return;
    }
    this.#runners.delete(digest);
    settleSoon();
    void frameLoop.end(digest, how).then(() => send({ kind: 'unloaded', digest }));
  }

  #prove({ digest, release }: ReleaseRef): void {
    const { random, disk, send, flawOf, loseBox } = this.#parts;
    const durationMs = random.between(300, 5000);
    this.#begin(`prove ${digest}`, durationMs, () => {
      const damage = this.#look(digest);
      const failed = { kind: 'load-failed', digest } as const;
      if (damage !== null) return send({ ...failed, failure: damage, reason: `${damage} on this device` });
      if (random.chance(0.03)) return send({ ...failed, failure: 'starved', reason: 'the box had no time' });
      const flaw = flawOf(digest);
      if (flaw === 'kills-the-box' && random.chance(0.8)) return loseBox();
      const isMet = flaw !== 'fails-its-proof';
      const isWhole = !(flaw === 'not-finite' && random.chance(0.3));
      const record = recordOf({ digest, release }, isMet && isWhole);
      disk.proofs.set(digest, record);
      send({ kind: 'proof', record, fault: record.passed ? null : isMet ? 'non-finite' : 'mismatch' });
    });
  }

  #score(ref: ReleaseRef): void {
    const { random, disk, send } = this.#parts;
    this.#begin(`score ${ref.digest}`, random.between(300, 5000), () => {
      const record = disk.files.has(ref.digest) && random.chance(0.9) ? recordOf(ref, true) : null;
      if (record) disk.proofs.set(ref.digest, record);
      send({ kind: 'scored', digest: ref.digest, record });
    });
  }

  #cancel(digest: string): void {
    const { random, send, after } = this.#parts;
    for (const what of ['fetch', 'prove']) {
      const key = `${what} ${digest}`;
      const stop = this.#running.get(key);
      if (!stop) continue;
      stop();
      this.#running.delete(key);
      // A download that is cut off still says that it did not come to an end.
      const told = { kind: 'install-failed', digest, failure: 'download-failed', reason: 'cancelled' } as const;
      if (what === 'fetch' && random.chance(0.5)) after(10, () => send({ ...told, isFinal: false }));
    }
  }

  #collectGarbage(keep: readonly string[]): void {
    const { disk, after } = this.#parts;
    after(100, () => {
      for (const digest of [...disk.files]) if (!keep.includes(digest)) disk.files.delete(digest);
    });
  }

  #begin(key: string, afterMs: number, finish: () => void): void {
    const stop = this.#parts.after(afterMs, () => {
      this.#running.delete(key);
      finish();
    });
    this.#running.set(key, stop);
  }
}

function recordOf({ release, digest }: ReleaseRef, passed: boolean): ProofRecord {
  const figures = { atMs: 1, frames: 8, loadMs: 5, coldStartMs: 9, scores: [] };
  return { release, digest, passed, reason: passed ? 'all met' : '3 of 8 met', ...figures };
}
