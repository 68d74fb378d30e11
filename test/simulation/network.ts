// The network and the broker between devices and the control plane. Documents downwards are dropped, repeated, delayed
// and so reordered one by one; what a device sends comes in order as long as its connection lives, as over TCP, and is
// lost with it. A partition is noticed late: until then both sides talk into the void.

import type { Random } from '../../control-plane/core/random.ts';
import { deviceTopic, FLEET_KILL_TOPIC, siteKillTopic } from '../../shared/protocol/topics.ts';
import type { EventQueue } from './event-queue.ts';
import type { Downlink, Uplink } from './messages.ts';
import type { Parameters } from './parameters.ts';

/** What a device gives the network when it connects. */
export type Station = {
  readonly index: number;
  readonly site: string;
  readonly name: string;
  readonly boot: string;
  receive(message: Downlink): void;
  onUp(): void;
  onDown(): void;
};

type Connection = { readonly station: Station; isLost: boolean; lastArrivalMs: number };

/** The subscriptions stand this long before the device calls itself connected. */
const GRACE_MS = 200;
const REDELIVERED_MAX = 4;
const BACKOFF_MS_MAX = 20_000;
/** Either side notices a dead connection at one and a half keepalives. */
const NOTICED_AFTER_MS = 45_000;

export class Network {
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #traits: Parameters['network'];
  readonly #connections = new Map<number, Connection>();
  /** Per device: until when nothing passes. */
  readonly #cutUntilMs = new Map<number, number>();
  /** The broker's retained documents: whatever was published last on a topic. */
  readonly #retained = new Map<string, Downlink>();
  /** Per device: the last documents to it, which the broker may take for not received. */
  readonly #lately = new Map<number, readonly Downlink[]>();
  readonly #deliver: (station: Station, message: Uplink) => void;
  #isCalm = false;

  constructor(parts: {
    readonly queue: EventQueue;
    readonly random: Random;
    readonly traits: Parameters['network'];
    /** Something has arrived at the control plane. */
    readonly deliver: (station: Station, message: Uplink) => void;
  }) {
    this.#queue = parts.queue;
    this.#random = parts.random;
    this.#traits = parts.traits;
    this.#deliver = parts.deliver;
  }

  /** Faults stop: every partition heals, nothing is dropped any more. */
  calm(): void {
    this.#isCalm = true;
    this.#cutUntilMs.clear();
  }

  /** Nothing passes between this device and the control plane for a while. */
  partition(device: number, forMs: number): void {
    if (this.#isCalm) return;
    this.#cutUntilMs.set(device, this.#queue.nowMs + forMs);
    const connection = this.#connections.get(device);
    if (!connection) return;
    this.#queue.after(this.#random.between(0.3, 1) * NOTICED_AFTER_MS, () => {
      if (this.isCut(device) && this.#connections.get(device) === connection) this.#lose(connection);
    });
  }

