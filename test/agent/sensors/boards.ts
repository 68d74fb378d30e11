// Boards for tests: the fixture trees as they lie, copies that a test may change, and a server with many cores.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openSensors, type SensorOptions, type Sensors } from '../../../agent/sensors/sensors.ts';

const FIXTURES = new URL('../../fixtures/sysfs/', import.meta.url).pathname;

export const BOARDS = [
  'jetson-orin',
  'jetson-orin-jp5',
  'jetson-xavier',
  'jetson-nano',
  'x86-laptop',
  'x86-server',
  'broken',
] as const;

export function rootsOf(board: string) {
  const of = (folder: string) => join(FIXTURES, board, folder);
  return { sysRoot: of('sys'), procRoot: of('proc'), etcRoot: of('etc') };
}

export function openBoard(board: string, options: SensorOptions = {}): Sensors {
  const { sysRoot, procRoot } = rootsOf(board);
  return openSensors({ sysRoot, procRoot, ...options });
}

export type BoardCopy = {
  readonly folder: string;
  readonly sensors: Sensors;
  readonly write: (path: string, text: string) => void;
  readonly remove: (path: string) => void;
};

/** Copies of boards whose files the test may change, until `clean`. */
export function openCopies() {
  const folders: string[] = [];
  const copy = (board: string | null, files: Readonly<Record<string, string>> = {}): BoardCopy => {
    const folder = mkdtempSync(join(tmpdir(), 'belay-sensors-'));
    folders.push(folder);
    if (board !== null) cpSync(join(FIXTURES, board), folder, { recursive: true });
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    };
    for (const [path, text] of Object.entries(files)) write(path, text);
    return {
      folder,
      sensors: openSensors({ sysRoot: join(folder, 'sys'), procRoot: join(folder, 'proc') }),
      write,
      remove: (path) => rmSync(join(folder, path), { recursive: true, force: true }),
    };
  };
  const clean = () => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  };
  return { copy, clean };
}

/** 64 cores of two threads in two packages, with a temperature of each. */
export function serverFiles(): Readonly<Record<string, string>> {
  const files: Record<string, string> = {
    'proc/stat': 'cpu  1000 0 500 8000 500 0 0 0 0 0\n',
    'proc/meminfo': 'MemTotal: 131072000 kB\nMemAvailable: 100000000 kB\n',
  };
  for (let cpu = 0; cpu < 128; cpu += 1) {
    const folder = `sys/devices/system/cpu/cpu${cpu}`;
    files[`${folder}/topology/core_id`] = `${cpu % 32}`;
    files[`${folder}/topology/physical_package_id`] = `${cpu % 64 < 32 ? 0 : 1}`;
    files[`${folder}/thermal_throttle/core_throttle_count`] = '0';
    files[`${folder}/thermal_throttle/package_throttle_count`] = '0';
    files[`sys/devices/system/cpu/cpufreq/policy${cpu}/scaling_cur_freq`] = '2400000';
    files[`sys/class/thermal/cooling_device${cpu}/type`] = 'Processor';
    files[`sys/class/thermal/cooling_device${cpu}/cur_state`] = '0';
  }
  for (const chip of [0, 1]) {
    files[`sys/class/hwmon/hwmon${chip}/name`] = 'coretemp';
    for (let core = 1; core <= 33; core += 1) {
      const label = core === 1 ? `Package id ${chip}` : `Core ${core - 2}`;
      files[`sys/class/hwmon/hwmon${chip}/temp${core}_label`] = label;
      files[`sys/class/hwmon/hwmon${chip}/temp${core}_input`] = `${50_000 + chip * 5000 + core}`;
      files[`sys/class/hwmon/hwmon${chip}/temp${core}_crit`] = '100000';
    }
  }
  for (let zone = 0; zone < 20; zone += 1) {
    files[`sys/class/thermal/thermal_zone${zone}/type`] = 'acpitz';
    files[`sys/class/thermal/thermal_zone${zone}/temp`] = `${30_000 + zone * 100}`;
  }
  return files;
}
