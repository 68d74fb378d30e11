// Windows of a simulated fleet on its baseline, for who has recorded none of his own.
import type { Window } from '../../shared/measure/window.ts';
import type { RecordedDevice } from '../core/foresight/recorded.ts';
import { type FleetPlace, openFleetAt } from './fleet.ts';
import { UNCHANGED } from './treatments.ts';
import { BASELINE_DIGEST, MINUTE_MS, openWindowMaker } from './windows.ts';

/** What the control plane reads of the time before a rollout. */
const PAST_MINUTES = 120;
/** Where the simulated rollout begins; any time does. */
export const SIMULATED_START_MS = 1_800_000_000_000;

export function recordFleet(seed: number, places: readonly FleetPlace[], minutes: number): readonly RecordedDevice[] {
  const fleet = openFleetAt(seed, UNCHANGED, places);
  const makeWindow = openWindowMaker();
  const nobody = fleet.devices.map(() => null);
  const windows: readonly Window[][] = fleet.devices.map(() => []);
  for (let minute = -PAST_MINUTES; minute < minutes; minute += 1) {
    // The day of the rollout is another one than that of the baseline.
    if (minute === 0) fleet.turnDay();
    const startAtMs = SIMULATED_START_MS + minute * MINUTE_MS;
    for (const [at, each] of fleet.next(nobody).entries()) {
      const device = fleet.devices[at];
      if (device) windows[at]?.push(makeWindow({ device, minute: each, startAtMs, serving: 'baseline' }));
    }
  }
  return fleet.devices.map(({ site, device, hardwareClass }, at) => ({
    site,
    device,
    hardwareClass,
    line: null,
    baselineDigest: BASELINE_DIGEST,
    baselineScores: null,
    candidateScores: null,
    windows: windows[at] ?? [],
  }));
}
