// The same fleets as minute levels alone, without windows, sketches and states: a judge is run over thousands of them in the time
// of a few whole rollouts. It stands for latency, whose level is what a window would say.
import { cohortOrder } from '../../../control-plane/core/cohorts.ts';
import type { DeviceChange, Evidence } from '../../../control-plane/core/evidence.ts';
import { NO_SCATTER } from '../../../control-plane/core/scatter.ts';
import { openFleet } from './fleet.ts';
import type { Treatment } from './treatments.ts';

export type LevelsInput = {
  readonly seed: number;
  readonly treatment: Treatment;
  /** Devices that take the candidate, the first in the order of each site. */
  readonly perSite: number;
  readonly pastMinutes: number;
  readonly minutes: number;
  readonly settleMinutes: number;
};

/** What each device did, ready to be cut into spans of minutes of data. */
export type Levels = {
  /** Mean change from its own past, from minute `from` to before minute `to`. */
  readonly evidence: (from: number, to: number) => Extract<Evidence, { kind: 'changes' }>;
};

type Life = {
  readonly site: string;
  readonly device: string;
  readonly hardwareClass: string;
  readonly isCandidate: boolean;
  readonly past: number;
  /** Sums of the levels up to each minute. */
  readonly sums: Float64Array;
};

export function liveLevels({ seed, treatment, perSite, pastMinutes, minutes, settleMinutes }: LevelsInput): Levels {
  const fleet = openFleet(seed, treatment);
  const sites = [...new Set(fleet.devices.map(({ site }) => site))];
  const chosen = new Set(
    sites.flatMap((site) => cohortOrder(fleet.devices.filter((device) => device.site === site)).slice(0, perSite)),
  );
  const past = new Float64Array(fleet.devices.length);
  const nobody = fleet.devices.map(() => null);
  for (let minute = 0; minute < pastMinutes; minute += 1)
    fleet.next(nobody).forEach(({ level }, at) => {
      past[at] = (past[at] ?? 0) + level / pastMinutes;
    });
  fleet.turnDay();
  const sums = fleet.devices.map(() => new Float64Array(minutes + 1));
  for (let minute = 0; minute < settleMinutes + minutes; minute += 1) {
    const at = minute - settleMinutes;
    const levels = fleet.next(fleet.devices.map((device) => (chosen.has(device) ? minute : null)));
    if (at < 0) continue;
    levels.forEach(({ level }, i) => {
      const sum = sums[i];
      if (sum) sum[at + 1] = (sum[at] ?? 0) + level;
    });
  }
  const lives = fleet.devices.map((device, at): Life => {
    const { site, hardwareClass } = device;
    return {
      site,
      device: device.device,
      hardwareClass,
      isCandidate: chosen.has(device),
      past: past[at] ?? 0,
      sums: sums[at] ?? new Float64Array(0),
    };
  });
  return { evidence: (from, to) => evidenceOf(lives, from, to) };
}

function evidenceOf(lives: readonly Life[], from: number, to: number): Extract<Evidence, { kind: 'changes' }> {
  const changeOf = ({ site, device, hardwareClass, past, sums }: Life): DeviceChange => ({
    site,
    device,
    hardwareClass,
    change: ((sums[to] ?? 0) - (sums[from] ?? 0)) / (to - from) - past,
    since: NO_SCATTER,
    before: NO_SCATTER,
  });
  const candidates = lives.filter(({ isCandidate }) => isCandidate).map(changeOf);
  const controls = lives.filter(({ isCandidate }) => !isCandidate).map(changeOf);
  return {
    kind: 'changes',
    basis: 'self',
    candidates,
    controls,
    excluded: { partial: 0, switch: 0, settling: 0, camera: 0 },
    assigned: candidates.length,
    controlsAvailable: controls.length,
    count: 1000 * candidates.length,
  };
}
