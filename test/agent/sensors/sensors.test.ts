// Readings of fake /sys and /proc trees, one per kind of board, and the time a reading of this machine takes.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openSensors, type Sensors } from '../../../agent/sensors/sensors.ts';
import { NO_SENSORS } from '../../../shared/measure/sensors.ts';
import { windowSchema } from '../../../shared/measure/window.ts';
import { buildWindow } from '../../shared/measure/window-builder.ts';

const FIXTURES = new URL('../../fixtures/sysfs/', import.meta.url).pathname;

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function openBoard(board: string): Sensors {
  return openSensors({ sysRoot: join(FIXTURES, board, 'sys'), procRoot: join(FIXTURES, board, 'proc') });
}

/** A copy of a board whose files the test may change. */
function copyBoard(board: string): { readonly sensors: Sensors; readonly write: (path: string, text: string) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'belay-sensors-'));
  folders.push(folder);
  cpSync(join(FIXTURES, board), folder, { recursive: true });
  return {
    sensors: openSensors({ sysRoot: join(folder, 'sys'), procRoot: join(folder, 'proc') }),
    write: (path, text) => writeFileSync(join(folder, path), text),
  };
}

describe('a reading', () => {
  it('of a Jetson Orin is its hottest zone; switched-off zones and a running fan say nothing', () => {
    expect(openBoard('jetson-orin').read()).toEqual({
      ...NO_SENSORS,
      temperatureC: 53.25,
      throttled: false,
      batteryPct: null,
      batteryCharging: null,
      cpuLoadPct: null,
      memoryUsedBytes: (15_657_304 - 9_100_200) * 1024,
      memoryTotalBytes: 15_657_304 * 1024,
    });
  });

  it('of a Jetson Nano does not believe the constant 100 °C of its power chip, and sees it throttle', () => {
    expect(openBoard('jetson-nano').read()).toMatchObject({ temperatureC: 71.5, throttled: true });
  });

  it('of a Jetson Xavier takes the processor, not the board', () => {
    expect(openBoard('jetson-xavier').read()).toMatchObject({ temperatureC: 44, throttled: false });
  });

  it('of a laptop takes the package, and its own battery, not that of the mouse', () => {
    expect(openBoard('x86-laptop').read()).toMatchObject({
      temperatureC: 58,
      throttled: false,
      batteryPct: 73,
      batteryCharging: false,
    });
  });

  it('of a server without thermal zones falls back to the chip of the processor, not that of a disk', () => {
    expect(openBoard('x86-server').read()).toMatchObject({ temperatureC: 47.25, throttled: null, batteryPct: null });
  });

  it('of a machine where nothing works is null throughout, never 0', () => {
    expect(openBoard('broken').read()).toEqual({
      ...NO_SENSORS,
      temperatureC: null,
      throttled: null,
      batteryPct: null,
      batteryCharging: null,
      cpuLoadPct: null,
      memoryUsedBytes: null,
      memoryTotalBytes: 1_024_000,
    });
    expect(openSensors({ sysRoot: '/nowhere', procRoot: '/nowhere' }).read()).toMatchObject({ memoryTotalBytes: null });
  });

  it('fits the contract of a window', () => {
    for (const board of ['jetson-orin', 'jetson-nano', 'jetson-xavier', 'x86-laptop', 'x86-server', 'broken'])
      expect(windowSchema.safeParse(buildWindow({ sensors: openBoard(board).read() })).success, board).toBe(true);
  });
});

describe('two readings', () => {
  it('give the load in between, with waiting for disks as idle', () => {
    const { sensors, write } = copyBoard('x86-server');
    expect(sensors.read().cpuLoadPct).toBeNull();
    write('proc/stat', 'cpu  1060 0 515 8020 505 0 0 0 0 0\n');
    expect(sensors.read().cpuLoadPct).toBeCloseTo(75, 5);
    expect(sensors.read().cpuLoadPct).toBeNull();
  });

  it('see throttling that happened and ended between them', () => {
    const { sensors, write } = copyBoard('x86-laptop');
    expect(sensors.read().throttled).toBe(false);
    write('sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count', '18\n');
    expect(sensors.read().throttled).toBe(true);
    expect(sensors.read().throttled).toBe(false);
  });

  it('see over-current events of a Jetson', () => {
    const { sensors, write } = copyBoard('jetson-orin');
    sensors.read();
    write('sys/class/hwmon/hwmon3/oc1_event_cnt', '5\n');
    expect(sensors.read().throttled).toBe(true);
  });

  it('follow the battery: from its energy when it does not say its charge, and none once it is gone', () => {
    const { sensors, write } = copyBoard('x86-laptop');
    const battery = 'sys/class/power_supply/BAT0/uevent';
    const fields = ['TYPE=Battery', 'STATUS=Charging', 'ENERGY_FULL=50', 'ENERGY_NOW=20'];
    write(battery, fields.map((field) => `POWER_SUPPLY_${field}`).join('\n'));
    expect(sensors.read()).toMatchObject({ batteryPct: 40, batteryCharging: true });
    write(battery, '');
    expect(sensors.read()).toMatchObject({ batteryPct: null, batteryCharging: null });
  });
});

describe('this machine', () => {
  it('is read in a time that the frame loop does not notice', () => {
    const sensors = openSensors();
    for (let i = 0; i < 20; i += 1) sensors.read();
    const times = Array.from({ length: 50 }, () => {
      const startMs = performance.now();
      sensors.read();
      return performance.now() - startMs;
    });
    // The best of many: the other times belong to whoever else uses this machine.
    expect(Math.min(...times)).toBeLessThan(1);
    expect(sensors.read().memoryTotalBytes).toBeGreaterThan(0);
  });
});
