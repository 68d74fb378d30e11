// The frame loop: a token from a camera → the serving runner (and now and then the shadow) → an outcome. It asks the
// serving rule for every frame and never decides by itself. Every frame gets one answer, or a counted drop or failure.
import type { After } from './after.ts';
import { contentOf } from './core/answer-content.ts';
import type { CoreEvent } from './core/events.ts';
import { decideServing, fallbackFor } from './core/serving.ts';
import type { CoreState, ReleaseRef, Serving } from './core/state.ts';
import { drainMs, type Flight, type Frame, type Lane, laneKey, type Offer, openFrame, takeWaiting } from './frame.ts';
import { type DropReason, FrameCounter } from './frame-counts.ts';
import { type AnsweredFrame, type FrameError, outcomeOf, pairUp } from './frame-outcome.ts';
import type { CameraToken } from './frames/frames.ts';
import type { RunnerAnswer, RunnerExit, RunnerFaultReport } from './inference/inference.ts';
import { LaneDriver } from './lane-driver.ts';
import { NextAnswer } from './next-answer.ts';
import { opinionLane } from './second-opinion.ts';
import { servingLane } from './serving-lane.ts';
import { ShadowShare } from './shadow-share.ts';
import { type AnswerRecord, answerRecord } from './sinks/answer-record.ts';
import type { FrameOutcome } from './telemetry/outcome.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export type FrameLoopParts = {
  readonly site: string;
  readonly device: string;
  readonly boot: string;
  readonly core: { readonly state: () => CoreState; readonly send: (event: CoreEvent) => void };
  readonly telemetry: Pick<Telemetry, 'recordOutcome' | 'recordOffered' | 'recordPair'>;
  readonly publish: (record: AnswerRecord, by: Lane) => void;
  /** Every answer, a shadow's too, while its frame still lies in the ring. */
  readonly onAnswered?: (answered: AnsweredFrame) => void;
  readonly releaseSlot: (cameraId: string, slot: number) => void;
  /** Kernel monotonic clock in ms, the clock of the camera's tokens. */
  readonly monotonicNow: () => number;
  readonly after: After;
};

export class FrameLoop {
  readonly #parts: FrameLoopParts;
  readonly #driver: LaneDriver;
  readonly #lanes = new Map<string, Lane>();
  readonly counter = new FrameCounter();
  readonly #nextAnswer: NextAnswer;
  readonly #share = new ShadowShare();

