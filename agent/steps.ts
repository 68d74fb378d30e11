// The hands: what each effect of the reducer means in the world. Each one ends in an event; none of them decides.
import { describeError } from '../shared/basics/errors.ts';
import type { Artifacts, Installed } from './artifacts/artifacts.ts';
import type { Effect } from './core/effects.ts';
import type { CoreEvent } from './core/events.ts';
import type { Prewarm } from './core/prewarm.ts';
import type { Priority, ReleaseRef } from './core/state.ts';
import type { FrameLoop } from './frame-loop.ts';
import type { RoomLog } from './frames/child-log.ts';
import type { Launcher } from './inference/inference.ts';
import type { ProofFile } from './proof-file.ts';
import { proveRelease } from './proving.ts';
import type { RoleClock } from './role-clock.ts';
import type { RunnerPool } from './runner-pool.ts';
import type { Slots } from './state/slots.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/** A fetch may take hours on a slow link, but not for ever: then the control loop asks again. */
const FETCH_MS_MAX = 6 * 3_600_000;
/** A proof that takes longer than this is cancelled as hanging: 1,000 pictures on the slowest board. */
const PROOF_MS_MAX = 30 * 60_000;

/** More often than the shortest window (1 s), so that none that a golden run touches goes unmarked. */
const MARK_MS = 400;

export type StepParts = {
  readonly slots: Slots;
  readonly artifacts: Artifacts;
  readonly pool: RunnerPool;
  readonly launcher: Launcher;
  readonly frameLoop: FrameLoop;
  readonly telemetry: Pick<Telemetry, 'emit' | 'markPartial'>;
  readonly roleClock: RoleClock;
  readonly proofs: ProofFile;
  readonly send: (event: CoreEvent) => void;
  readonly sayHello: (lease: EffectOf<'hello'>['lease']) => void;
  /** An event waits in the spool. */
  readonly wakeReporter: () => void;
  readonly threadsFor: (release: Installed, priority: Priority) => number;
  readonly prewarmFor: (digest: string) => Prewarm;
  readonly device: string;
  readonly ringDir: string;
  readonly log: RoomLog;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
};

type EffectOf<K extends Effect['kind']> = Extract<Effect, { kind: K }>;
type Hands = { readonly [K in Effect['kind']]: (effect: EffectOf<K>) => void };

export type Steps = { readonly carryOut: (effect: Effect) => void; readonly cancelAll: () => Promise<void> };

export function openSteps(parts: StepParts): Steps {
  const running = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  const run = (key: string, limitMs: number, work: (signal: AbortSignal) => Promise<void>) => {
    const abort = new AbortController();
    // Not AbortSignal.timeout: that one stays, with all it knows, until its hours are over, also when the step is long done.
    const timer = setTimeout(() => abort.abort(new DOMException(`over its ${limitMs} ms`, 'TimeoutError')), limitMs);
    timer.unref();
    const { signal } = abort;
    // The same step again waits for the cancelled one to be gone: both would use the same files and rings.
    const former = running.get(key)?.done;
    const done = (former === undefined ? work(signal) : former.then(() => work(signal)))
      .catch((error: unknown) => parts.log.error({ step: key, error: describeError(error) }, 'a step failed'))
      .finally(() => {
        clearTimeout(timer);
        if (running.get(key)?.abort === abort) running.delete(key);
      });
    running.set(key, { abort, done });
  };
  const cancel = (digest: string) => {
    for (const what of ['fetch', 'prove']) running.get(`${what} ${digest}`)?.abort.abort();
  };
  let keptNow: readonly string[] = [];
  const hands: Hands = {
    persist: ({ durable }) => persist(parts, durable),
    emit: ({ event }) => emit(parts, event),
    hello: ({ lease }) => parts.sayHello(lease),
    reroute: ({ from, serving }) => {
      parts.roleClock.switchTo(serving);
      parts.frameLoop.reroute(from, serving);
      if (from !== null) parts.telemetry.markPartial('another release took over');
    },
    fetch: ({ ref, from }) =>
      run(`fetch ${ref.digest}`, FETCH_MS_MAX, (signal) =>
        from === 'local' ? look(parts, ref) : fetch(parts, ref, signal),
      ),
    load: ({ ref, priority }) => parts.pool.load(ref.digest, priority),
    prove: ({ ref }) => run(`prove ${ref.digest}`, PROOF_MS_MAX, (signal) => prove(parts, ref, signal)),
    score: ({ ref }) => run(`score ${ref.digest}`, PROOF_MS_MAX, (signal) => score(parts, ref, signal)),
    prioritise: ({ digest, priority }) => parts.pool.prioritise(digest, priority),
    unload: ({ digest, how }) => run(`unload ${digest}`, PROOF_MS_MAX, () => parts.pool.unload(digest, how)),
    cancel: ({ digest }) => cancel(digest),
    'collect-garbage': ({ keep }) => {
      keptNow = keep;
      // One that waited for another deletes by the newest list: a release may have been ordered again meanwhile.
      run('collect-garbage', FETCH_MS_MAX, () => parts.artifacts.collectGarbage(keptNow));
    },
  };
  return {
    carryOut: (effect) => (hands[effect.kind] as (effect: Effect) => void)(effect),
    cancelAll: async () => {
      for (const step of running.values()) step.abort.abort();
      await Promise.all([...running.values()].map((step) => step.done));
    },
  };
}

