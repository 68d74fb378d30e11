// The frame loop with the real reducer behind it and fake runners before it. Time moves only when a test says so
// (vitest's fake timers and a clock of our own, moved together).
import { vi } from 'vitest';
import { afterOnTheClock } from '../../agent/after.ts';
import { ControlLoop } from '../../agent/control-loop.ts';
import type { Effect, EventFields } from '../../agent/core/effects.ts';
import { freshDurable, openCore, type ReleaseRef } from '../../agent/core/state.ts';
import { type Flight, openLane } from '../../agent/frame.ts';
import { FrameLoop } from '../../agent/frame-loop.ts';
import type { AnswerRecord } from '../../agent/sinks/answer-record.ts';
import type { FrameOutcome, FramePair } from '../../agent/telemetry/outcome.ts';
import { NO_SENSORS } from '../../shared/measure/sensors.ts';
import { type InputContract, inputContractSchema } from '../../shared/release/manifest.ts';
import { type FakeRunner, openFakeRunner } from '../fakes/fake-runner.ts';
import { openRecordingLog } from '../fakes/recording-log.ts';
import { DEVICE, desired, documentDigestOf, FACTORY, killDocument, ref, SITE } from './core/core-world.ts';

const CAMERA = 'camera-1';
const INPUT = inputContractSchema.parse({
  name: 'image',
  dtype: 'uint8',
  layout: 'NHWC',
  shape: [1, 160, 320, 3],
  color: 'rgb',
  fit: 'letterbox',
  normalise: 'in-graph',
});
/** c sees the same pictures through another frame. */
const INPUTS: Readonly<Record<string, InputContract>> = { c: { ...INPUT, shape: [1, 640, 640, 3] } };

export class FrameWorld {
  readonly answers: AnswerRecord[] = [];
  readonly outcomes: FrameOutcome[] = [];
  readonly pairs: FramePair[] = [];
  readonly offered: string[] = [];
  readonly released: number[] = [];
  readonly events: EventFields[] = [];
  readonly runners = new Map<string, FakeRunner<Flight>>();
  readonly order: string[] = [];
  readonly control: ControlLoop;
  readonly loop: FrameLoop;
  nowMs = 1000;
  /** Told once, as the suspend watch does. */
  suspendedMs = 0;
  #seq = 0;

  constructor() {
    const clocks = { monotonicNowMs: this.nowMs, wallNowMs: 1_700_000_000_000 };
    const durable = { ...freshDurable(FACTORY), committed: ref('b'), previous: FACTORY };
    const proof = { ...ref('b'), passed: true, reason: '', atMs: 1, frames: 3, loadMs: 1, coldStartMs: 1, scores: [] };
    this.control = new ControlLoop(
      openCore({ site: SITE, device: DEVICE, boot: 'abcdef0123', ...clocks, durable, proofs: [proof] }),
      {
        carryOut: (effect) => this.#carryOut(effect),
        readSensors: () => NO_SENSORS,
        cameras: () => [],
        closeWindow: () => undefined,
        publishReport: () => undefined,
        killFiles: [],
        windowMs: 60_000,
        monotonicNow: () => this.nowMs,
        wallNow: () => clocks.wallNowMs + this.nowMs,
        sleptMs: () => this.#takeSuspended(),
        log: openRecordingLog(),
      },
    );
    this.loop = new FrameLoop({
      site: SITE,
      device: DEVICE,
      boot: 'abcdef0123',
      core: { state: () => this.control.state(), send: (event) => this.control.send(event) },
      telemetry: {
        recordOutcome: (outcome) => void this.outcomes.push(outcome),
        recordOffered: (digest) => void this.offered.push(digest),
        recordPair: (pair) => void this.pairs.push(pair),
      },
      publish: (record) => void this.answers.push(record),
      releaseSlot: (_, slot) => void this.released.push(slot),
      monotonicNow: () => this.nowMs,
      after: afterOnTheClock,
    });
    this.control.send({ kind: 'booted', slots: 'whole' });
  }

