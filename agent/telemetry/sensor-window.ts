// One value per sensor out of the readings of a window: the worst where one can be worst, means of loads, sums of
// counters, the rest as last read. Pure.
import { NO_SENSORS } from '../../shared/measure/sensors.ts';
import type { Sensors } from '../../shared/measure/window.ts';

type Mean = { readonly sum: number; readonly count: number };

export type SensorSums = { readonly sensors: Sensors; readonly cpuLoad: Mean; readonly gpuLoad: Mean };

const NOTHING: Mean = { sum: 0, count: 0 };
export const NO_READINGS: SensorSums = { sensors: NO_SENSORS, cpuLoad: NOTHING, gpuLoad: NOTHING };

/** Whatever shows up in a window stays in it, but its names are bounded. */
const REASONS_MAX = 32;

/** A reading that failed (null) does not erase an earlier one of the same window. */
export function addReading(sums: SensorSums, reading: Sensors): SensorSums {
  const before = sums.sensors;
  const cpuLoad = withValue(sums.cpuLoad, reading.cpuLoadPct);
  const gpuLoad = withValue(sums.gpuLoad, reading.gpuLoadPct);
  const sensors: Sensors = {
    ...lastOf(before, reading),
    ...heatOf(before, reading),
    ...throttlingOf(before, reading),
    batteryPct: reading.batteryPct ?? before.batteryPct,
    batteryCharging: reading.batteryCharging ?? before.batteryCharging,
    cpuLoadPct: meanOf(cpuLoad),
    gpuLoadPct: meanOf(gpuLoad),
    cpuPressurePct: highest(before.cpuPressurePct, reading.cpuPressurePct),
    powerMilliwatts: highest(before.powerMilliwatts, reading.powerMilliwatts),
    memoryUsedBytes: highest(before.memoryUsedBytes, reading.memoryUsedBytes),
    memoryTotalBytes: reading.memoryTotalBytes ?? before.memoryTotalBytes,
  };
  return { sensors, cpuLoad, gpuLoad };
}

const LAST = [
  'batteryEnergyWh',
  'batteryEnergyFullWh',
  'batteryPowerW',
  'batteryPctPerHour',
  'cpuClockMhz',
  'cpuClockMhzMax',
  'gpuClockMhz',
  'gpuClockMhzMax',
  'fanRpm',
  'fanPct',
] as const;

function lastOf(before: Sensors, reading: Sensors): Sensors {
  const numbers = LAST.map((name) => [name, reading[name] ?? before[name]]);
  return {
    ...before,
    ...Object.fromEntries(numbers),
    zones: reading.zones.length > 0 ? reading.zones : before.zones,
    rails: reading.rails.length > 0 ? reading.rails : before.rails,
  };
}

function heatOf(before: Sensors, reading: Sensors) {
  const isHotter =
    reading.temperatureC !== null && (before.temperatureC === null || reading.temperatureC > before.temperatureC);
  return {
    temperatureC: isHotter ? reading.temperatureC : before.temperatureC,
    hottestZone: isHotter ? reading.hottestZone : before.hottestZone,
    passiveMarginC: lowest(before.passiveMarginC, reading.passiveMarginC),
    criticalMarginC: lowest(before.criticalMarginC, reading.criticalMarginC),
  };
}

function throttlingOf(before: Sensors, reading: Sensors) {
  const counts = { ...before.throttleCounts };
  for (const [name, count] of Object.entries(reading.throttleCounts)) counts[name] = (counts[name] ?? 0) + count;
  return {
    throttled: before.throttled === true ? true : (reading.throttled ?? before.throttled),
    throttleReasons: [...new Set([...before.throttleReasons, ...reading.throttleReasons])].slice(0, REASONS_MAX),
    throttleCounts: counts,
  };
}

function withValue(mean: Mean, value: number | null): Mean {
  return value === null ? mean : { sum: mean.sum + value, count: mean.count + 1 };
}

function meanOf({ sum, count }: Mean): number | null {
  return count === 0 ? null : sum / count;
}

function highest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}

function lowest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
