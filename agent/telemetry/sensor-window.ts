// One value per sensor out of the readings of a window: the hottest, throttled at any time, the rest as last read. Pure.
import { NO_SENSORS } from '../../shared/measure/sensors.ts';
import type { Sensors } from '../../shared/measure/window.ts';

export type SensorSums = { readonly sensors: Sensors; readonly loadSum: number; readonly loads: number };

export const NO_READINGS: SensorSums = { sensors: NO_SENSORS, loadSum: 0, loads: 0 };

/** A reading that failed (null) does not erase an earlier one of the same window. */
export function addReading(sums: SensorSums, reading: Sensors): SensorSums {
  const before = sums.sensors;
  const loadSum = sums.loadSum + (reading.cpuLoadPct ?? 0);
  const loads = sums.loads + (reading.cpuLoadPct === null ? 0 : 1);
  const sensors: Sensors = {
    ...NO_SENSORS,
    temperatureC: highest(before.temperatureC, reading.temperatureC),
    throttled: before.throttled === true ? true : (reading.throttled ?? before.throttled),
    batteryPct: reading.batteryPct ?? before.batteryPct,
    batteryCharging: reading.batteryCharging ?? before.batteryCharging,
    cpuLoadPct: loads === 0 ? null : loadSum / loads,
    memoryUsedBytes: highest(before.memoryUsedBytes, reading.memoryUsedBytes),
    memoryTotalBytes: reading.memoryTotalBytes ?? before.memoryTotalBytes,
  };
  return { sensors, loadSum, loads };
}

function highest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}
