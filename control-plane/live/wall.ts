// Every device as the wall shows it, worked out anew when something about it was heard. In memory; two small objects a device.
import type { KillSummary } from '../../shared/protocol/api-kills.ts';
import type { LiveChange, LiveDevice } from '../../shared/protocol/api-live.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import { addressKey, type DevicePresence, type PresenceBook } from '../devices/presence.ts';
import { isInScope } from '../kill-switch/kill-records.ts';
import type { Arrival } from '../telemetry/arrivals.ts';
import {
  type DeviceFacts,
  isSameDevice,
  toLiveDevice,
  unknownFacts,
  withIdentity,
  withReport,
  withWindow,
} from './device-facts.ts';

type Shown = { facts: DeviceFacts; live: LiveDevice | null };

export class Wall {
  readonly #presence: PresenceBook;
  readonly #devices = new Map<string, Shown>();
  readonly #dirty = new Set<string>();
  #kills: readonly KillSummary[] = [];

  constructor(presence: PresenceBook) {
    this.#presence = presence;
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0;
  }

  list(): readonly LiveDevice[] {
    return [...this.#devices.values()].flatMap(({ live }) => (live === null ? [] : [live]));
  }

  heard(arrival: Arrival): void {
    if (this.#presence.isForgotten(arrival)) return;
    const shown = this.#shown(arrival);
    if (arrival.channel === 'hello') shown.facts = withIdentity(shown.facts, arrival.document);
    if (arrival.channel === 'reported') shown.facts = withReport(shown.facts, arrival.document);
    if (arrival.channel === 'window') shown.facts = withWindow(shown.facts, arrival.document);
  }

  /** What is desired of it may be other than before. */
  touched(address: DeviceAddress): void {
    const key = addressKey(address);
    if (this.#presence.get(address) !== null) this.#shown(address);
    else if (this.#devices.has(key)) this.#dirty.add(key);
  }

  /** A message that came meanwhile is newer than what the database remembers. */
  restore(facts: DeviceFacts): void {
    if (this.#presence.isForgotten(facts)) return;
    const shown = this.#shown(facts);
    const { report, window } = shown.facts;
    shown.facts = {
      ...shown.facts,
      hardwareClass: shown.facts.hardwareClass ?? facts.hardwareClass,
      line: shown.facts.line ?? facts.line,
      report: report ?? facts.report,
      window: window ?? facts.window,
      usual: shown.facts.usual ?? facts.usual,
    };
  }

  setKills(active: readonly KillSummary[]): void {
    const concerned = [...this.#kills, ...active];
    this.#kills = active;
    for (const [key, { facts }] of this.#devices)
      if (concerned.some(({ scope }) => isInScope(scope, facts))) this.#dirty.add(key);
  }

  /** Finds devices that have fallen silent, or whose word has an age of its own. */
  sweep(nowMs: number): void {
    for (const [key, { facts, live }] of this.#devices) {
      if (live === null) continue;
      const isOther = live.online !== this.#presence.isOnline(facts, nowMs);
      const isAging = live.condition === 'reverted' || (live.condition === 'unknown' && !live.online);
      if (isOther || isAging) this.#dirty.add(key);
    }
  }

  /** What is seen otherwise since the last time. */
  takeChanges(nowMs: number): readonly LiveChange[] {
    const changes: LiveChange[] = [];
    for (const key of this.#dirty) {
      const shown = this.#devices.get(key);
      if (shown === undefined) continue;
      if (this.#presence.isForgotten(shown.facts)) {
        this.#devices.delete(key);
        changes.push({ resource: 'device', id: key, value: null });
        continue;
      }
      const live = this.#work(shown.facts, nowMs);
      if (shown.live !== null && isSameDevice(shown.live, live)) continue;
      shown.live = live;
      changes.push({ resource: 'device', id: key, value: live });
    }
    this.#dirty.clear();
    return changes;
  }

  #work(facts: DeviceFacts, nowMs: number): LiveDevice {
    const presence = this.#presence.get(facts);
    return toLiveDevice(facts, {
      presence,
      online: this.#presence.isOnline(facts, nowMs),
      isAwaited: this.#presence.isAwaited(facts, nowMs),
      pending: this.#pending(facts, presence),
      nowMs,
    });
  }

  /** Kills that it has yet to obey: by the newest epoch that it has told. */
  #pending(facts: DeviceFacts, presence: DevicePresence | null): readonly KillSummary[] {
    if (this.#kills.length === 0) return [];
    const runs = [facts.report?.serving?.digest, presence?.desiredCandidate?.digest];
    return this.#kills.filter(
      ({ scope, epoch }) =>
        epoch > (presence?.killEpoch ?? 0) &&
        isInScope(scope, facts) &&
        ((scope.kind !== 'release' && scope.kind !== 'rollout') || runs.includes(scope.digest)),
    );
  }

  #shown(address: DeviceAddress): Shown {
    const key = addressKey(address);
    this.#dirty.add(key);
    const known = this.#devices.get(key);
    if (known !== undefined) return known;
    const shown: Shown = { facts: unknownFacts(address), live: null };
    this.#devices.set(key, shown);
    return shown;
  }
}
