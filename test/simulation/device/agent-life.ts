// One life of an agent, from a start to a power cut: the real reducer and the real frame loop, the simulated hands, the
// loop between them (as agent/control-loop.ts), and what it tells the control plane.
import type { CoreEvent } from '../../../agent/core/events.ts';
import { reportOf } from '../../../agent/core/explain.ts';
import { killEpochOf } from '../../../agent/core/kills.ts';
import { type CoreState, type DurableState, freshDurable, openCore } from '../../../agent/core/state.ts';
import type { FrameLoop } from '../../../agent/frame-loop.ts';
import { NO_SENSORS } from '../../../shared/measure/sensors.ts';
import type { DeviceEvent, Hello } from '../../../shared/protocol/reports.ts';
import type { Downlink, Entry } from '../messages.ts';
import type { Station } from '../network.ts';
import { acknowledge, append } from './disk.ts';
import { Hands } from './hands.ts';
import type { LifeParts } from './life-parts.ts';
import { Ring } from './ring.ts';
import { WindowCounts } from './window-counts.ts';

const REPORT_AFTER_MS = 400;
const RESEND_MS = 10_000;
const IN_FLIGHT_MAX = 20;
const AGENT_VERSION = '0.0.0';

export class AgentLife implements Station {
  readonly index: number;
  readonly site: string;
  readonly name: string;
  readonly boot: string;
  readonly hands: Hands;
  readonly ring: Ring;
  isOver = false;
  /** What `persist` was last asked to keep, written or not. */
  asked: DurableState | null = null;
  readonly #parts: LifeParts;
  readonly #frameLoop: FrameLoop;
  readonly #counts = new WindowCounts();
  readonly #queue: CoreEvent[] = [];
  readonly #sentAtMs = new Map<string, number>();
  #state: CoreState;
  #isDraining = false;
  #isReportDue = false;
  #reported = '';
  #windowFromMs: number;
  #frames = 0;
  #clockMs = 0;

  constructor(parts: LifeParts) {
    this.#parts = parts;
    const { index, site, name, boot, disk, factory } = parts;
    this.index = index;
    this.site = site;
    this.name = name;
    this.boot = boot;
    const durable = disk.durable ?? freshDurable(factory);
    const clocks = { monotonicNowMs: this.monotonicNow(), wallNowMs: this.#wallNow() };
    this.#state = openCore({ site, device: name, boot, ...clocks, durable, proofs: [...disk.proofs.values()] });
    this.#windowFromMs = this.#wallNow();
    const after = (ms: number, run: () => void) => this.#after(ms, run);
    this.ring = new Ring(parts.checker, this);
    this.#frameLoop = parts.wiring.openFrameLoop({
      site,
      device: name,
      boot,
      core: { state: () => this.#state, send: (event) => this.send(event) },
      telemetry: this.#counts,
      publish: (record) => {
        if (!this.isOver) parts.checker.onAnswer(this, record);
      },
      releaseSlot: (cameraId, slot) => {
        if (!this.isOver) this.ring.release(cameraId, slot);
      },
      monotonicNow: () => this.monotonicNow(),
      // A timer of the frame loop may keep a promise: what follows from it happens now, not when somebody else is asked.
      after: (ms, run) =>
        after(ms, () => {
          run();
          parts.settleSoon();
        }),
    });
    this.hands = new Hands({
      ...parts,
      frameLoop: this.#frameLoop,
      send: (event) => this.send(event),
      after,
      write: (next) => this.#write(next),
      emit: (event) => this.#emit(event),
      sayHello: (lease) => this.#sayHello(lease),
      onReroute: (isSwitch) => {
        this.#counts.isPartial ||= isSwitch;
      },
    });
  }

  state(): CoreState {
    return this.#state;
  }

