// What each failure of a drill does to a simulated device, and when such a device takes itself back by the limits of the file.
// The limits here are a model of the agent's, on purpose a simple one; the agent itself is rehearsed on real devices.
import type { DeviceLimits } from '../../shared/protocol/limits.ts';
import type { DrillFailure } from '../../shared/release/drill.ts';
import { type Treatment, UNCHANGED } from './treatments.ts';

/** How bad each failure is: what a person would call broken, and no more. */
export const TREATMENTS: Readonly<Record<DrillFailure, Treatment>> = {
  slow: { ...UNCHANGED, latencyShare: 1.5 },
  // Above any ceiling within half a minute.
  hot: { ...UNCHANGED, heatC: 45 },
  crash: UNCHANGED,
  // It tells that it has the candidate, and then nothing more.
  silent: { ...UNCHANGED, silentShare: 1, onsetMinute: 1 },
  'bad-golden': UNCHANGED,
};

export type DeviceState = {
  readonly forMs: number;
  readonly temperatureC: number;
};

/** Why the device takes the candidate back by itself now; null: it goes on. */
export function whyBack(failure: DrillFailure, limits: DeviceLimits, state: DeviceState): string | null {
  switch (failure) {
    case 'crash':
      return 'its runner died (SIGSEGV)';
    case 'bad-golden':
      return 'golden answers are not those of the reference';
    case 'slow':
      return isTooSlow(limits, state) ? `p95 latency above ${limits.latencyRatio} × its own baseline` : null;
    case 'hot':
      return isTooHot(limits, state) ? `${state.temperatureC.toFixed(0)} °C is above its ceiling` : null;
    case 'silent':
      return null;
  }
}

function isTooSlow({ latencyRatio, latencyForMs }: DeviceLimits, { forMs }: DeviceState): boolean {
  return latencyRatio !== null && 1 + TREATMENTS.slow.latencyShare > latencyRatio && forMs >= latencyForMs;
}

function isTooHot({ temperatureCeilingC, temperatureForMs }: DeviceLimits, state: DeviceState): boolean {
  return temperatureCeilingC !== null && state.temperatureC > temperatureCeilingC && state.forMs >= temperatureForMs;
}
