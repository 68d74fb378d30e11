// The simulated control plane: takes what devices say, lets its leaders decide, and carries documents out. Two leaders
// share one database and one broker; either may stall anywhere between reading and writing, for minutes.
import { decideLease } from '../../../control-plane/core/grant-lease.ts';
import type { Random } from '../../../control-plane/core/random.ts';
import { PresenceBook } from '../../../control-plane/devices/presence.ts';
import { stopsCandidate } from '../../../control-plane/kill-switch/kill-records.ts';
import { DEFAULT_LIMITS } from '../../../shared/protocol/limits.ts';
import type { Hello } from '../../../shared/protocol/reports.ts';
import { deviceTopic } from '../../../shared/protocol/topics.ts';
import type { Checker } from '../check/checker.ts';
import type { EventQueue } from '../event-queue.ts';
import type { Entry, Uplink } from '../messages.ts';
import type { Network, Station } from '../network.ts';
import type { Parameters } from '../parameters.ts';
import type { Wiring } from '../wiring.ts';
import { type KillDesk, openKillDesk } from './kill-desk.ts';
import { type Asked, draftStep, writeStep } from './rollout-step.ts';
import { type DesiredRow, Store } from './store.ts';

/** A sequence number missing for longer counts as lost (telemetry.gapMs). */
const GAP_MS = 60_000;
const DELIVER_EVERY_MS = 1000;
const RESEND_MS = 10_000;
const ASSERT_EVERY_MS = 60_000;
const HEALTHY_STALL_MS = 40;

export type PlaneParts = {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly parameters: Parameters;
  readonly network: Network;
  readonly checker: Checker;
  readonly wiring: Wiring;
  readonly hardwareClassOf: (station: Station) => string;
};

export class ControlPlane {
  readonly store = new Store();
  /** No leader runs: whatever is said to them is lost, and only what an old one has in its outbox still goes out. */
  isOut = false;
  readonly kills: KillDesk;
  readonly #parts: PlaneParts;
  readonly #presence = new PresenceBook();
  readonly #watermarks: ReturnType<Wiring['openWatermarks']>;
  readonly #sentAtMs = new Map<string, number>();
  readonly #requests: Asked[] = [];
  #isCalm = false;

  constructor(parts: PlaneParts) {
    this.#parts = parts;
    this.kills = openKillDesk(this.store, {
      publish: (topic, message) => {
        parts.network.publish(topic, message);
        this.#echo(() => parts.network.publish(topic, message));
      },
    });
    this.#watermarks = parts.wiring.openWatermarks(GAP_MS);
  }

  start(): void {
    const { queue, parameters } = this.#parts;
    for (let leader = 0; leader < parameters.plane.leaders; leader += 1) {
      this.#every(parameters.plane.tickMs, (leader + 1) * 700, () => this.#tick(`leader-${leader + 1}`));
      this.#every(DELIVER_EVERY_MS, (leader + 1) * 130, () => this.#deliver());
    }
    this.#every(ASSERT_EVERY_MS, ASSERT_EVERY_MS, () => this.kills.assert(queue.nowMs));
    queue.after(0, () => undefined);
  }

  /** Faults stop: no leader stalls any more and the database works. */
  calm(): void {
    this.#isCalm = true;
    this.isOut = false;
    this.store.isUp = true;
  }

  /** A person asks for something; the next tick of a leader takes it. */
  ask(request: Asked): void {
    this.#requests.push(request);
  }

  receive(station: Station, message: Uplink): void {
    if (this.isOut) return;
    const nowMs = this.#parts.queue.nowMs;
    const address = { site: station.site, device: station.name };
    const { boot } = station;
    switch (message.kind) {
      case 'hello': {
        this.#presence.hello(message.document, nowMs);
        this.#seen(station, {});
        this.#reached(station);
        this.#lease(station, message.document);
        return;
      }
      case 'reported': {
        this.#presence.reported(message.document, nowMs);
        this.#seen(station, { reported: message.document });
        return;
      }
      case 'status': {
        this.#presence.status({ ...address, boot: message.boot, online: message.online, atMs: nowMs });
        this.#seen(station, { connected: this.#presence.get(address)?.connected ?? false }, message.online);
        return;
      }
      case 'entry':
        this.#presence.seen({ ...address, boot, atMs: nowMs });
        this.#ingest(station, message.entry);
        return;
    }
  }

  /** Answers a hello that asks for a lease, from memory alone and at once, or after the stall of a leader. */
  #lease(station: Station, hello: Hello): void {
    const address = { site: station.site, device: station.name };
    const known = this.#presence.get(address);
    if (hello.lease === null || !known) return;
    const { desiredGeneration: generation, desiredCandidate: candidate } = known;
    const order = generation === null ? null : { generation, candidate };
    const isKilled = candidate !== null && stopsCandidate(this.store.kills, address, candidate);
    const decision = decideLease({ hello, order, isKilled, nowMs: this.#parts.queue.nowMs });
    if (decision.kind === 'withhold') return;
    const send = () => this.#parts.network.tell(station.index, { kind: 'lease', document: decision.lease });
    this.#stall(send);
    this.#echo(send);
  }

  /** A leader that has lost its place empties its outbox once more, to whoever is connected by then. */
  #echo(send: () => void): void {
    const { random, parameters, queue } = this.#parts;
    const { echoShare, echoMsMax } = parameters.plane;
    const afterMs = random.next() * echoMsMax;
    if (random.chance(echoShare) && !this.#isCalm) queue.after(afterMs, send);
  }

  #seen(station: Station, change: object, isAlive = true): void {
    const { queue, hardwareClassOf } = this.#parts;
    if (!this.store.isUp) return;
    const key = `${station.site}/${station.name}`;
    const known = this.store.devices.get(key) ?? {
      site: station.site,
      device: station.name,
      hardwareClass: hardwareClassOf(station),
      connected: true,
      lastSeenAtMs: 0,
      reported: null,
      windowMs: this.#parts.parameters.windowMs,
    };
    const lastSeenAtMs = isAlive ? queue.nowMs : known.lastSeenAtMs;
    this.store.devices.set(key, { ...known, ...(isAlive ? { connected: true } : {}), ...change, lastSeenAtMs });
    this.#contact(station);
  }

