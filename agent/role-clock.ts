// How long a release has served in each role within the window, for rates. Fed with every change of the serving decision.
import type { Serving } from './core/state.ts';
import type { ServingRole } from './telemetry/outcome.ts';

export class RoleClock {
  readonly #monotonicNow: () => number;
  #sinceMs: number;
  #roles: readonly ServingRole[] = [];
  #activeMs: Partial<Record<ServingRole, number>> = {};

  constructor(monotonicNow: () => number) {
    this.#monotonicNow = monotonicNow;
    this.#sinceMs = monotonicNow();
  }

  switchTo(serving: Serving): void {
    this.#settle();
    const shadow: readonly ServingRole[] = serving.shadow === null ? [] : ['shadow'];
    this.#roles = serving.ref === null ? shadow : [serving.role, ...shadow];
  }

  /** Times since the last call. */
  take(): Readonly<Partial<Record<ServingRole, number>>> {
    this.#settle();
    const taken = this.#activeMs;
    this.#activeMs = {};
    return taken;
  }

  #settle(): void {
    const nowMs = this.#monotonicNow();
    for (const role of this.#roles) this.#activeMs[role] = (this.#activeMs[role] ?? 0) + nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
  }
}
