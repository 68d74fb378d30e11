// Kills as samples: how many are in force, and who has not obeyed. What one acknowledgement took is recorded once, as it is seen.
import type { KillResult, KillSummary } from '../../shared/protocol/api-kills.ts';
import { type Sample, sample } from './catalogue.ts';

export type KillsDoor = {
  list(): readonly KillSummary[];
  get(id: string): KillResult | null;
  fault(): string | null;
};

export type KillTimes = { effect(seconds: number): void; roundTrip(seconds: number): void };

/** Online devices that have not answered by then are stragglers. */
const EFFECTIVE_WITHIN_MS = 60_000;
/** Acknowledgements of a kill that is over are looked for during this time. */
const FOLLOWED_MS = 60 * 60_000;
const SCOPES = ['fleet', 'site', 'device', 'rollout', 'release'] as const;

export class KillReader {
  readonly #kills: KillsDoor;
  readonly #times: KillTimes;
  readonly #startedAtMs: number;
  /** Kill → acknowledgements whose times are recorded. */
  readonly #recorded = new Map<string, number>();

  constructor(kills: KillsDoor, times: KillTimes, startedAtMs: number) {
    this.#kills = kills;
    this.#times = times;
    this.#startedAtMs = startedAtMs;
  }

  read(nowMs: number): readonly Sample[] {
    const all = this.#kills.list();
    const followed = all.filter((kill) => kill.active || nowMs - kill.raisedAtMs < FOLLOWED_MS);
    const results = followed.flatMap(({ id }) => this.#kills.get(id) ?? []);
    for (const result of results) this.#record(result);
    const active = results.filter((result) => result.active);
    return [
      sample('belay_kills_raised', all.length),
      sample('belay_kill_fault', this.#kills.fault() === null ? 0 : 1),
      ...SCOPES.map((scope) =>
        sample('belay_kills_active', active.filter((kill) => kill.scope.kind === scope).length, { scope }),
      ),
      ...SCOPES.map((scope) => sample('belay_kill_stragglers', countStragglers(active, scope, nowMs), { scope })),
      sample(
        'belay_kill_devices',
        sum(active, (kill) => kill.acknowledged),
        { answer: 'acknowledged' },
      ),
      sample(
        'belay_kill_devices',
        sum(active, (kill) => kill.stragglers.length),
        { answer: 'silent' },
      ),
      sample(
        'belay_kill_devices',
        sum(active, (kill) => kill.offline.length),
        { answer: 'offline' },
      ),
    ];
  }

  #record({ id, acks, raisedAtMs }: KillResult): void {
    // What was measured before this process began is in the scrapes of that time.
    if (raisedAtMs < this.#startedAtMs) return;
    for (const ack of acks.slice(this.#recorded.get(id) ?? 0)) {
      if (ack.effectMs !== null) this.#times.effect(ack.effectMs / 1000);
      if (ack.roundTripMs !== null && !ack.wasOffline) this.#times.roundTrip(ack.roundTripMs / 1000);
    }
    this.#recorded.set(id, acks.length);
  }
}

function countStragglers(active: readonly KillResult[], scope: string, nowMs: number): number {
  const due = active.filter((kill) => kill.scope.kind === scope && nowMs - kill.raisedAtMs >= EFFECTIVE_WITHIN_MS);
  return sum(due, (kill) => kill.stragglers.length);
}

function sum(kills: readonly KillResult[], count: (kill: KillResult) => number): number {
  return kills.reduce((total, kill) => total + count(kill), 0);
}
