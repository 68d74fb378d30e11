// What is read in the background: batteries in all their dialects, and files that answer late, with errors, or never.
import { afterEach, describe, expect, it } from 'vitest';
import { openTextReader } from '../../../agent/sensors/sysfs.ts';
import { openBoard, openCopies } from './boards.ts';

const { copy, clean } = openCopies();
afterEach(clean);

const BATTERY = 'sys/class/power_supply/BAT0/uevent';

function uevent(fields: Readonly<Record<string, string | number>>): string {
  return Object.entries({ TYPE: 'Battery', ...fields })
    .map(([name, value]) => `POWER_SUPPLY_${name}=${value}\n`)
    .join('');
}

function readBatteries(...uevents: readonly string[]) {
  const files = uevents.map((text, i) => [`sys/class/power_supply/BAT${i}/uevent`, text]);
  return copy(null, Object.fromEntries(files)).sensors.readWhole();
}

describe('a battery', () => {
  it('that says neither charge nor share is known by its energy', () => {
    const reading = readBatteries(uevent({ STATUS: 'Charging', ENERGY_FULL: 50e6, ENERGY_NOW: 20e6, POWER_NOW: 10e6 }));
    expect(reading).toMatchObject({
      batteryPct: 40,
      batteryCharging: true,
      batteryEnergyWh: 20,
      batteryPowerW: 10,
      batteryPctPerHour: 20,
    });
  });

  it('that counts charge is turned into energy by its voltage', () => {
    const fields = { STATUS: 'Discharging', CHARGE_FULL: 4e6, CHARGE_NOW: 1e6, VOLTAGE_NOW: 12e6, CURRENT_NOW: -2e6 };
    expect(readBatteries(uevent(fields))).toMatchObject({
      batteryPct: 25,
      batteryEnergyWh: 12,
      batteryEnergyFullWh: 48,
      batteryPowerW: -24,
      batteryPctPerHour: -50,
    });
  });

  it('that counts charge without a voltage has a share, and no energy', () => {
    expect(readBatteries(uevent({ CHARGE_FULL: 4e6, CHARGE_NOW: 1e6, CURRENT_NOW: 1e6 }))).toMatchObject({
      batteryPct: 25,
      batteryCharging: null,
      batteryEnergyWh: null,
      batteryPowerW: null,
    });
  });

  it('that discharges with a power of 0 does not know its power', () => {
    const fields = { STATUS: 'Discharging', CAPACITY: 60, ENERGY_FULL: 50e6, ENERGY_NOW: 30e6, POWER_NOW: 0 };
    expect(readBatteries(uevent(fields))).toMatchObject({ batteryPowerW: null, batteryPctPerHour: null });
  });

  it('beside another counts by what it holds, and both charge only when none discharges', () => {
    const large = uevent({ STATUS: 'Discharging', CAPACITY: 90, ENERGY_FULL: 80e6, ENERGY_NOW: 72e6, POWER_NOW: 8e6 });
    const small = uevent({ STATUS: 'Full', CAPACITY: 40, ENERGY_FULL: 20e6, ENERGY_NOW: 8e6, POWER_NOW: 0 });
    expect(readBatteries(large, small)).toMatchObject({ batteryPct: 80, batteryCharging: false, batteryPowerW: -8 });
    expect(readBatteries(large, uevent({ STATUS: 'Full', CAPACITY: 40 }))).toMatchObject({
      batteryPct: 65,
      batteryEnergyWh: null,
    });
  });

  it('of a mouse, of an empty bay, or of an unknown kind is none', () => {
    const mouse = uevent({ SCOPE: 'Device', CAPACITY: 5 });
    const bay = uevent({ PRESENT: 0, CAPACITY: 0 });
    expect(readBatteries(mouse, bay, uevent({ TYPE: 'UPS', CAPACITY: 50 })).batteryPct).toBeNull();
  });

  it('is followed in the background, and gone when it is gone', async () => {
    const { sensors, write } = copy('x86-laptop');
    expect(sensors.read().batteryPct).toBeNull();
    await sensors.refresh();
    expect(sensors.read().batteryPct).toBe(73);
    write(BATTERY, uevent({ CAPACITY: 40 }));
    await sensors.refresh();
    expect(sensors.read().batteryPct).toBe(40);
    write(BATTERY, '');
    await sensors.refresh();
    expect(sensors.read().batteryPct).toBeNull();
  });
});

describe('files that do not answer', () => {
  it('with EAGAIN, EINVAL or EIO are null, and keep their places', () => {
    const read = openTextReader(() => undefined);
    const refuses = /thermal_zone[06]\/temp$|curr1_input$|cur_state$|stat$/;
    const readText = (path: string) => (refuses.test(path) ? null : read(path));
    const reading = openBoard('jetson-orin', { readText }).readWhole();
    expect(reading).toMatchObject({ temperatureC: 51.031, hottestZone: 'soc0-thermal', powerMilliwatts: null });
    expect(reading.zones.map(({ name }) => name)).toEqual(
      openBoard('jetson-orin')
        .readWhole()
        .zones.map(({ name }) => name),
    );
    expect(reading.rails[0]).toEqual({ name: 'VDD_IN', milliwatts: null });
  });

  it('in the background and throw are null', async () => {
    const sensors = openBoard('jetson-orin', {
      readSlowly: () => Promise.reject(Object.assign(new Error('read'), { code: 'EAGAIN' })),
    });
    await sensors.refresh();
    expect(sensors.read()).toMatchObject({ temperatureC: 53.25, powerMilliwatts: null, gpuLoadPct: null });
  });

  it('for ever hold up nothing: one stands in wait, and what was known is believed for fifteen readings', async () => {
    let isStuck = false;
    let asked = 0;
    const read = openTextReader(() => undefined);
    const readSlowly = (path: string) => {
      asked += 1;
      return isStuck ? new Promise<string | null>(() => undefined) : Promise.resolve(read(path));
    };
    const sensors = openBoard('jetson-orin', { readSlowly });
    await sensors.refresh();
    isStuck = true;
    asked = 0;
    const powers = Array.from({ length: 40 }, () => sensors.read().powerMilliwatts);
    expect(asked).toBe(1);
    expect(powers.filter((power) => power !== null)).toHaveLength(15);
    expect(powers.at(-1)).toBeNull();
    expect(sensors.read().temperatureC).toBe(53.25);
  });
});