  monotonicNow(): number {
    const { queue, poweredAtMs, device, wiring } = this.#parts;
    const monotonicMs = queue.nowMs - poweredAtMs - device.suspendedMs + 5000;
    if (monotonicMs < this.#clockMs) throw new RangeError(`the simulated clock of ${this.name} went backwards`);
    this.#clockMs = monotonicMs;
    return wiring.clock({ monotonicMs, wallMs: this.#wallNow() });
  }

  start(): void {
    const { network, parameters, random, cameras, disk } = this.#parts;
    const isFirst = disk.durable === null;
    this.send({ kind: 'booted', slots: isFirst ? 'fresh' : 'whole' });
    if (this.isOver) return;
    this.send({ kind: 'sensors', sensors: NO_SENSORS });
    this.#every(parameters.tickMs, () => this.#tick());
    this.#every(parameters.windowMs, () => this.#closeWindow());
    this.#every(RESEND_MS / 4, () => this.#pump());
    for (const cameraId of cameras) this.#after(random.between(100, 2000), () => this.#film(cameraId));
    this.#after(random.between(200, 3000), () => network.connect(this, () => this.isOver));
  }

  /** Takes a fact; facts that arrive meanwhile wait for their turn. */
  send(event: CoreEvent): void {
    if (this.isOver) return;
    this.#queue.push(event);
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const sleptMs = this.#parts.device.takeSlept();
        if (sleptMs > 0) this.#turn({ kind: 'slept', sleptMs });
        if (!this.isOver) this.#turn(next);
      }
    } finally {
      this.#isDraining = false;
    }
  }

  receive(message: Downlink): void {
    if (this.isOver) return;
    const receivedAtMs = this.monotonicNow();
    switch (message.kind) {
      case 'desired':
        this.send({ kind: 'desired', document: message.document, documentDigest: message.documentDigest });
        return;
      case 'kill': {
        const { place, document, documentDigest } = message;
        this.send({ kind: 'kill', topic: place, document, documentDigest, receivedAtMs });
        return;
      }
      case 'lease':
        this.send({ kind: 'lease', document: message.document });
        return;
      case 'ack':
        this.#acknowledged(message.boot, message.seq);
        return;
    }
  }

  onUp(): void {
    this.send({ kind: 'link', isUp: true });
    this.#reported = '';
    this.#report();
    this.#sentAtMs.clear();
    this.#pump();
  }

  onDown(): void {
    const { network, random } = this.#parts;
    this.send({ kind: 'link', isUp: false });
    this.#after(random.between(300, 8000), () => network.connect(this, () => this.isOver));
  }

  /** The kill file appears or goes. */
  lookForKillFile(): void {
    const { device } = this.#parts;
    const isKilled = this.#state.durable.kills.some((kills) => kills.topic === 'local' && kills.entries.length > 0);
    if (device.hasKillFile === isKilled) return;
    this.send({ kind: 'local-kill', present: device.hasKillFile, reason: 'kill file' });
  }

  #turn(event: CoreEvent): void {
    const { wiring, checker, device } = this.#parts;
    const before = this.#state;
    const turn = wiring.step(before, event, this.monotonicNow());
    this.#state = turn.state;
    checker.onTurn(this, { event, before, turn });
    for (const effect of wiring.inOrder(turn.effects)) {
      if (device.isCutNow()) return;
      checker.onEffect(this, effect);
      this.hands.carryOut(effect);
      if (this.isOver) return;
    }
    if (turn.effects.length > 0) this.#reportSoon();
  }

