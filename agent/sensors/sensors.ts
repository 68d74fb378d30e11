// The door of the sensors: one reading of the machine from /sys and /proc, in under a millisecond, spawning nothing.
// What cannot be read is null, never 0. What may answer slowly is read in the background, every five readings.
import { join } from 'node:path';
import { NO_SENSORS } from '../../shared/measure/sensors.ts';
import type { Sensors as SensorReading } from '../../shared/measure/window.ts';
import type { Hardware } from '../../shared/protocol/hardware.ts';
import { type Background, openBackground, type ReadSlowly } from './background.ts';
import { findBattery } from './battery.ts';
import { findClocks } from './clocks.ts';
import { readHardware } from './hardware.ts';
import { openCpuLoad, readCpuPressure, readMemory } from './load.ts';
import { findRails } from './rails.ts';
import { listNames, openTextReader, type ReadText, type Sensor } from './sysfs.ts';
import { findAllZones, findProcessorHeat } from './temperature.ts';
import { findThrottling, ThrottleWatch } from './throttling.ts';

export type SensorOptions = {
  readonly sysRoot?: string;
  readonly procRoot?: string;
  readonly etcRoot?: string;
  /** Other ways to read a file, at once and in the background: no file of a test can answer EAGAIN. */
  readonly readText?: ReadText;
  readonly readSlowly?: ReadSlowly;
};

export type Sensors = {
  /** As it was found at the start. */
  readonly hardware: Hardware;
  /** For every second. Loads and counters are those since the last reading; never blocks, never throws. */
  readonly read: () => SensorReading;
  /** Everything now, the slow ones too: for `explain`, where nothing waits. */
  readonly readWhole: () => SensorReading;
  /** Reads the slow ones now; resolves when the next `read` knows them. */
  readonly refresh: () => Promise<void>;
};

/** 0.2 Hz at a reading a second: rails, battery, fans, clocks. */
const READINGS_PER_ROUND = 5;
/** Three rounds without an answer: what was read last is not true any more. */
const READINGS_BELIEVED = 15;
/** Drivers come and go: the folders are looked at this often, and searched again when they have changed. */
const READINGS_PER_LOOK = 60;
/** A file that vanishes causes a search, but not at every reading. */
const READINGS_BETWEEN_SEARCHES = 10;
const WATCHED_FOLDERS = ['class/thermal', 'class/hwmon', 'class/power_supply', 'class/devfreq', 'class/drm'];

export function openSensors(options: SensorOptions = {}): Sensors {
  const { sysRoot = '/sys', procRoot = '/proc' } = options;
  let hasVanished = false;
  const readText = options.readText ?? openTextReader(() => (hasVanished = true));
  const cpuLoad = openCpuLoad(procRoot, readText);
  const throttle = new ThrottleWatch();
  const background = openBackground(READINGS_BELIEVED, options.readSlowly);
  const finder = openFinder(sysRoot, readText);
  let readings = 0;
  let searchedAt = 0;
  const keepFound = () => {
    const isDue = hasVanished ? readings - searchedAt >= READINGS_BETWEEN_SEARCHES : readings % READINGS_PER_LOOK === 0;
    if (!isDue) return;
    if (hasVanished || finder.hasChanged()) finder.search();
    searchedAt = readings;
    hasVanished = false;
  };
  const readQuick = () => {
    const memory = readMemory(procRoot, readText);
    const { heat, throttling } = finder.found();
    return {
      ...heat.judge(readText),
      ...throttle.read(throttling, readText),
      cpuLoadPct: cpuLoad(),
      cpuPressurePct: readCpuPressure(procRoot, readText),
      memoryUsedBytes: memory.usedBytes,
      memoryTotalBytes: memory.totalBytes,
    };
  };
  return {
    hardware: readHardware({ ...options, readText }),
    read: () => {
      keepFound();
      const slow = slowPart(background, finder.found(), readings % READINGS_PER_ROUND === 0);
      readings += 1;
      return { ...NO_SENSORS, ...slow, ...readQuick() };
    },
    readWhole: () => ({ ...NO_SENSORS, ...finder.found().slow.judge(readText), ...readQuick() }),
    refresh: () => background.refresh(finder.found().slow.paths),
  };
}

function slowPart(background: Background, { slow }: Found, isDue: boolean): Partial<SensorReading> {
  if (isDue) void background.refresh(slow.paths);
  const texts = background.latest();
  return texts === null ? {} : slow.judge(texts);
}

type Found = ReturnType<typeof findAll>;

function openFinder(sysRoot: string, read: ReadText) {
  const look = () => WATCHED_FOLDERS.map((folder) => listNames(join(sysRoot, folder), /./).join('/')).join('|');
  let [seen, found] = [look(), findAll(sysRoot, read)];
  return {
    found: (): Found => found,
    hasChanged: () => look() !== seen,
    search: () => {
      [seen, found] = [look(), findAll(sysRoot, read)];
    },
  };
}

function findAll(sysRoot: string, read: ReadText) {
  return {
    heat: findProcessorHeat(sysRoot, read),
    throttling: findThrottling(sysRoot, read),
    slow: findSlow(sysRoot, read),
  };
}

function findSlow(sysRoot: string, read: ReadText): Sensor<Partial<SensorReading>> {
  const [zones, battery, rails, clocks] = [
    findAllZones(sysRoot, read),
    findBattery(sysRoot),
    findRails(sysRoot, read),
    findClocks(sysRoot),
  ];
  return {
    paths: [...new Set([zones, battery, rails, clocks].flatMap(({ paths }) => paths))],
    judge: (text) => ({
      zones: zones.judge(text),
      ...battery.judge(text),
      ...rails.judge(text),
      ...clocks.judge(text),
    }),
  };
}
