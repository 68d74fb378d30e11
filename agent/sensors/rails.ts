// What the board draws, by rail: INA3221 and INA2xx power monitors. They stand on a slow bus (I²C): a reading may take
// milliseconds, and on a faulty bus much longer, so this sensor is only ever read in the background.
import { join } from 'node:path';
import type { Sensors } from '../../shared/measure/window.ts';
import { listPaths, numberOf, type ReadText, type Sensor, wordOf } from './sysfs.ts';

export type RailReading = Pick<Sensors, 'rails' | 'powerMilliwatts'>;

/** `paths` holds volts and amperes in thousandths, or one power with its unit. */
type Rail = { readonly name: string; readonly paths: readonly string[]; readonly milliwattsPerUnit: number };

/** The input of the whole board: the other rails are behind it, so adding them up would count twice. */
const WHOLE_BOARD = /^(VDD_IN|POM_5V_IN)$/i;
const NOT_CONNECTED = /^(nc|sum of shunt voltages)$/i;
const RAILS_MAX = 32;
const NAME_MAX = 64;

export function findRails(sysRoot: string, read: ReadText): Sensor<RailReading> {
  const rails = [...findMonitors(sysRoot, read), ...findOlderJetson(sysRoot, read)].slice(0, RAILS_MAX);
  return { paths: rails.flatMap(({ paths }) => paths), judge: (text) => judgeRails(rails, text) };
}

function judgeRails(found: readonly Rail[], text: ReadText): RailReading {
  const rails = found.map(({ name, paths, milliwattsPerUnit }) => {
    const factors = paths.map((path) => numberOf(text(path)));
    const isKnown = factors.every((factor) => factor !== null && factor >= 0);
    return { name, milliwatts: isKnown ? factors.reduce<number>((a, b) => a * (b ?? 0), milliwattsPerUnit) : null };
  });
  const whole = rails.find(({ name }) => WHOLE_BOARD.test(name));
  if (whole) return { rails, powerMilliwatts: whole.milliwatts };
  const known = rails.map(({ milliwatts }) => milliwatts).filter((value) => value !== null);
  const isWhole = known.length > 0 && known.length === rails.length;
  return { rails, powerMilliwatts: isWhole ? known.reduce((sum, value) => sum + value, 0) : null };
}

function findMonitors(sysRoot: string, read: ReadText): readonly Rail[] {
  return listPaths(join(sysRoot, 'class/hwmon'), /^hwmon\d+$/).flatMap((folder) => {
    const chip = wordOf(read(join(folder, 'name'))) ?? '';
    if (chip === 'ina3221') return findChannels(folder, read);
    if (!/^ina2\d\d$/.test(chip)) return [];
    // µW
    return listPaths(folder, /^power\d+_input$/).map((path) => ({
      name: (wordOf(read(path.replace(/_input$/, '_label'))) ?? chip).slice(0, NAME_MAX),
      paths: [path],
      milliwattsPerUnit: 0.001,
    }));
  });
}

/** mV × mA = µW. */
function findChannels(folder: string, read: ReadText): readonly Rail[] {
  return listPaths(folder, /^in\d+_label$/).flatMap((labelPath) => {
    const name = wordOf(read(labelPath))?.slice(0, NAME_MAX) ?? null;
    if (name === null || NOT_CONNECTED.test(name)) return [];
    const volts = labelPath.replace(/_label$/, '_input');
    const amperes = volts.replace(/in(\d+)_input$/, 'curr$1_input');
    return [{ name, paths: [volts, amperes], milliwattsPerUnit: 0.001 }];
  });
}

/** JetPack 4: the vendor's own driver, mW. */
function findOlderJetson(sysRoot: string, read: ReadText): readonly Rail[] {
  return listPaths(join(sysRoot, 'bus/i2c/drivers/ina3221x'), /^\d+-[0-9a-f]+$/)
    .flatMap((chip) => listPaths(chip, /^iio:device\d+$/))
    .flatMap((device) => listPaths(device, /^rail_name_\d+$/))
    .flatMap((namePath) => {
      const name = wordOf(read(namePath))?.slice(0, NAME_MAX) ?? null;
      if (name === null || NOT_CONNECTED.test(name)) return [];
      const power = namePath.replace(/rail_name_(\d+)$/, 'in_power$1_input');
      return [{ name, paths: [power], milliwattsPerUnit: 1 }];
    });
}