/** Before anything else of the turn. A kill goes on without a disk; a candidate does not start without one. */
function persist(parts: StepParts, durable: EffectOf<'persist'>['durable']): void {
  let fault: string | null = null;
  try {
    parts.slots.write(durable);
  } catch (error) {
    fault = describeError(error);
    parts.log.error({ error: fault }, 'the state could not be written; no candidate may run until it can');
  }
  parts.send({ kind: 'persisted', fault });
}

function emit(parts: StepParts, event: EffectOf<'emit'>['event']): void {
  parts.telemetry.emit({ ...event, reason: event.reason.slice(0, 2000), atMs: Math.round(parts.wallNow()) });
  parts.wakeReporter();
}

async function look(parts: StepParts, ref: ReleaseRef): Promise<void> {
  const installed = await parts.artifacts.readInstalled(ref.digest);
  const { digest } = ref;
  if (installed) parts.send({ kind: 'installed', digest, memoryMb: installed.manifest.limits.memoryMb });
  else {
    const reason = `${ref.release} is not installed whole on this device`;
    parts.send({ kind: 'install-failed', digest, failure: 'unknown-release', reason, isFinal: false });
  }
}

async function fetch(parts: StepParts, ref: ReleaseRef, signal: AbortSignal): Promise<void> {
  const { digest } = ref;
  const result = await parts.artifacts.fetch(digest, signal, ({ limits }) => {
    parts.send({ kind: 'sized', digest, memoryMb: limits.memoryMb });
  });
  if (result.kind === 'installed') {
    parts.send({ kind: 'installed', digest, memoryMb: result.release.manifest.limits.memoryMb });
    return;
  }
  const { failure, reason, isFinal } = result;
  parts.send({ kind: 'install-failed', digest, failure, reason, isFinal });
}

async function prove(parts: StepParts, ref: ReleaseRef, signal: AbortSignal): Promise<void> {
  const release = await parts.artifacts.readInstalled(ref.digest);
  const { digest } = ref;
  if (!release) {
    parts.send({ kind: 'load-failed', digest, failure: 'missing', reason: 'it is not installed whole' });
    return;
  }
  const result = await besideLive(parts, () => proveRelease(release, goldenParts(parts, release, 'candidate', signal)));
  if (result.kind === 'cancelled') return;
  if (result.kind === 'damaged') {
    await parts.artifacts.discardDamaged(digest);
    parts.send({ kind: 'load-failed', digest, failure: 'wrong-digest', reason: result.reason });
    return;
  }
  if (result.kind === 'starved') {
    parts.send({ kind: 'load-failed', digest, failure: 'starved', reason: result.reason });
    return;
  }
  parts.proofs.keep(result.record);
  parts.send({ kind: 'proof', record: result.record, fault: result.fault });
}

async function score(parts: StepParts, ref: ReleaseRef, signal: AbortSignal): Promise<void> {
  const release = await parts.artifacts.readInstalled(ref.digest);
  const run = async () => release && proveRelease(release, goldenParts(parts, release, 'shadow', signal));
  const result = await besideLive(parts, run);
  const record = result?.kind === 'proof' ? result.record : null;
  if (record) parts.proofs.keep(record);
  parts.send({ kind: 'scored', digest: ref.digest, record });
}

/** A golden run takes the machine from the live frames: windows that it touches are shown, and compared with nothing. */
async function besideLive<T>({ telemetry }: StepParts, work: () => Promise<T>): Promise<T> {
  const mark = () => telemetry.markPartial('a golden run took the machine from the live frames');
  mark();
  const timer = setInterval(mark, MARK_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    mark();
  }
}

function goldenParts(parts: StepParts, release: Installed, role: 'candidate' | 'shadow', signal: AbortSignal) {
  const { device, launcher, ringDir, log, monotonicNow, wallNow, threadsFor, prewarmFor } = parts;
  const prewarm = prewarmFor(release.ref.digest);
  const threads = threadsFor(release, role);
  return { device, launcher, ringDir, log, monotonicNow, wallNow, role, signal, threads, prewarm };
}
