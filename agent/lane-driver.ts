// Drives the lanes: hands one frame at a time to each runner, keeps one newer one waiting, and watches the deadline of
// the one that runs. It knows nothing of serving; what to do with a missed frame is said by the frame loop.
import { deadlineMs } from './core/deadlines.ts';
import { limitsOf } from './core/limits.ts';
import type { CoreState } from './core/state.ts';
import { isOnTrial } from './core/trouble.ts';
import type { Flight, Lane, Offer } from './frame.ts';

/** Frames that wait ahead of the others because another release has failed them; more than the ring has slots never come. */
const RESCUED_MAX = 16;

export type LaneDriverParts = {
  readonly state: () => CoreState;
  readonly monotonicNow: () => number;
  /** The frame that runs has missed its deadline; the runner still holds its slot. */
  readonly onMissed: (lane: Lane, flight: Flight) => void;
  /** Another deadline has passed and it still runs the same frame. */
  readonly onStuck: (lane: Lane) => void;
  /** The offer will not be run here: a newer one came, or the runner is gone. */
  readonly onRefused: (offer: Offer, why: 'superseded' | 'runner-gone') => void;
};

export class LaneDriver {
  readonly #parts: LaneDriverParts;

  constructor(parts: LaneDriverParts) {
    this.#parts = parts;
  }

  /** Runs the frame now, or keeps it as the newest that waits. */
  offer(lane: Lane, offer: Offer): void {
    const older = lane.waiting;
    lane.waiting = offer;
    if (older) this.#parts.onRefused(older, 'superseded');
    this.next(lane);
  }

  /** A frame that another release has failed goes before those that wait. */
  rescue(lane: Lane, offer: Offer): void {
    if (lane.rescued.length >= RESCUED_MAX) this.#parts.onRefused(offer, 'superseded');
    else lane.rescued.push(offer);
    this.next(lane);
  }

  /** Hands over what comes next when the runner is free. */
  next(lane: Lane): void {
    if (lane.current !== null || lane.isEnding) return;
    const offer = lane.rescued.shift() ?? lane.waiting;
    if (!offer) return;
    if (offer === lane.waiting) lane.waiting = null;
    const { seq, slot } = offer.frame.token;
    const flight: Flight = { ...offer, seq, slot, sentAtMs: this.#parts.monotonicNow(), isDiverted: false };
    if (lane.runner.submit(flight)) {
      lane.current = flight;
      this.#arm(lane, flight);
    } else this.#parts.onRefused(offer, 'runner-gone');
  }

  /** The runner has said something about its frame: it is free again. */
  landed(lane: Lane, flight: Flight): void {
    if (lane.current !== flight) return;
    lane.current = null;
    this.forget(lane);
  }

  /** Stops watching. */
  forget(lane: Lane): void {
    if (lane.deadline) clearTimeout(lane.deadline);
    lane.deadline = null;
    lane.isLate = false;
    lane.diverted = 0;
  }

  #arm(lane: Lane, flight: Flight): void {
    const state = this.#parts.state();
    const role = flight.role === 'baseline' && isOnTrial(state, lane.ref.digest) ? 'candidate' : flight.role;
    const ms = deadlineMs(state.tracks, lane.ref.digest, role, limitsOf(state));
    lane.deadline = setTimeout(() => this.#onDeadline(lane, flight, ms), ms);
  }

  #onDeadline(lane: Lane, flight: Flight, ms: number): void {
    if (lane.current !== flight) return;
    lane.deadline = setTimeout(() => this.#onDeadline(lane, flight, ms), ms);
    const wasLate = lane.isLate;
    lane.isLate = true;
    if (wasLate) this.#parts.onStuck(lane);
    else if (!flight.isDiverted) this.#parts.onMissed(lane, flight);
  }
}
