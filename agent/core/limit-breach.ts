// What a broken local limit is, and the numbers that the device judges by. Types and small readers only.
import { DEFAULT_LIMITS, type DeviceLimits } from '../../shared/protocol/limits.ts';
import type { LimitName } from './limit-state.ts';
import type { CoreState, QuarantineKind } from './state.ts';

/** `observed … > limit …` in words. `suspend`: the evidence is not enough to set the release aside; it goes for a while. */
export type Breach = {
  readonly limit: LimitName;
  readonly outcome: 'set-aside' | 'suspend';
  readonly strike: QuarantineKind;
  /** False: something else may have done it, and the release never goes into quarantine for it. */
  readonly isBlamed: boolean;
  readonly reason: string;
};

export function limitsOf(state: CoreState): DeviceLimits {
  return state.desired?.limits ?? DEFAULT_LIMITS;
}

export function setAside(limit: LimitName, reason: string): Breach {
  return { limit, outcome: 'set-aside', strike: 'breach', isBlamed: true, reason };
}

export function suspending(limit: LimitName, reason: string, isBlamed = true): Breach {
  return { limit, outcome: 'suspend', strike: 'breach', isBlamed, reason };
}

/** Any camera lost or known to be unhealthy: hold, do not blame the model. */
export function isCameraBad(state: CoreState): boolean {
  return [...state.cameras.values()].some((camera) => camera.lost || camera.healthy === false);
}

export function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

export function minutes(ms: number): string {
  return `${Math.round(ms / 6_000) / 10} min`;
}
