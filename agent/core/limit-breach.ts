// What a broken local limit is, and the numbers that the device judges by. Types and small readers only.
import { DEFAULT_LIMITS, type DeviceLimits } from '../../shared/protocol/limits.ts';
import type { LimitName } from './limit-state.ts';
import type { CameraFacts, CoreState, QuarantineKind } from './state.ts';

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

/** A camera that has just gone or come back disturbs the others for a moment: queues, and what was on its way. */
const CAMERAS_SETTLE_MS = 5_000;

export function isBad({ lost, healthy }: Pick<CameraFacts, 'lost' | 'healthy'>): boolean {
  return lost || healthy === false;
}

/** No camera is left that a release could be judged by: hold, do not blame the model. One that stays bad excuses nobody on the others. */
export function areCamerasBad(state: CoreState, nowMs: number): boolean {
  return areUnsettled(state, nowMs) || isEvery(state, isBad);
}

export function areCamerasLost(state: CoreState, nowMs: number): boolean {
  return areUnsettled(state, nowMs) || isEvery(state, ({ lost }) => lost);
}

function areUnsettled({ tracks }: CoreState, nowMs: number): boolean {
  return tracks.camerasChangedAtMs !== null && nowMs - tracks.camerasChangedAtMs < CAMERAS_SETTLE_MS;
}

function isEvery({ cameras }: CoreState, holds: (camera: CameraFacts) => boolean): boolean {
  return cameras.size > 0 && [...cameras.values()].every(holds);
}

export function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

export function minutes(ms: number): string {
  return `${Math.round(ms / 6_000) / 10} min`;
}
