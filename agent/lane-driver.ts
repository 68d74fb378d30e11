// Drives the lanes: keeps each runner busy with one frame running and one in its queue, keeps a newer one waiting, and
// watches the deadline of the one that runs. It knows nothing of serving; what to do with a missed frame is said by the frame loop.
import type { After } from './after.ts';
import { deadlineMs } from './core/deadlines.ts';
import { limitsOf } from './core/limit-breach.ts';
import type { CoreState } from './core/state.ts';
import { isOnTrial } from './core/trouble.ts';
import type { Flight, Lane, Offer } from './frame.ts';

/** Frames that wait ahead of the others because another release has failed them; more than the ring has slots never come. */
const RESCUED_MAX = 16;

/** A runner that had to wait for our reply between two frames would idle a fifth of its time; more would only age. */
const FLIGHTS_MAX = 2;

/** A timer that fires this late tells of this process, not of a runner. */
const OVERSLEPT_MS = 1000;

export type LaneDriverParts = {
  readonly state: () => CoreState;
  readonly monotonicNow: () => number;
  readonly after: After;
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

  /** Hands over what comes next while the runner has room. */
  next(lane: Lane): void {
    for (;;) {
      const offer = lane.rescued[0] ?? lane.waiting;
      if (offer === null || offer === undefined || !hasRoom(lane, offer)) return;
      if (offer === lane.waiting) lane.waiting = null;
      else lane.rescued.shift();
      this.#submit(lane, offer);
    }
  }

  /** The runner has said something about its frame: the one behind it runs now. */
  landed(lane: Lane, flight: Flight): void {
    const place = lane.flights.indexOf(flight);
    if (place < 0) return;
    lane.flights.splice(place, 1);
    if (place > 0) return;
    this.forget(lane);
    const [runs] = lane.flights;
    if (runs === undefined) return;
    runs.startedAtMs = this.#parts.monotonicNow();
    this.#arm(lane, runs);
  }

  /** Stops watching. */
  forget(lane: Lane): void {
    lane.deadline?.();
    lane.deadline = null;
    lane.isLate = false;
    lane.diverted = 0;
  }

  #submit(lane: Lane, offer: Offer): void {
    const { seq, slot } = offer.frame.token;
    const flight: Flight = { ...offer, seq, slot, startedAtMs: this.#parts.monotonicNow(), isDiverted: false };
    if (!lane.runner.submit(flight)) {
      this.#parts.onRefused(offer, 'runner-gone');
      return;
    }
    lane.flights.push(flight);
    if (lane.flights[0] === flight) this.#arm(lane, flight);
  }

  #arm(lane: Lane, flight: Flight): void {
    const state = this.#parts.state();
    const role = flight.role === 'baseline' && isOnTrial(state, lane.ref.digest) ? 'candidate' : flight.role;
    const ms = deadlineMs(state.tracks, lane.ref.digest, role, limitsOf(state));
    this.#watch(lane, flight, ms);
  }

  #watch(lane: Lane, flight: Flight, ms: number): void {
    const dueAtMs = this.#parts.monotonicNow() + ms;
    lane.deadline = this.#parts.after(ms, () => this.#onDeadline(lane, flight, { ms, dueAtMs }));
  }

  #onDeadline(lane: Lane, flight: Flight, { ms, dueAtMs }: { readonly ms: number; readonly dueAtMs: number }): void {
    if (lane.flights[0] !== flight) return;
    this.#watch(lane, flight, ms);
    // We were stopped ourselves: its answer may lie in the pipe already, and nobody has missed anything.
    if (this.#parts.monotonicNow() - dueAtMs > OVERSLEPT_MS) return;
    const wasLate = lane.isLate;
    lane.isLate = true;
    if (wasLate) this.#parts.onStuck(lane);
    else if (!flight.isDiverted) this.#parts.onMissed(lane, flight);
  }
}

/** A late runner gets nothing more, and a shadow never has a frame in its queue. */
function hasRoom(lane: Lane, offer: Offer): boolean {
  if (lane.isEnding || lane.isLate) return false;
  return lane.flights.length < (offer.role === 'shadow' ? 1 : FLIGHTS_MAX);
}
