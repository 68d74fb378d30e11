// What the sensors of a device say, as it stands in a window. Additive: what an older agent does not report is null or empty.
import { z } from 'zod';
import { countSchema } from '../basics/identifiers.ts';

const celsius = z.number().nullable().default(null);
const amount = z.number().nonnegative().nullable().default(null);
const percent = z.number().min(0).max(100).nullable().default(null);

/** A rail of a power monitor; `VDD_IN` and its like carry all the others, so the rails are not to be added up blindly. */
const railSchema = z.looseObject({ name: z.string().max(64), milliwatts: z.number().nonnegative().nullable() });

/** `fault`: why it cannot be read, or why what it says cannot be a temperature. */
const zoneSchema = z.looseObject({
  name: z.string().max(64),
  celsius: z.number().nullable(),
  fault: z.string().max(200).nullable(),
});

/** Unreadable is null, never 0. In a window: the worst reading where one can be worst, else the last. */
export const sensorsSchema = z.looseObject({
  /** The hottest of the zones and chips that belong to the processor, and which it was. */
  temperatureC: z.number().nullable(),
  hottestZone: z.string().max(64).nullable().default(null),
  /** What is left to the nearest trip point of its kind, of any processor zone to its own; below zero: it is passed. */
  passiveMarginC: celsius,
  criticalMarginC: celsius,
  /** All zones of the machine, the processor's or not, read every few seconds. */
  zones: z.array(zoneSchema).max(64).default([]),
  throttled: z.boolean().nullable(),
  /** What limited the machine, by source: `cooling:cpufreq-cpu0`, `cpu-package`, `cpu-core`, `over-current:oc1`. */
  throttleReasons: z.array(z.string().max(80)).max(32).default([]),
  /** By how much each throttle counter grew since the last reading, or in the window; counters that stood still are left out. */
  throttleCounts: z.record(z.string(), countSchema).default({}),
  /** All batteries that run the machine as one. Power is what flows in: below zero while discharging. */
  batteryPct: z.number().min(0).max(100).nullable(),
  batteryCharging: z.boolean().nullable(),
  batteryEnergyWh: amount,
  batteryEnergyFullWh: amount,
  batteryPowerW: z.number().nullable().default(null),
  /** Points of charge won per hour, below zero while discharging: power over what the battery holds when full. */
  batteryPctPerHour: z.number().nullable().default(null),
  cpuLoadPct: z.number().min(0).nullable(),
  /** Share of the last 10 s in which something waited for a processor (PSI `some avg10`); null where the kernel has none. */
  cpuPressurePct: percent,
  cpuClockMhz: amount,
  cpuClockMhzMax: amount,
  gpuLoadPct: percent,
  gpuClockMhz: amount,
  gpuClockMhzMax: amount,
  /** Power monitors, read every few seconds; `powerMilliwatts` is the whole board's. */
  rails: z.array(railSchema).max(32).default([]),
  powerMilliwatts: amount,
  /** A running fan is not throttling. */
  fanRpm: amount,
  fanPct: percent,
  memoryUsedBytes: countSchema.nullable(),
  memoryTotalBytes: countSchema.nullable(),
});

/** Nothing could be read. */
export const NO_SENSORS: z.infer<typeof sensorsSchema> = {
  temperatureC: null,
  hottestZone: null,
  passiveMarginC: null,
  criticalMarginC: null,
  zones: [],
  throttled: null,
  throttleReasons: [],
  throttleCounts: {},
  batteryPct: null,
  batteryCharging: null,
  batteryEnergyWh: null,
  batteryEnergyFullWh: null,
  batteryPowerW: null,
  batteryPctPerHour: null,
  cpuLoadPct: null,
  cpuPressurePct: null,
  cpuClockMhz: null,
  cpuClockMhzMax: null,
  gpuLoadPct: null,
  gpuClockMhz: null,
  gpuClockMhzMax: null,
  rails: [],
  powerMilliwatts: null,
  fanRpm: null,
  fanPct: null,
  memoryUsedBytes: null,
  memoryTotalBytes: null,
};