  #tick(): void {
    this.lookForKillFile();
    this.send({ kind: 'tick' });
    this.#parts.checker.onTick(this);
  }

  #film(cameraId: string): void {
    const { random, parameters, device } = this.#parts;
    const { frameEveryMs, burstMax } = parameters;
    const count = random.chance(0.3) ? random.int(1, burstMax) : 1;
    if (!device.isBlind) for (let at = 0; at < count; at += 1) this.#after(at * 35, () => this.#frame(cameraId));
    this.#after(frameEveryMs * random.between(0.5, 1.5), () => this.#film(cameraId));
  }

  #frame(cameraId: string): void {
    const slot = this.ring.take(cameraId);
    if (slot === null) return;
    this.#frames += 1;
    const picture = { width: 64, height: 64 };
    const times = { capturedAtMs: this.#wallNow(), monotonicMs: this.monotonicNow() };
    this.#frameLoop.onFrame({ cameraId, seq: this.#frames, slot, index: 0, ...times, picture });
  }

  #write(durable: DurableState): string | null {
    const { disk, wiring, checker } = this.#parts;
    this.asked = durable;
    if (disk.isFull) return 'no space left on device';
    disk.durable = wiring.toDisk(durable, this.#state);
    checker.onPersisted(this);
    return null;
  }

  #emit(fields: Parameters<ConstructorParameters<typeof Hands>[0]['emit']>[0]): void {
    const event = { ...this.#header(), ...fields, atMs: this.#wallNow() };
    append(this.#parts.disk.spool, this.boot, (seq) => ({ kind: 'event', document: { ...event, seq } as DeviceEvent }));
    this.#pump();
  }

  #sayHello(lease: Hello['lease']): void {
    const { durable, desired } = this.#state;
    const { hardwareClass, network, disk } = this.#parts;
    const reached = { generation: desired?.generation ?? 0, killEpoch: killEpochOf(durable) };
    const more = {
      hardwareClass,
      agentVersion: AGENT_VERSION,
      line: null,
      seq: disk.spool.lastSeq.get(this.boot) ?? 0,
    };
    network.send(this, { kind: 'hello', document: { ...this.#header(), ...reached, ...more, lease } });
  }

  #closeWindow(): void {
    const { disk, hardwareClass } = this.#parts;
    const { desired, durable } = this.#state;
    const reached = { generation: desired?.generation ?? 0, killEpoch: killEpochOf(durable) };
    const times = { startAtMs: this.#windowFromMs, endAtMs: Math.max(this.#windowFromMs, this.#wallNow()) };
    this.#windowFromMs = times.endAtMs;
    const cohortId = desired?.cohortId ?? 'baseline';
    const number = this.#counts.close({ ...this.#header(), ...reached, ...times, hardwareClass, cohortId });
    append(disk.spool, this.boot, (seq) => ({ kind: 'window', document: number(seq) }));
    this.#reported = '';
    this.#report();
    this.#pump();
  }

  #pump(): void {
    const { network, disk } = this.#parts;
    if (!network.isConnected(this)) return;
    const now = this.monotonicNow();
    for (const entry of disk.spool.entries.slice(0, IN_FLIGHT_MAX)) {
      const key = `${entry.boot} ${entry.seq}`;
      const sentAtMs = this.#sentAtMs.get(key);
      if (sentAtMs !== undefined && now - sentAtMs < RESEND_MS) continue;
      this.#sentAtMs.set(key, now);
      network.send(this, { kind: 'entry', entry });
    }
  }

  #acknowledged(boot: string, seq: number): void {
    const { disk, checker } = this.#parts;
    const forgotten: readonly Entry[] = acknowledge(disk.spool, boot, seq);
    if (forgotten.length === 0) return;
    checker.onForgotten(this, forgotten);
    this.#pump();
  }

  #reportSoon(): void {
    if (this.#isReportDue) return;
    this.#isReportDue = true;
    this.#after(REPORT_AFTER_MS, () => {
      this.#isReportDue = false;
      this.#report();
    });
  }

  #report(): void {
    const { network, hardwareClass } = this.#parts;
    if (!network.isConnected(this)) return;
    const body = reportOf(this.#state, this.monotonicNow());
    const text = JSON.stringify({ ...body, servedFrames: Math.min(1, body.servedFrames) });
    if (text === this.#reported) return;
    this.#reported = text;
    const more = {
      atMs: this.#wallNow(),
      agentVersion: AGENT_VERSION,
      hardwareClass,
      line: null,
      hardware: null,
      sinks: [],
    };
    network.send(this, { kind: 'reported', document: { ...this.#header(), ...more, ...body } });
  }

  #header() {
    return { v: 1 as const, site: this.site, device: this.name, boot: this.boot };
  }

  #wallNow(): number {
    const { queue, device } = this.#parts;
    return Math.max(0, Math.round(queue.nowMs + device.wallSkewMs));
  }

  #after(ms: number, run: () => void): () => void {
    const { queue } = this.#parts;
    return queue.after(
      ms,
      () => {
        if (!this.isOver) run();
      },
      this.index,
    );
  }

  #every(everyMs: number, run: () => void): void {
    const again = () => {
      run();
      this.#after(everyMs, again);
    };
    this.#after(this.#parts.random.between(0.2, 1) * everyMs, again);
  }
}
