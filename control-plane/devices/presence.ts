// Who is there now, in memory: enough for the kill switch and the delivery loop to work while the database does not.
// Fed by every message as it arrives; filled from the database at start.
import type { Desired, ReleaseRef } from '../../shared/protocol/documents.ts';
import type { Hello, Reported } from '../../shared/protocol/reports.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import { isOnline } from './device.ts';

export type DevicePresence = DeviceAddress & {
  readonly connected: boolean;
  /** It was connected when the control plane ended, and may come back until then; null once it has spoken. */
  readonly awaitedUntilMs: number | null;
  readonly lastSeenAtMs: number;
  readonly windowMs: number | null;
  readonly boot: string | null;
  /** Reached, as the device said last. */
  readonly generation: number;
  /** Whether a desired document is in force in its present boot: what it remembers of earlier ones does nothing. */
  readonly isInForce: boolean;
  readonly killEpoch: number;
  readonly serving: ReleaseRef | null;
  readonly committed: ReleaseRef | null;
  readonly candidate: ReleaseRef | null;
  /** Newest generation that is desired; null = nothing is. */
  readonly desiredGeneration: number | null;
  /** What that generation wants on trial; a lease is granted by it. */
  readonly desiredCandidate: Desired['candidate'];
  readonly desiredRollout: { readonly rolloutId: string; readonly digest: string } | null;
  /** The limits that it judges by; absent: nothing is desired. */
  readonly desiredLimits?: Desired['limits'];
};

export type Seen = DeviceAddress & { readonly boot: string; readonly atMs: number };
export type Reached = Seen & { readonly generation: number; readonly killEpoch: number };

export function addressKey({ site, device }: DeviceAddress): string {
  return `${site}/${device}`;
}

export class PresenceBook {
  readonly #devices = new Map<string, DevicePresence>();
  readonly #forgotten = new Set<string>();
  #revision = 0;

  /** Grows with every change. */
  get revision(): number {
    return this.#revision;
  }

  get(address: DeviceAddress): DevicePresence | null {
    return this.#devices.get(addressKey(address)) ?? null;
  }

  list(): readonly DevicePresence[] {
    return [...this.#devices.values()];
  }

  isOnline(address: DeviceAddress, nowMs: number): boolean {
    const presence = this.get(address);
    return presence !== null && isOnline(presence, nowMs);
  }

  isAwaited(address: DeviceAddress, nowMs: number): boolean {
    const untilMs = this.get(address)?.awaitedUntilMs ?? null;
    return untilMs !== null && nowMs < untilMs;
  }

  /** Puts what the database remembers; a message that came first is not overwritten. */
  restore(presence: DevicePresence): void {
    const key = addressKey(presence);
    if (!this.#devices.has(key)) this.#set(key, presence);
  }

  /** It has retired: nobody waits for it, and a late word of it does not bring it back. */
  forget(address: DeviceAddress): void {
    this.#forgotten.add(addressKey(address));
    this.#devices.delete(addressKey(address));
    this.#revision += 1;
  }

  isForgotten(address: DeviceAddress): boolean {
    return this.#forgotten.has(addressKey(address));
  }

  /** It may speak again. */
  recall(address: DeviceAddress): void {
    this.#forgotten.delete(addressKey(address));
  }

  hello(hello: Hello, atMs: number): void {
    const { site, device, boot, generation, killEpoch } = hello;
    const reached = { generation, killEpoch, isInForce: generation > 0 };
    this.#heard({ site, device }, { boot, ...reached, connected: true, lastSeenAtMs: atMs });
  }

  reported(reported: Reported, atMs: number): void {
    const { site, device, boot, generation, killEpoch, serving, committed, candidate } = reported;
    const isInForce = reported.desiredInForce;
    const change = { boot, generation, isInForce, killEpoch, serving, committed, candidate, lastSeenAtMs: atMs };
    this.#heard({ site, device }, change);
  }

  /** A last will of an older boot says nothing about the present one. */
  status(status: Seen & { readonly online: boolean }): void {
    const known = this.get(status);
    if (!status.online && known?.boot != null && known.boot !== status.boot) return;
    const seen = status.online ? { lastSeenAtMs: status.atMs, boot: status.boot } : {};
    this.#heard(status, { connected: status.online, ...seen });
  }

  window(reached: Reached & { readonly windowMs: number }): void {
    const known = this.get(reached);
    const age = { connected: true, lastSeenAtMs: reached.atMs };
    // A spooled window of before tells of the past: it proves that the device is there, not what it has reached.
    if (known !== null && known.boot !== null && known.boot !== reached.boot) {
      this.#heard(reached, age);
      return;
    }
    const generation = Math.max(known?.generation ?? 0, reached.generation);
    const killEpoch = Math.max(known?.killEpoch ?? 0, reached.killEpoch);
    const windowMs = Math.max(1, reached.windowMs);
    this.#heard(reached, { ...age, boot: reached.boot, generation, killEpoch, windowMs });
  }

  seen(seen: Seen): void {
    this.#heard(seen, { connected: true, lastSeenAtMs: seen.atMs });
  }

  /** What is desired of it; an older generation never overwrites a newer. */
  desired({ site, device, generation, candidate, limits }: Desired): void {
    const known = this.get({ site, device });
    if ((known?.desiredGeneration ?? 0) > generation) return;
    const desiredRollout = candidate ? { rolloutId: candidate.rolloutId, digest: candidate.digest } : null;
    const change = {
      desiredGeneration: generation,
      desiredCandidate: candidate,
      desiredRollout,
      desiredLimits: limits,
    };
    this.#update({ site, device }, change);
  }

  #heard(address: DeviceAddress, change: Partial<DevicePresence>): void {
    this.#update(address, { ...change, awaitedUntilMs: null });
  }

  #update({ site, device }: DeviceAddress, change: Partial<DevicePresence>): void {
    const known = this.get({ site, device }) ?? unknownDevice({ site, device });
    this.#set(addressKey({ site, device }), { ...known, ...change });
  }

  #set(key: string, presence: DevicePresence): void {
    if (this.#forgotten.has(key)) return;
    this.#devices.set(key, presence);
    this.#revision += 1;
  }
}

function unknownDevice({ site, device }: DeviceAddress): DevicePresence {
  return {
    site,
    device,
    connected: false,
    awaitedUntilMs: null,
    lastSeenAtMs: 0,
    windowMs: null,
    boot: null,
    generation: 0,
    isInForce: false,
    killEpoch: 0,
    serving: null,
    committed: null,
    candidate: null,
    desiredGeneration: null,
    desiredCandidate: null,
    desiredRollout: null,
  };
}