  /** Desired: b as the baseline, c in this role. */
  ask(role: 'shadow' | 'serve', generation = 1): void {
    const document = desired(generation, 'b', { name: 'c', role });
    this.control.send({ kind: 'desired', document, documentDigest: documentDigestOf(document) });
  }

  kill(kills: Parameters<typeof killDocument>[1], epoch = 1): void {
    const document = killDocument(epoch, kills);
    const event = { kind: 'kill', topic: 'fleet', document, documentDigest: documentDigestOf(document) } as const;
    this.control.send({ ...event, receivedAtMs: this.nowMs });
  }

  /** A camera frame; its number is its sequence. */
  frame(): number {
    this.#seq += 1;
    const token = {
      cameraId: CAMERA,
      seq: this.#seq,
      slot: this.#seq,
      index: 0,
      capturedAtMs: 1,
      monotonicMs: this.nowMs,
      picture: { width: 640, height: 320 },
    };
    this.loop.onFrame(token);
    return this.#seq;
  }

  runner(name: string): FakeRunner<Flight> {
    const runner = this.runners.get(ref(name).digest);
    if (!runner) throw new Error(`no runner of ${name}`);
    return runner;
  }

  /** Timers fire when they are due, give or take a second. */
  wait(ms: number): void {
    for (let left = ms; left > 0; left -= 1000) {
      this.nowMs += Math.min(1000, left);
      vi.advanceTimersByTime(Math.min(1000, left));
    }
  }

  /** The process does not run: what is due meanwhile fires late, once. */
  sleep(ms: number): void {
    this.nowMs += ms;
    vi.runOnlyPendingTimers();
  }

  /** Which release answered which frame, in order: `b1 c2`. */
  said(): string {
    return this.answers
      .map((answer) => `${nameOf(answer.model_digest)}${answer.request_id.split('-').at(-1)}`)
      .join(' ');
  }

  lost(): string {
    const failed = this.outcomes.filter((outcome) => outcome.result.kind === 'failed');
    return failed
      .map(({ release, requestId, result }) => {
        const error = result.kind === 'failed' ? result.error : '';
        return `${nameOf(release.digest)}${requestId.split('-').at(-1)} ${error}`;
      })
      .join(', ');
  }

  #takeSuspended(): number {
    const taken = this.suspendedMs;
    this.suspendedMs = 0;
    return taken;
  }

  #carryOut(effect: Effect): void {
    this.order.push(effect.kind);
    if (effect.kind === 'emit') this.events.push(effect.event);
    if (effect.kind === 'fetch') this.control.send({ kind: 'installed', digest: effect.ref.digest });
    if (effect.kind === 'load') this.#load(effect.ref);
    if (effect.kind === 'prove') this.#prove(effect.ref);
    if (effect.kind === 'reroute') this.loop.reroute(effect.from, effect.serving);
    if (effect.kind !== 'unload') return;
    const { digest } = effect;
    void this.loop.end(digest, effect.how).then(() => this.control.send({ kind: 'unloaded', digest }));
  }

  #load(release: ReleaseRef): void {
    const runner: FakeRunner<Flight> = openFakeRunner<Flight>({
      onResult: (result) => this.loop.onResult(lane, result),
      onFault: (fault) => this.loop.onFault(lane, fault),
      onExit: (exit) => this.loop.onExit(lane, exit),
    });
    const input = INPUTS[nameOf(release.digest)] ?? INPUT;
    const lane = openLane({ ref: release, cameraId: CAMERA, labelMap: null, input, runner });
    this.runners.set(release.digest, runner);
    this.loop.addLane(lane);
    this.control.send({ kind: 'loaded', digest: release.digest, provider: { asked: 'cpu', used: 'cpu' } });
  }

  #prove(release: ReleaseRef): void {
    const record = {
      ...release,
      passed: true,
      reason: 'met',
      atMs: 1,
      frames: 3,
      loadMs: 1,
      coldStartMs: 1,
      scores: [],
    };
    this.control.send({ kind: 'proof', record, fault: null });
  }
}

function nameOf(digest: string): string {
  return ['b', 'c', 'f'].find((name) => ref(name).digest === digest) ?? '?';
}
