// The control loop: one event at a time through the reducer, its effects to the hands, and what has changed to the
// control plane. Woken by documents, frames, results and a timer; whatever is missed, the next tick sees.
import { existsSync } from 'node:fs';
import { describeError } from '../shared/basics/errors.ts';
import type { Sensors } from '../shared/measure/window.ts';
import type { Effect } from './core/effects.ts';
import type { CoreEvent } from './core/events.ts';
import { reportOf } from './core/explain.ts';
import { standsBy } from './core/memory-mode.ts';
import type { MachineUse } from './core/memory-state.ts';
import { step } from './core/reduce.ts';
import type { CoreState, ReleaseRef } from './core/state.ts';
import type { RoomLog } from './frames/child-log.ts';

/** Local limits and the local kill file are looked at this often. */
const TICK_MS = 250;
/** Changes that come together are reported together. */
const REPORT_AFTER_MS = 50;
/** Frame events that change nothing worth a report. */
const FRAME_EVENTS: ReadonlySet<CoreEvent['kind']> = new Set([
  'offered',
  'look',
  'late',
  'answered',
  'opinion',
  'machine-use',
  'sensors',
  'tick',
]);

export type ControlLoopParts = {
  readonly carryOut: (effect: Effect) => void;
  readonly readSensors: () => Sensors;
  /** Left out where there is no machine to be read. */
  readonly readMachineUse?: (state: CoreState) => MachineUse;
  /** Once a second: the release for which runners without a model shall stand by; null: none. */
  readonly standBy?: (release: ReleaseRef | null) => void;
  /** Every camera's present state; asked once a second. */
  readonly cameras: () => readonly {
    readonly cameraId: string;
    readonly lost: boolean;
    readonly healthy: boolean | null;
    readonly why: string | null;
  }[];
  readonly closeWindow: (state: CoreState) => void;
  readonly publishReport: (report: ReturnType<typeof reportOf>) => void;
  readonly killFiles: readonly string[];
  readonly windowMs: number;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  /** How long the box was suspended since the last call; the monotonic clock does not count that. */
  readonly sleptMs: () => number;
  readonly log: RoomLog;
};

export class ControlLoop {
  readonly #parts: ControlLoopParts;
  readonly #queue: CoreEvent[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #state: CoreState;
  #isDraining = false;
  #report: NodeJS.Timeout | null = null;
  #reported = '';
  /** Turns of the timer since the start. */
  ticks = 0;

  constructor(state: CoreState, parts: ControlLoopParts) {
    this.#state = state;
    this.#parts = parts;
  }

  state(): CoreState {
    return this.#state;
  }

  /** Takes a fact. Facts that arrive while effects are carried out wait for their turn. */
  send(event: CoreEvent): void {
    this.#queue.push(event);
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#turn(next);
    } finally {
      this.#isDraining = false;
    }
  }

  start(slots: Extract<CoreEvent, { kind: 'booted' }>['slots']): void {
    this.#lookForKillFile();
    this.send({ kind: 'booted', slots });
    this.#timers.push(setInterval(() => this.#tick(), TICK_MS));
    this.#timers.push(setInterval(() => this.#closeWindow(), this.#parts.windowMs));
  }

  /** The link is up: everything we know goes out again. */
  reportNow(): void {
    this.#reported = '';
    this.#publish();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#report) clearTimeout(this.#report);
    this.send({ kind: 'stopping' });
    this.#closeWindow();
  }

  #turn(event: CoreEvent): void {
    // Before anything is decided on a lease: it may have run out while the box was suspended.
    const isLooking = event.kind === 'tick' || this.#state.leases.asking !== null;
    const sleptMs = isLooking ? this.#parts.sleptMs() : 0;
    if (sleptMs > 0) this.#take({ kind: 'slept', sleptMs });
    this.#take(event);
  }

  #take(event: CoreEvent): void {
    const before = this.#state.serving;
    const { state, effects } = step(this.#state, event, this.#parts.monotonicNow());
    this.#state = state;
    for (const effect of effects) this.#parts.carryOut(effect);
    if (before.ref?.digest !== state.serving.ref?.digest) {
      const { ref, kind, because } = state.serving;
      this.#parts.log.info({ serving: ref?.release ?? null, digest: ref?.digest ?? null, kind, because }, 'serving');
    }
    if (!FRAME_EVENTS.has(event.kind) || effects.length > 0) this.#reportSoon();
  }

  #tick(): void {
    this.ticks += 1;
    this.#lookForKillFile();
    if (this.ticks % (1000 / TICK_MS) !== 0) return;
    this.send({ kind: 'sensors', sensors: this.#parts.readSensors() });
    const use = this.#parts.readMachineUse?.(this.#state);
    if (use) this.send({ kind: 'machine-use', use });
    for (const camera of this.#parts.cameras()) {
      const known = this.#state.cameras.get(camera.cameraId);
      // What is measured of an unhealthy camera changes all the time; why one is lost is worth telling anew.
      const isSameState = known?.lost === camera.lost && known.healthy === camera.healthy;
      const isSame = isSameState && (!camera.lost || known.why === camera.why);
      if (!isSame) this.send({ kind: 'camera', ...camera });
    }
    this.send({ kind: 'tick', wallNowMs: this.#parts.wallNow() });
    this.#parts.standBy?.(standsBy(this.#state, this.#parts.monotonicNow()));
    this.#reportSoon();
  }

  #lookForKillFile(): void {
    const found = this.#parts.killFiles.find((path) => existsSync(path));
    const isKilled = this.#state.durable.kills.some((kills) => kills.topic === 'local' && kills.entries.length > 0);
    if ((found !== undefined) === isKilled) return;
    this.send({ kind: 'local-kill', present: found !== undefined, reason: `kill file ${found ?? ''}` });
  }

  #closeWindow(): void {
    try {
      this.#parts.closeWindow(this.#state);
    } catch (error) {
      this.#parts.log.error({ error: describeError(error) }, 'a window could not be closed');
    }
    this.reportNow();
  }

  #reportSoon(): void {
    this.#report ??= setTimeout(() => {
      this.#report = null;
      this.#publish();
    }, REPORT_AFTER_MS);
  }

  /** Only when something has changed that is more than a count. */
  #publish(): void {
    const report = reportOf(this.#state, this.#parts.monotonicNow());
    const lease = report.lease && { state: report.lease.state };
    const changing = { ...report, servedFrames: Math.min(1, report.servedFrames), lease };
    const text = JSON.stringify(changing);
    if (text === this.#reported) return;
    this.#reported = text;
    this.#parts.publishReport(report);
  }
}
