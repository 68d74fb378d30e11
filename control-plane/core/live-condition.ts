// How a device is, in one word and a few more, for a wall that many look at: worst first. Pure: facts in, a word out.
import type { LiveCondition } from '../../shared/protocol/api-live.ts';
import { tellUnusual, type Usual } from './usual-pace.ts';

/** What the newest window says; null: it could not be read, never 0. */
export type Pace = {
  readonly fps: number | null;
  readonly p95Ms: number | null;
  readonly temperatureC: number | null;
  readonly throttled: boolean | null;
  readonly throttleReason: string | null;
};

export type ConditionFacts = {
  readonly online: boolean;
  /** It was there before the control plane started and may come back at any moment. */
  readonly isAwaited: boolean;
  /** What the broker says; a device may be connected and silent. */
  readonly isConnected: boolean;
  readonly phase: string | null;
  readonly servingBecause: string;
  /** Kills that it has told it obeys. */
  readonly obeyed: readonly { readonly id: string; readonly reason: string }[];
  /** Kills in force that reach it, and that it has not acknowledged. */
  readonly pending: readonly { readonly id: string; readonly reason: string }[];
  /** What it is desired to try now. */
  readonly desiredDigest: string | null;
  readonly quarantine: readonly Quarantined[];
  readonly blocked: readonly { readonly kind: string; readonly reason: string }[];
  readonly pace: Pace | null;
  readonly usual: Usual | null;
  readonly fpsFloor: number | null;
  readonly temperatureCeilingC: number | null;
  readonly nowMs: number;
};

type Quarantined = {
  readonly digest: string;
  readonly release: string;
  readonly reason: string;
  readonly sinceMs: number;
};

export type Condition = { readonly condition: LiveCondition; readonly because: string };

/** A release that nobody wants on it any more is told for this long. */
export const REVERTED_TOLD_MS = 60 * 60_000;
/** So near to its limit a device is worth a look. */
const NEAR_LIMIT_C = 4;
const WORDS_MAX = 110;
const WENT_BACK: ReadonlySet<string> = new Set(['quarantined', 'breached', 'flapping']);

export function conditionOf(facts: ConditionFacts): Condition {
  for (const [condition, tell] of ORDER) {
    const because = tell(facts);
    if (because !== null) return { condition, because: shorten(because) };
  }
  return { condition: 'ok', because: '' };
}

type Teller = (facts: ConditionFacts) => string | null;

/** The first that has something to say wins. */
const ORDER: readonly (readonly [LiveCondition, Teller])[] = [
  ['halted', ({ phase, servingBecause }) => (phase === 'halted' ? `nobody answers: ${servingBecause}` : null)],
  [
    'unknown',
    ({ online, isAwaited }) => (!online && isAwaited ? 'expected back since the control plane started' : null),
  ],
  ['offline', tellOffline],
  ['killed', tellKilled],
  ['reverted', tellReverted],
  ['hot', tellHot],
  ['slow', tellSlow],
  ['blocked', ({ blocked }) => (blocked[0] === undefined ? null : `${blocked[0].kind}: ${blocked[0].reason}`)],
  ['unknown', ({ pace }) => (pace === null ? 'no window has come yet' : null)],
];

function tellOffline({ online, isConnected }: ConditionFacts): string | null {
  if (online) return null;
  return isConnected ? 'connected, but silent' : 'not connected';
}

function tellKilled({ obeyed, pending, blocked }: ConditionFacts): string | null {
  const [first] = pending;
  if (first !== undefined) return `kill ${first.id} is sent and not obeyed yet: ${first.reason}`;
  const [kill] = obeyed;
  if (kill !== undefined) return `kill ${kill.id} is in force: ${kill.reason}`;
  return blocked.find(({ kind }) => kind === 'killed')?.reason ?? null;
}

function tellReverted({ quarantine, blocked, desiredDigest, nowMs }: ConditionFacts): string | null {
  const kept = quarantine.find(({ digest, sinceMs }) => digest === desiredDigest || nowMs - sinceMs < REVERTED_TOLD_MS);
  if (kept !== undefined) return `took ${kept.release} off by itself: ${kept.reason}`;
  return blocked.find(({ kind }) => WENT_BACK.has(kind))?.reason ?? null;
}

function tellHot({ pace, temperatureCeilingC }: ConditionFacts): string | null {
  if (pace === null) return null;
  const { throttled, throttleReason, temperatureC } = pace;
  if (throttled === true) return throttleReason === null ? 'throttled' : `throttled by ${throttleReason}`;
  if (temperatureC === null || temperatureCeilingC === null || temperatureC < temperatureCeilingC - NEAR_LIMIT_C)
    return null;
  return `${Math.round(temperatureC)} °C, its limit is ${temperatureCeilingC} °C`;
}

function tellSlow({ pace, usual, fpsFloor }: ConditionFacts): string | null {
  if (pace === null) return null;
  if (pace.fps !== null && fpsFloor !== null && pace.fps < fpsFloor)
    return `${pace.fps.toFixed(1)} fps, its floor is ${fpsFloor} fps`;
  return usual === null ? null : tellUnusual(usual, pace);
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > WORDS_MAX ? `${line.slice(0, WORDS_MAX - 1)}…` : line;
}
