// A box in a factory: its disk outlives everything, its agent lives from one start to the next power cut.
import { AgentLife } from './agent-life.ts';
import { type Disk, openDisk } from './disk.ts';
import type { Box, LifeParts } from './life-parts.ts';

export type DeviceParts = Omit<
  LifeParts,
  'boot' | 'poweredAtMs' | 'device' | 'disk' | 'loseBox' | 'isReachable' | 'bitRotShare'
>;

/** A box that its release took down comes back after this. */
const BACK_AFTER_MS = 12_000;

export class SimDevice implements Box {
  readonly disk: Disk;
  life: AgentLife | null = null;
  hasKillFile = false;
  isBlind = false;
  wallSkewMs = 0;
  /** Until then nothing happens here at all: the machine is stopped. */
  frozenUntilMs = 0;
  isCalm = false;
  suspendedMs = 0;
  readonly #parts: DeviceParts;
  /** Effects that are still carried out before the power goes; null: it stays. */
  #effectsLeft: number | null = null;
  #cutIsPower = true;
  #boots = 0;
  #sleptMs = 0;
  #isSuspended = false;
  #poweredAtMs = 0;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
    this.disk = openDisk([parts.factory.digest]);
  }

  get index(): number {
    return this.#parts.index;
  }

  get key(): string {
    return `${this.#parts.site}/${this.#parts.name}`;
  }

  get site(): string {
    return this.#parts.site;
  }

  get name(): string {
    return this.#parts.name;
  }

  get hardwareClass(): string {
    return this.#parts.hardwareClass;
  }

  powerOn(): void {
    this.#poweredAtMs = this.#parts.queue.nowMs;
    this.#start();
  }

  isCutNow(): boolean {
    if (this.#effectsLeft === null || this.isCalm) return false;
    this.#effectsLeft -= 1;
    if (this.#effectsLeft >= 0) return false;
    this.stop(this.#cutIsPower, 3000);
    return true;
  }

  /** Nothing happens here for so long; in a suspended box the monotonic clock stands still too. */
  freeze(forMs: number, isSuspended: boolean): boolean {
    const { nowMs } = this.#parts.queue;
    if (this.frozenUntilMs > nowMs || this.isCalm || this.life === null) return false;
    this.frozenUntilMs = nowMs + forMs;
    this.#isSuspended = isSuspended;
    if (!isSuspended) return true;
    this.suspendedMs += forMs;
    this.#sleptMs += forMs;
    return true;
  }

  /** Goes on now. Time that it has not slept through after all is given back: its clock never goes backwards. */
  thaw(): void {
    const leftMs = Math.max(0, this.frozenUntilMs - this.#parts.queue.nowMs);
    this.frozenUntilMs = 0;
    if (!this.#isSuspended) return;
    this.suspendedMs -= leftMs;
    this.#sleptMs -= leftMs;
  }

  takeSlept(): number {
    const sleptMs = this.#sleptMs;
    this.#sleptMs = 0;
    return sleptMs;
  }

  /** The power goes, or the agent is killed, right after so many more effects. */
  cutAfter(effects: number, isPower: boolean): void {
    this.#effectsLeft = effects;
    this.#cutIsPower = isPower;
  }

  /** Ends the agent without a word; it starts again after a while. */
  stop(isPower: boolean, forMs: number): void {
    const { life } = this;
    if (life === null || this.isCalm) return;
    const { queue, network, checker } = this.#parts;
    this.#effectsLeft = null;
    this.thaw();
    life.isOver = true;
    this.life = null;
    checker.onStopped(life);
    network.vanish(life);
    queue.after(forMs, () => {
      if (isPower) {
        this.#poweredAtMs = queue.nowMs;
        this.suspendedMs = 0;
      }
      this.#start();
    });
  }

  #start(): void {
    this.#boots += 1;
    this.#sleptMs = 0;
    const { index, checker, network, parameters } = this.#parts;
    // The first six characters are part of every request id.
    const boot = `${(this.#boots * 4096 + index).toString(16).padStart(6, '0')}cafe`;
    const life = new AgentLife({
      ...this.#parts,
      boot,
      poweredAtMs: this.#poweredAtMs,
      device: this,
      disk: this.disk,
      isReachable: () => !network.isCut(index),
      bitRotShare: parameters.device.bitRotShare,
      loseBox: () => this.#loseBox(),
    });
    this.life = life;
    checker.onBoot(life);
    life.start();
  }

  /** Its own release did that: it goes on when the faults from outside have stopped. */
  #loseBox(): void {
    const wasCalm = this.isCalm;
    this.isCalm = false;
    this.stop(true, BACK_AFTER_MS);
    this.isCalm = wasCalm;
  }
}
