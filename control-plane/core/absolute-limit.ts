// A limit that is a plain number: broken when the whole lies beyond it in the last window even without the worst device.
// One broken device is a matter for its own trip-wire, not for the fleet.
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import { fixedReach } from './always-valid.ts';
import { sum } from './device-metrics.ts';
import type { DeviceChange, DeviceShare, Evidence } from './evidence.ts';
import type { Scale } from './guardrails.ts';
import { type Interval, shareInterval, windowInterval } from './uncertainty.ts';

export type Beyond = { readonly interval: Interval; readonly reach: number; readonly ignored: number };

type Measured = Exclude<Evidence, { kind: 'golden' }>;

/** From this many devices on one may be the exception. */
const IGNORE_FROM = 3;

export function ignoredOf({ ignoreWorstDevices }: Pick<Guardrail, 'ignoreWorstDevices'>, devices: number): number {
  return ignoreWorstDevices ?? (devices >= IGNORE_FROM ? 1 : 0);
}

/** The devices that are left and how far their pool may be off; null while they say nothing. */
export function beyondLimit(
  evidence: Measured,
  scale: Scale,
  rule: { readonly ignored: number; readonly alpha: number },
): Beyond | null {
  const limit = scale.high ?? scale.low ?? 0;
  const found =
    evidence.kind === 'shares'
      ? poolShares(withoutWorst(evidence.devices, rule.ignored, excess(limit)), { limit, alpha: rule.alpha })
      : poolLevels(withoutWorst(evidence.candidates, rule.ignored, levelOf(scale)), rule.alpha);
  return found && { ...found, ignored: rule.ignored };
}

function withoutWorst<T>(devices: readonly T[], ignored: number, badnessOf: (device: T) => number): readonly T[] {
  return devices.toSorted((a, b) => badnessOf(b) - badnessOf(a)).slice(ignored);
}

function excess(limit: number): (device: DeviceShare) => number {
  return ({ hits, total }) => hits - limit * total;
}

function levelOf({ high }: Scale): (device: DeviceChange) => number {
  return ({ change }) => (high === null ? -change : change);
}

/** Counting alone must not explain it: at the limit itself this many frames would scatter as far as `reach`. */
function poolShares(
  devices: readonly DeviceShare[],
  { limit, alpha }: { readonly limit: number; readonly alpha: number },
): Omit<Beyond, 'ignored'> | null {
  const total = sum(devices, (device) => device.total);
  if (total === 0) return null;
  const expected = (limit * total + 0.5) / (total + 1);
  const counting = { standardError: Math.sqrt((expected * (1 - expected)) / total), df: COUNTING_DF };
  return { interval: shareInterval(devices, 'absolute'), reach: fixedReach(counting, alpha) };
}

const COUNTING_DF = 200;

function poolLevels(devices: readonly DeviceChange[], alpha: number): Omit<Beyond, 'ignored'> | null {
  const interval = windowInterval(devices);
  return interval && { interval, reach: fixedReach(interval, alpha) };
}