  constructor(parts: FrameLoopParts) {
    this.#parts = parts;
    this.#nextAnswer = new NextAnswer(parts.after);
    this.#driver = new LaneDriver({
      state: parts.core.state,
      monotonicNow: parts.monotonicNow,
      after: parts.after,
      onMissed: (lane, flight) => this.#onMissed(lane, flight),
      onStuck: (lane) => this.#onStuck(lane),
      onRefused: (offer, why) => this.#onRefused(offer, why),
    });
  }

  /** A camera has a frame: decide who gets it. */
  onFrame(token: CameraToken): void {
    const { core, device, boot } = this.#parts;
    this.counter.offeredFrames += 1;
    core.send({ kind: 'offered' });
    const frame = openFrame(token, `${device}/${token.cameraId}/${boot.slice(0, 6)}-${token.seq}`);
    const serving = decideServing(core.state(), this.#parts.monotonicNow());
    this.#remember(frame, serving.shadow);
    const lane = servingLane(core.state(), this.#lanes, serving, token.cameraId);
    const asked = opinionLane(core.state(), this.#lanes, frame);
    if (asked) this.#give(asked, { frame, role: 'shadow', isOpinion: true }, 'next');
    if (lane === null) this.#settle(frame, 'no-release');
    else this.#give(lane.lane, { frame, role: lane.role }, 'next');
    this.#letGo(frame);
  }

  /** A runner stands ready. One that it replaces ends gently. */
  addLane(lane: Lane): void {
    const key = laneKey(lane.ref.digest, lane.cameraId);
    const replaced = this.#lanes.get(key);
    this.#lanes.set(key, lane);
    if (replaced) void this.#drain(replaced);
  }

  lanesOf(digest: string): readonly Lane[] {
    return [...this.#lanes.values()].filter((lane) => lane.ref.digest === digest);
  }

  pidsOf(digest: string): readonly { readonly digest: string; readonly pid: number }[] {
    return this.lanesOf(digest).map(({ runner }) => ({ digest, pid: runner.pid }));
  }

  /** Going to the baseline: what the other release has not answered yet is answered there instead. */
  reroute(from: ReleaseRef | null, serving: Serving): void {
    if (from === null || serving.kind === 'candidate' || serving.kind === 'trial-baseline') return;
    for (const lane of this.lanesOf(from.digest)) this.#evacuate(lane);
  }

  /** Ends the runners of a release. Resolves when they are gone and their slots are free. */
  async end(digest: string, how: 'gently' | 'at-once'): Promise<void> {
    const lanes = this.lanesOf(digest);
    for (const lane of lanes) this.#lanes.delete(laneKey(digest, lane.cameraId));
    await Promise.all(lanes.map((lane) => (how === 'gently' ? this.#drain(lane) : this.#cut(lane))));
  }

  onResult(lane: Lane, result: RunnerAnswer<Flight>): void {
    const flight = result.token;
    // An answer is a decision too: its release may have lost its place while the answer was on its way, or we slept.
    if (flight.role === 'candidate') this.#parts.core.send({ kind: 'look' });
    const serviceMs = this.#parts.monotonicNow() - flight.startedAtMs;
    this.#driver.landed(lane, flight);
    if (flight.isDiverted) this.#parts.core.send({ kind: 'late', digest: lane.ref.digest, serviceMs });
    else if (!result.finite || result.answer === null) this.#fail(lane, flight, 'non-finite', 'a NaN or an infinity');
    else this.#answer(lane, flight, result, serviceMs);
    this.#letGo(flight.frame);
    this.#driver.next(lane);
  }

  onFault(lane: Lane, fault: RunnerFaultReport<Flight>): void {
    const flight = fault.token;
    if (flight === null) return; // The runner itself is at fault, and its end follows.
    this.#driver.landed(lane, flight);
    if (!flight.isDiverted) this.#fail(lane, flight, 'fault', `${fault.code}: ${fault.detail}`);
    this.#letGo(flight.frame);
    this.#driver.next(lane);
  }

  /** A runner is gone that nobody has ended: its frames go elsewhere before anything is written down about its death. */
  onExit(lane: Lane, exit: RunnerExit<Flight>): void {
    if (lane.isEnding) return;
    lane.isEnding = true;
    const { digest } = lane.ref;
    const others = this.lanesOf(digest).filter((other) => other !== lane);
    for (const one of [lane, ...others]) this.#lanes.delete(laneKey(digest, one.cameraId));
    const [running] = lane.flights;
    if (running && !running.isDiverted) this.#record(lane, running, 'runner-died', exit.reason);
    if (fallbackFor(this.#parts.core.state(), digest) !== null) this.#evacuate(lane);
    this.#parts.core.send({ kind: 'runner-died', digest, how: exit.how, reason: exit.reason });
    this.#evacuate(lane);
    this.#abandon(lane);
    for (const other of others) void this.#cut(other);
  }

  #answer(lane: Lane, flight: Flight, result: RunnerAnswer<Flight>, serviceMs: number): void {
    const { frame, role } = flight;
    const { answer, runMs, borderline } = result;
    if (answer === null) return;
    const { telemetry, core, monotonicNow } = this.#parts;
    const { digest } = lane.ref;
    const content = contentOf(answer, lane.alerting ?? null);
    if (flight.isOpinion === true) {
      core.send({ kind: 'opinion', digest, content });
      return;
    }
    // A shadow has waited for the answer: its own time alone tells of it.
    const latencyMs = role === 'shadow' ? serviceMs : Math.max(0, monotonicNow() - frame.token.monotonicMs);
    const outcome = outcomeOf(lane, flight, { kind: 'answered', latencyMs, runMs, answer, borderline });
    if (role !== 'shadow') this.#publish(lane, frame, outcome);
    telemetry.recordOutcome(outcome);
    const pair = pairUp(lane, flight, { ref: lane.ref, answer, borderline });
    if (pair) telemetry.recordPair(pair);
    this.#parts.onAnswered?.({ lane, flight, outcome, pair });
    core.send({ kind: 'answered', digest, role, latencyMs, serviceMs, requestId: frame.requestId, content });
    if (role === 'shadow') this.#share.ran(runMs);
    else this.#nextAnswer.arrived();
    this.#turnToShadow(frame, true);
  }

  #publish(lane: Lane, frame: Frame, outcome: FrameOutcome): void {
    const { site, device, core, publish } = this.#parts;
    frame.isSettled = true;
    this.counter.answered(frame.cameraId);
    const record = answerRecord(outcome, { site, device, cohortId: core.state().desired?.cohortId ?? 'baseline' });
    if (record) publish(record, lane);
  }

  /** This release has failed the frame: that is counted against it, and the baseline answers it. */
  #fail(lane: Lane, flight: Flight, error: 'deadline' | 'non-finite' | 'fault', detail: string): void {
    if (flight.isOpinion === true) return;
    this.#record(lane, flight, error, detail);
    this.#parts.core.send({ kind: 'frame-fault', digest: lane.ref.digest, role: flight.role, fault: error, detail });
    if (flight.role !== 'shadow') this.#rescue(flight.frame, lane.ref.digest);
  }

  #record(lane: Lane, flight: Flight, error: FrameError, detail: string): void {
    this.#parts.telemetry.recordOutcome(outcomeOf(lane, flight, { kind: 'failed', error, detail }));
  }

  #rescue(frame: Frame, failedDigest: string): void {
    if (frame.isSettled) return;
    const state = this.#parts.core.state();
    const serving = decideServing(state, this.#parts.monotonicNow());
    const isOther = serving.ref !== null && serving.ref.digest !== failedDigest;
    const ref = isOther ? serving.ref : fallbackFor(state, failedDigest);
    const lane = ref === null ? undefined : this.#lanes.get(laneKey(ref.digest, frame.cameraId));
    if (lane) this.#give(lane, { frame, role: isOther ? serving.role : 'baseline' }, 'first');
    else this.#settle(frame, 'failed');
  }

  /** A frame that the shadow shall see when it is answered. */
  #remember(frame: Frame, shadow: Serving['shadow']): void {
    if (shadow === null || !this.#share.wants(shadow, this.#parts.monotonicNow())) return;
    if (!this.#lanes.has(laneKey(shadow.ref.digest, frame.cameraId))) return;
    frame.shadow = shadow.ref.digest;
    frame.pair = { baseline: null, candidate: null };
    frame.holds += 1;
  }

  /** Not before the answer: beside the baseline it would take memory and caches from it. Without one there is no pair. */
  #turnToShadow(frame: Frame, isAnswered: boolean): void {
    if (frame.shadow === null) return;
    const lane = isAnswered ? this.#lanes.get(laneKey(frame.shadow, frame.cameraId)) : undefined;
    frame.shadow = null;
    if (lane) {
      this.#parts.telemetry.recordOffered(lane.ref.digest);
      this.#give(lane, { frame, role: 'shadow' }, 'next');
    }
    this.#letGo(frame);
  }

  #give(lane: Lane, offer: Offer, place: 'next' | 'first'): void {
    offer.frame.holds += 1;
    if (place === 'first') this.#driver.rescue(lane, offer);
    else this.#driver.offer(lane, offer);
  }

  #onMissed(lane: Lane, flight: Flight): void {
    flight.isDiverted = true;
    this.#fail(lane, flight, 'deadline', 'no answer within its deadline');
    // What waits behind it would wait in vain.
    for (const behind of lane.flights) this.#divert(lane, behind);
    for (const offer of takeWaiting(lane)) this.#moveOn(offer, lane.ref.digest);
  }

  /** Only a lane that other frames wanted meanwhile has missed again: a quiet camera proves nothing. */
  #onStuck(lane: Lane): void {
    const role = lane.flights[0]?.role;
    if (role === undefined || (lane.diverted === 0 && lane.waiting === null)) return;
    lane.diverted = 0;
    const detail = 'still busy with a frame whose deadline has passed';
    this.#parts.core.send({ kind: 'frame-fault', digest: lane.ref.digest, role, fault: 'deadline', detail });
  }

  #onRefused(offer: Offer, why: 'superseded' | 'runner-gone'): void {
    if (offer.role !== 'shadow') this.#settle(offer.frame, why === 'superseded' ? 'superseded' : 'failed');
    this.#letGo(offer.frame);
  }

  /** Takes every frame out of a lane and has it answered elsewhere; the running one too. */
  #evacuate(lane: Lane): void {
    for (const flight of lane.flights) this.#divert(lane, flight);
    for (const offer of takeWaiting(lane)) this.#moveOn(offer, lane.ref.digest);
  }

  /** Its frame is answered elsewhere; whatever this runner still says of it only frees the slot. */
  #divert(lane: Lane, flight: Flight): void {
    if (flight.isDiverted) return;
    flight.isDiverted = true;
    if (flight.role !== 'shadow') this.#rescue(flight.frame, lane.ref.digest);
  }

  #moveOn(offer: Offer, fromDigest: string): void {
    if (offer.role !== 'shadow') this.#rescue(offer.frame, fromDigest);
    this.#letGo(offer.frame);
  }

  async #drain(lane: Lane): Promise<void> {
    lane.isEnding = true;
    for (const offer of takeWaiting(lane)) this.#moveOn(offer, lane.ref.digest);
    await lane.runner.drain(drainMs(this.#parts.core.state().stopping));
    this.#abandon(lane);
  }

  /** SIGSTOP now, so that it takes no more of the machine; SIGKILL when somebody else has answered. */
  async #cut(lane: Lane): Promise<void> {
    lane.isEnding = true;
    this.#evacuate(lane);
    lane.runner.stop();
    if (lane.flights.length > 0) await this.#nextAnswer.wait();
    await lane.runner.kill();
    this.#abandon(lane);
  }

  #abandon(lane: Lane): void {
    this.#driver.forget(lane);
    for (const flight of lane.flights.splice(0)) {
      this.#divert(lane, flight);
      this.#letGo(flight.frame);
    }
  }

  #settle(frame: Frame, reason: DropReason): void {
    if (frame.isSettled) return;
    frame.isSettled = true;
    this.counter.dropped(frame.cameraId, reason);
    this.#turnToShadow(frame, false);
  }

  #letGo(frame: Frame): void {
    frame.holds -= 1;
    if (frame.holds === 0) this.#parts.releaseSlot(frame.cameraId, frame.token.slot);
  }
}
