// Clocks of CPU and GPU, the load of the GPU, and fans. Some drivers wake a sleeping part or wait for a fresh sample, so
// this sensor is only ever read in the background.
import { join } from 'node:path';
import type { Sensors } from '../../shared/measure/window.ts';
import { highestOf, listPaths, numberOf, type ReadText, type Sensor } from './sysfs.ts';

export type ClockReading = Pick<
  Sensors,
  'cpuClockMhz' | 'cpuClockMhzMax' | 'gpuLoadPct' | 'gpuClockMhz' | 'gpuClockMhzMax' | 'fanRpm' | 'fanPct'
>;

/** A server has a policy for each of its cores. */
const POLICIES_MAX = 8;
const PWM_MAX = 255;

type Quantity = { readonly paths: readonly string[]; readonly unit: number; readonly max: number };

/** The highest of several policies, cards or fans. */
export function findClocks(sysRoot: string): Sensor<ClockReading> {
  const policies = listPaths(join(sysRoot, 'devices/system/cpu/cpufreq'), /^policy\d+$/).slice(0, POLICIES_MAX);
  const devfreqs = listPaths(join(sysRoot, 'class/devfreq'), /gpu|gv11b|gp10b|ga10b/i);
  const cards = listPaths(join(sysRoot, 'class/drm'), /^card\d+$/);
  const chips = listPaths(join(sysRoot, 'class/hwmon'), /^hwmon\d+$/);
  const of = (folders: readonly string[], file: string) => folders.map((folder) => join(folder, file));
  const within = (folders: readonly string[], name: RegExp) => folders.flatMap((folder) => listPaths(folder, name));
  const quantities: Readonly<Record<keyof ClockReading, readonly Quantity[]>> = {
    cpuClockMhz: [{ paths: of(policies, 'scaling_cur_freq'), unit: 1e-3, max: 1e5 }],
    cpuClockMhzMax: [{ paths: of(policies, 'cpuinfo_max_freq'), unit: 1e-3, max: 1e5 }],
    gpuLoadPct: [
      // Jetson: per mille.
      { paths: of(devfreqs, 'device/load'), unit: 0.1, max: 100 },
      { paths: within(of(cards, 'device'), /^gpu_busy_percent$/), unit: 1, max: 100 },
    ],
    gpuClockMhz: [
      { paths: of(devfreqs, 'cur_freq'), unit: 1e-6, max: 1e5 },
      { paths: within(cards, /^gt_act_freq_mhz$/), unit: 1, max: 1e5 },
    ],
    gpuClockMhzMax: [
      { paths: of(devfreqs, 'max_freq'), unit: 1e-6, max: 1e5 },
      { paths: within(cards, /^gt_RP0_freq_mhz$/), unit: 1, max: 1e5 },
    ],
    fanRpm: [{ paths: within(chips, /^(fan\d+_input|rpm)$/), unit: 1, max: 1e5 }],
    fanPct: [{ paths: within(chips, /^pwm\d+$/), unit: 100 / PWM_MAX, max: 100 }],
  };
  return {
    paths: Object.values(quantities).flatMap((sources) => sources.flatMap(({ paths }) => paths)),
    judge: (read) => {
      const value = (name: keyof ClockReading) => highestOf(quantities[name].map((quantity) => judge(quantity, read)));
      return {
        cpuClockMhz: value('cpuClockMhz'),
        cpuClockMhzMax: value('cpuClockMhzMax'),
        gpuLoadPct: value('gpuLoadPct'),
        gpuClockMhz: value('gpuClockMhz'),
        gpuClockMhzMax: value('gpuClockMhzMax'),
        fanRpm: value('fanRpm'),
        fanPct: value('fanPct'),
      };
    },
  };
}

function judge({ paths, unit, max }: Quantity, read: ReadText): number | null {
  const values = paths.map((path) => numberOf(read(path))).filter((value) => value !== null);
  return highestOf(values.map((value) => value * unit).filter((value) => value >= 0 && value <= max));
}
