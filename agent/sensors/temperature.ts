// The temperature of the processor: the hottest of the zones that are one, by their type, never by their number.
import { join } from 'node:path';
import { highestOf, listPaths, readNumber, readWord } from './sysfs.ts';

/** PMIC zones of Jetson boards read a constant 100 °C, and Wi-Fi or battery zones say nothing about the processor. */
const PROCESSOR_ZONE =
  /^(x86_pkg_temp|tcpu|tj|.*(cpu|gpu|soc|pkg|cluster|big|little|cv\d|therm-?junction).*|tj-thermal)$/i;
const OTHER_ZONE = /pmic|fan|wifi|iwl|battery|charger|board|tdiode/i;
const PROCESSOR_CHIP = /^(coretemp|k10temp|zenpower|cpu_thermal|soc_thermal|cpu.*|soc.*)$/i;
/** What the firmware calls the temperature of the machine: better than nothing, so it comes last. */
const FIRMWARE_ZONE = /^acpitz$/i;
/** Outside of this a sensor is lying: a switched-off zone of a Jetson reads −256 °C. */
const CELSIUS_MIN = -40;
const CELSIUS_MAX = 150;

/** Finds the sensors once; the returned function reads them: °C, or null when none can be read. */
export function openTemperature(sysRoot: string): () => number | null {
  const zones = listPaths(join(sysRoot, 'class/thermal'), /^thermal_zone\d+$/);
  const zonesOf = (wanted: RegExp) =>
    zones
      .filter((zone) => isOf(join(zone, 'type'), wanted) && !isOf(join(zone, 'type'), OTHER_ZONE))
      .map((zone) => join(zone, 'temp'));
  const chips = listPaths(join(sysRoot, 'class/hwmon'), /^hwmon\d+$/)
    .filter((chip) => isOf(join(chip, 'name'), PROCESSOR_CHIP))
    .flatMap((chip) => listPaths(chip, /^temp\d+_input$/));
  const byPreference = [zonesOf(PROCESSOR_ZONE), chips, zonesOf(FIRMWARE_ZONE)];
  return () => {
    for (const paths of byPreference) {
      const hottest = highestOf(paths.map(readCelsius));
      if (hottest !== null) return hottest;
    }
    return null;
  };
}

function readCelsius(path: string): number | null {
  const milli = readNumber(path);
  if (milli === null) return null;
  const celsius = milli / 1000;
  return celsius >= CELSIUS_MIN && celsius <= CELSIUS_MAX ? celsius : null;
}

function isOf(path: string, wanted: RegExp): boolean {
  return wanted.test(readWord(path) ?? '');
}