  /** Every connection ends at once; retained documents may be lost with it. */
  restartBroker(keepsRetained: boolean): void {
    if (this.#isCalm) return;
    if (!keepsRetained) this.#retained.clear();
    for (const connection of [...this.#connections.values()]) this.#lose(connection);
  }

  isCut(device: number): boolean {
    return (this.#cutUntilMs.get(device) ?? 0) > this.#queue.nowMs;
  }

  isConnected(station: Station): boolean {
    return this.#connections.get(station.index)?.station === station;
  }

  /** Connects now or at a later try, until the station is gone. */
  connect(station: Station, isGone: () => boolean): void {
    if (isGone()) return;
    if (this.isCut(station.index)) {
      this.#queue.after(this.#random.between(500, BACKOFF_MS_MAX), () => this.connect(station, isGone), station.index);
      return;
    }
    const connection: Connection = { station, isLost: false, lastArrivalMs: 0 };
    const older = this.#connections.get(station.index);
    if (older) older.isLost = true;
    this.#connections.set(station.index, connection);
    this.#arrive(connection, { kind: 'status', boot: station.boot, online: true });
    for (const topic of topicsOf(station)) {
      const retained = this.#retained.get(topic);
      if (retained) this.#carry(connection, retained);
    }
    for (const message of this.#lately.get(station.index) ?? [])
      if (this.#chance(2 * this.#traits.duplicateShare)) this.#carry(connection, message);
    this.#queue.after(
      GRACE_MS,
      () => {
        if (!connection.isLost && !isGone()) station.onUp();
      },
      station.index,
    );
  }

  /** The device is gone without a word: the broker notices later and publishes its last will. */
  vanish(station: Station): void {
    const connection = this.#connections.get(station.index);
    if (connection?.station !== station) return;
    this.#connections.delete(station.index);
    connection.isLost = true;
    this.#will(connection);
  }

  /** From the device to the control plane. False when there is no connection. */
  send(station: Station, message: Uplink): boolean {
    const connection = this.#connections.get(station.index);
    if (connection?.station !== station) return false;
    this.#arrive(connection, message);
    if (message.kind === 'entry' && this.#chance(this.#traits.duplicateShare)) this.#arrive(connection, message);
    return true;
  }

  /** Retained, to everybody who has subscribed to the topic. */
  publish(topic: string, message: Downlink): void {
    this.#retained.set(topic, message);
    for (const connection of this.#connections.values()) {
      if (topicsOf(connection.station).includes(topic)) this.#carry(connection, message);
    }
  }

  /** Not retained, to one device. */
  tell(device: number, message: Downlink): void {
    const connection = this.#connections.get(device);
    if (connection) this.#carry(connection, message);
  }

  #carry(connection: Connection, message: Downlink): void {
    if (message.kind !== 'ack') this.#remember(connection.station.index, message);
    const copies = this.#chance(this.#traits.duplicateShare) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (this.#chance(this.#traits.dropShare)) continue;
      const { station } = connection;
      const land = () => {
        if (!connection.isLost && !this.isCut(station.index)) station.receive(message);
      };
      this.#queue.after(this.#delayMs(), land, station.index);
    }
  }

  #remember(device: number, message: Downlink): void {
    const lately = (this.#lately.get(device) ?? []).filter((known) => known !== message);
    this.#lately.set(device, [...lately, message].slice(-REDELIVERED_MAX));
  }

  #arrive(connection: Connection, message: Uplink): void {
    const { station } = connection;
    connection.lastArrivalMs = Math.max(connection.lastArrivalMs, this.#queue.nowMs + Math.min(2000, this.#delayMs()));
    this.#queue.after(connection.lastArrivalMs - this.#queue.nowMs, () => {
      if (!connection.isLost && !this.isCut(station.index)) this.#deliver(station, message);
    });
  }

  #lose(connection: Connection): void {
    const { station } = connection;
    connection.isLost = true;
    if (this.#connections.get(station.index) === connection) this.#connections.delete(station.index);
    this.#will(connection);
    this.#queue.after(0, () => station.onDown(), station.index);
  }

  #will({ station }: Connection): void {
    const noticedMs = this.#random.between(0.3, 1) * NOTICED_AFTER_MS;
    this.#queue.after(noticedMs, () => {
      if (this.#connections.get(station.index)?.station !== station)
        this.#deliver(station, { kind: 'status', boot: station.boot, online: false });
    });
  }

  #delayMs(): number {
    const quick = this.#random.between(2, 50);
    const isSlow = this.#random.chance(0.3);
    const slow = this.#random.between(0, this.#traits.delayMsMax);
    return this.#isCalm || !isSlow ? quick : quick + slow;
  }

  #chance(share: number): boolean {
    return this.#random.chance(share) && !this.#isCalm;
  }
}

function topicsOf({ site, name }: Station): readonly string[] {
  const address = { site, device: name };
  return [FLEET_KILL_TOPIC, siteKillTopic(site), deviceTopic(address, 'kill'), deviceTopic(address, 'desired')];
}
