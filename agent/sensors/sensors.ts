// The door of the sensors: one reading of the machine from /sys and /proc, in under a millisecond, spawning nothing.
// What cannot be read is null, never 0.
import { NO_SENSORS } from '../../shared/measure/sensors.ts';
import type { Sensors as SensorReading } from '../../shared/measure/window.ts';
import { openBattery } from './battery.ts';
import { openCpuLoad, readMemory } from './load.ts';
import { openTemperature } from './temperature.ts';
import { openThrottling } from './throttling.ts';

export type SensorOptions = {
  readonly sysRoot?: string;
  readonly procRoot?: string;
};

export type Sensors = {
  /** Loads and counters are those since the last reading. */
  readonly read: () => SensorReading;
};

/** Drivers may come and go; after this many readings the sensors are looked for again. */
const READINGS_PER_SEARCH = 600;

export function openSensors({ sysRoot = '/sys', procRoot = '/proc' }: SensorOptions = {}): Sensors {
  const cpuLoad = openCpuLoad(procRoot);
  let found = findSensors(sysRoot);
  let readings = 0;
  return {
    read: () => {
      readings += 1;
      if (readings % READINGS_PER_SEARCH === 0) found = findSensors(sysRoot);
      const battery = found.battery();
      const memory = readMemory(procRoot);
      return {
        ...NO_SENSORS,
        temperatureC: found.temperature(),
        throttled: found.throttling(),
        batteryPct: battery.chargePct,
        batteryCharging: battery.isCharging,
        cpuLoadPct: cpuLoad(),
        memoryUsedBytes: memory.usedBytes,
        memoryTotalBytes: memory.totalBytes,
      };
    },
  };
}

function findSensors(sysRoot: string) {
  return {
    temperature: openTemperature(sysRoot),
    throttling: openThrottling(sysRoot),
    battery: openBattery(sysRoot),
  };
}
