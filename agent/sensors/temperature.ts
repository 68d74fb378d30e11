// Temperatures. The processor's: the hottest of the zones that are one, by their type, never by their number, with what is
// left to the trip points. Of all zones: what each says, or why it cannot be believed.
import { join } from 'node:path';
import type { Sensors } from '../../shared/measure/window.ts';
import { highestOf, listNames, listPaths, lowestOf, numberOf, type ReadText, type Sensor, wordOf } from './sysfs.ts';

/** PMIC zones of Jetson boards read a constant 100 °C, and Wi-Fi or battery zones say nothing about the processor. */
const PROCESSOR_ZONE =
  /^(x86_pkg_temp|tcpu|tj|.*(cpu|gpu|soc|pkg|cluster|big|little|cv\d|therm-?junction).*|tj-thermal)$/i;
const OTHER_ZONE = /pmic|fan|wifi|iwl|battery|charger|board|tdiode/i;
const PROCESSOR_CHIP = /^(coretemp|k10temp|zenpower|cpu_thermal|soc_thermal|cpu.*|soc.*)$/i;
/** What the firmware calls the temperature of the machine: better than nothing, so it comes last. */
const FIRMWARE_ZONE = /^acpitz$/i;
/** Outside of this a sensor is lying: a switched-off zone of a Jetson reads −256 °C, an 8-bit one at its end 127 or 255. */
const CELSIUS_MIN = -40;
const CELSIUS_MAX = 125;
/** A processor of 128 cores has a sensor for each; its packages come first. */
const CHIP_INPUTS_MAX = 16;
const ZONES_MAX = 64;
const NAME_MAX = 64;

type Trips = { readonly passiveC: number | null; readonly criticalC: number | null };
type Source = Trips & { readonly name: string; readonly path: string };

export type ProcessorHeat = Pick<Sensors, 'temperatureC' | 'hottestZone' | 'passiveMarginC' | 'criticalMarginC'>;

/** Zones of the processor before its chips before what the firmware says: the first group that answers speaks. */
export function findProcessorHeat(sysRoot: string, read: ReadText): Sensor<ProcessorHeat> {
  const zones = findZones(sysRoot, read);
  const zonesOf = (wanted: RegExp) =>
    zones.filter(({ type }) => wanted.test(type) && !OTHER_ZONE.test(type)).map((zone) => withTrips(zone, read));
  const groups = [zonesOf(PROCESSOR_ZONE), findChips(sysRoot, read), zonesOf(FIRMWARE_ZONE)];
  return { paths: groups.flat().map(({ path }) => path), judge: (text) => judgeHeat(groups, text) };
}

export type Zone = Sensors['zones'][number];

/** Every zone, aligned by its path: one that cannot be read keeps its place. */
export function findAllZones(sysRoot: string, read: ReadText): Sensor<Zone[]> {
  const zones = findZones(sysRoot, read).slice(0, ZONES_MAX);
  return {
    paths: zones.map(({ path }) => path),
    judge: (text) => zones.map(({ name, path }) => ({ name, ...believe(text(path)) })),
  };
}

function judgeHeat(groups: readonly (readonly Source[])[], text: ReadText): ProcessorHeat {
  for (const group of groups) {
    const readings = group.map((source) => ({ ...source, ...believe(text(source.path)) }));
    const temperatureC = highestOf(readings.map(({ celsius }) => celsius));
    if (temperatureC === null) continue;
    const margin = (trip: number | null, celsius: number | null) =>
      trip === null || celsius === null ? null : trip - celsius;
    return {
      temperatureC,
      hottestZone: readings.find(({ celsius }) => celsius === temperatureC)?.name ?? null,
      passiveMarginC: lowestOf(readings.map(({ passiveC, celsius }) => margin(passiveC, celsius))),
      criticalMarginC: lowestOf(readings.map(({ criticalC, celsius }) => margin(criticalC, celsius))),
    };
  }
  return { temperatureC: null, hottestZone: null, passiveMarginC: null, criticalMarginC: null };
}

/** Below zero is a temperature; exactly zero, to the thousandth, is a sensor that has nothing to say. */
function believe(text: string | null): Pick<Zone, 'celsius' | 'fault'> {
  if (text === null) return { celsius: null, fault: 'cannot be read: switched off or gone' };
  const milli = numberOf(text);
  if (milli === null) return { celsius: null, fault: 'does not answer with a number' };
  const celsius = milli / 1000;
  if (celsius === 0) return { celsius: null, fault: 'reads exactly 0 °C, which is no measurement' };
  if (celsius >= CELSIUS_MIN && celsius <= CELSIUS_MAX) return { celsius, fault: null };
  return { celsius: null, fault: `reads ${celsius} °C, which no processor survives` };
}

type ZoneFound = { readonly folder: string; readonly type: string; readonly name: string; readonly path: string };

function findZones(sysRoot: string, read: ReadText): readonly ZoneFound[] {
  const root = join(sysRoot, 'class/thermal');
  const entries = listNames(root, /^thermal_zone\d+$/);
  const types = entries.map((entry) => wordOf(read(join(root, entry, 'type'))) ?? entry);
  return entries.map((entry, index) => {
    const type = types[index] ?? entry;
    // Some machines have several zones of one type.
    const isAlone = types.filter((other) => other === type).length === 1;
    const name = (isAlone ? type : `${type} ${entry}`).slice(0, NAME_MAX);
    return { folder: join(root, entry), type, name, path: join(root, entry, 'temp') };
  });
}

function withTrips({ folder, name, path }: ZoneFound, read: ReadText): Source {
  const trips = listPaths(folder, /^trip_point_\d+_type$/).map((typePath) => ({
    type: wordOf(read(typePath)),
    celsius: tripCelsius(read(typePath.replace(/_type$/, '_temp'))),
  }));
  const lowest = (type: string) => lowestOf(trips.filter((trip) => trip.type === type).map((trip) => trip.celsius));
  return { name, path, passiveC: lowest('passive'), criticalC: lowest('critical') };
}

/** A trip point that is not set reads 0 or −274 °C. */
function tripCelsius(text: string | null): number | null {
  const milli = numberOf(text);
  return milli !== null && milli > 0 && milli <= 200_000 ? milli / 1000 : null;
}

function findChips(sysRoot: string, read: ReadText): readonly Source[] {
  const chips = listPaths(join(sysRoot, 'class/hwmon'), /^hwmon\d+$/).flatMap((folder) => {
    const chip = wordOf(read(join(folder, 'name'))) ?? '';
    return PROCESSOR_CHIP.test(chip) ? listPaths(folder, /^temp\d+_input$/).map((path) => ({ chip, path })) : [];
  });
  const sources = chips.map(({ chip, path }) => {
    const of = (what: string) => read(path.replace(/_input$/, `_${what}`));
    const name = `${chip} ${wordOf(of('label')) ?? ''}`.trim().slice(0, NAME_MAX);
    return { name, path, passiveC: null, criticalC: tripCelsius(of('crit')) };
  });
  const packages = sources.filter(({ name }) => /package|tctl|tdie/i.test(name));
  return [...packages, ...sources.filter((source) => !packages.includes(source))].slice(0, CHIP_INPUTS_MAX);
}