  /** The first word of a device, or one that is ahead of us: what is desired begins, or passes it. */
  #contact(station: Station): void {
    const address = { site: station.site, device: station.name };
    const known = this.#presence.get(address);
    if (!known) return;
    const key = `${station.site}/${station.name}`;
    const row = this.store.desired.get(key);
    const { committed, generation } = known;
    const when = { nowMs: this.#parts.queue.nowMs, generationAbove: generation };
    if (row === undefined && committed !== null) {
      const { release, digest } = committed;
      const kept = { baseline: { release, digest }, candidate: null, cohortId: 'baseline', limits: DEFAULT_LIMITS };
      this.store.writeDesired(address, () => ({ ...kept, liftQuarantine: [] }), when);
    }
    if (row !== undefined && row.document.generation < generation)
      this.store.writeDesired(address, (previous) => previous ?? row.document, when);
  }

  #ingest(station: Station, entry: Entry): void {
    const { checker, wiring, queue, network } = this.#parts;
    const { store } = this;
    const { nowMs } = queue;
    if (entry.kind === 'window') {
      const { generation, killEpoch, startAtMs, endAtMs } = entry.document;
      const reached = { site: station.site, device: station.name, boot: entry.boot, generation, killEpoch };
      this.#presence.window({ ...reached, atMs: nowMs, windowMs: endAtMs - startAtMs });
      this.#reached(station);
    }
    if (!store.isUp) return;
    this.#seen(station, {});
    const key = `${station.site}/${station.name}`;
    const id = `${key}/${entry.boot}/${entry.seq}`;
    if (wiring.isCounted({ isKnown: store.stored.has(id) })) {
      checker.onCounted(key, entry);
      if (entry.kind === 'window') insert(store.windows, key, entry.document);
      else insert(store.events, key, { event: entry.document, receivedAtMs: nowMs });
    }
    store.stored.add(id);
    const position = { site: station.site, device: station.name, boot: entry.boot };
    const seq = this.#watermarks.settle(position, entry.seq, nowMs);
    network.tell(station.index, { kind: 'ack', boot: entry.boot, seq });
  }

  /** A device has said what it has reached: whatever is behind is sent again. */
  #reached(station: Station): void {
    const address = { site: station.site, device: station.name };
    const known = this.#presence.get(address);
    if (!known) return;
    this.kills.noticed(address, known.killEpoch);
    const row = this.store.desired.get(`${station.site}/${station.name}`);
    if (!row || !this.store.isUp || (known.isInForce && known.generation >= row.document.generation)) return;
    const lastMs = this.#sentAtMs.get(`${station.site}/${station.name}`);
    if (lastMs !== undefined && this.#parts.queue.nowMs - lastMs < RESEND_MS) return;
    this.#send(row);
  }

  #deliver(): void {
    if (!this.store.isUp) return;
    for (const row of this.store.desired.values()) {
      if (row.published >= row.document.generation) continue;
      // A leader that stalls here sends a document that has become old meanwhile.
      this.#stall(() => {
        this.#send(row);
        this.#echo(() => this.#publish(row));
        this.store.markPublished(`${row.document.site}/${row.document.device}`, row.document.generation);
      });
    }
  }

  #publish({ document, documentDigest }: DesiredRow): void {
    this.#parts.network.publish(deviceTopic(document, 'desired'), { kind: 'desired', document, documentDigest });
  }

  #send(row: DesiredRow): void {
    const { document } = row;
    const { queue } = this.#parts;
    this.#publish(row);
    this.#presence.desired(document);
    this.#sentAtMs.set(`${document.site}/${document.device}`, queue.nowMs);
  }

  #tick(leader: string): void {
    const { store } = this;
    const row = store.isUp ? store.activeRollout() : null;
    if (row === null) return;
    const { queue, checker, wiring } = this.#parts;
    const request = this.#requests.shift() ?? null;
    const draft = draftStep(store, row, request, queue.nowMs);
    if (draft === null) return;
    this.#stall(() => {
      if (!store.isUp) return;
      const before = store.rollouts.get(row.id);
      const outcome = writeStep(store, draft, wiring, queue.nowMs);
      if (outcome === 'written' && before) checker.onStep(leader, draft, before, store);
    });
  }

  /** Goes on at once, or after the pause that this leader happens to make here. */
  #stall(goOn: () => void): void {
    const { random, parameters, queue } = this.#parts;
    const { stallShare, stallMsMax } = parameters.plane;
    const isLong = random.chance(stallShare);
    const pauseMs = random.next() * (isLong && !this.#isCalm ? stallMsMax : HEALTHY_STALL_MS);
    queue.after(pauseMs, goOn);
  }

  #every(everyMs: number, firstMs: number, run: () => void): void {
    const { queue } = this.#parts;
    const again = () => {
      if (!this.isOut) run();
      queue.after(everyMs, again);
    };
    queue.after(firstMs, again);
  }
}

function insert<T>(rows: Map<string, T[]>, key: string, row: T): void {
  const kept = rows.get(key);
  if (kept) kept.push(row);
  else rows.set(key, [row]);
}
