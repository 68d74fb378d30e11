// The battery that runs the machine, found by TYPE=Battery; those of mice and headsets do not count. Drivers differ in
// what they say: charge in %, energy in µWh, or charge in µAh with a voltage; power, or current with a voltage.
import { join } from 'node:path';
import type { Sensors } from '../../shared/measure/window.ts';
import { listPaths, numberOf, type Sensor } from './sysfs.ts';

export type BatteryReading = Pick<
  Sensors,
  'batteryPct' | 'batteryCharging' | 'batteryEnergyWh' | 'batteryEnergyFullWh' | 'batteryPowerW' | 'batteryPctPerHour'
>;

type Battery = {
  readonly chargePct: number | null;
  readonly isCharging: boolean | null;
  readonly energyWh: number | null;
  readonly fullWh: number | null;
  readonly powerW: number | null;
};

/** Several batteries are one: charging when none discharges; a sum is known when all its parts are. */
export function findBattery(sysRoot: string): Sensor<BatteryReading> {
  const paths = listPaths(join(sysRoot, 'class/power_supply'), /./).map((supply) => join(supply, 'uevent'));
  return {
    paths,
    judge: (read) =>
      asOne(
        paths
          .map((path) => fieldsOf(read(path)))
          .filter(isOwnBattery)
          .map(batteryOf),
      ),
  };
}

function asOne(batteries: readonly Battery[]): BatteryReading {
  const states = batteries.map(({ isCharging }) => isCharging).filter((state) => state !== null);
  const energyWh = sumOf(batteries.map((battery) => battery.energyWh));
  const fullWh = sumOf(batteries.map((battery) => battery.fullWh));
  const powerW = sumOf(batteries.map((battery) => battery.powerW));
  return {
    batteryPct: chargeOfAll(batteries, energyWh, fullWh),
    batteryCharging: states.length === 0 ? null : states.every((state) => state),
    batteryEnergyWh: energyWh,
    batteryEnergyFullWh: fullWh,
    batteryPowerW: powerW,
    batteryPctPerHour: powerW === null || fullWh === null ? null : (powerW / fullWh) * 100,
  };
}

/** A large and a small battery weigh by what they hold; where that is not known, they count the same. */
function chargeOfAll(batteries: readonly Battery[], energyWh: number | null, fullWh: number | null): number | null {
  if (batteries.length > 1 && energyWh !== null && fullWh !== null) return clampPct((energyWh / fullWh) * 100);
  const charges = batteries.map(({ chargePct }) => chargePct).filter((charge) => charge !== null);
  return charges.length === 0 ? null : charges.reduce((sum, charge) => sum + charge, 0) / charges.length;
}

function sumOf(values: readonly (number | null)[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => (sum === null || value === null ? null : sum + value));
}

type Fields = ReadonlyMap<string, string>;

function fieldsOf(text: string | null): Fields {
  const lines = (text ?? '').split('\n').map((line) => line.split('='));
  return new Map(lines.map(([name = '', value = '']) => [name.replace(/^POWER_SUPPLY_/, ''), value.trim()]));
}

function isOwnBattery(fields: Fields): boolean {
  return fields.get('TYPE') === 'Battery' && fields.get('SCOPE') !== 'Device' && fields.get('PRESENT') !== '0';
}

function batteryOf(fields: Fields): Battery {
  const micro = (name: string) => {
    const value = numberOf(fields.get(name) ?? null);
    return value === null ? null : value / 1e6;
  };
  const volts = micro('VOLTAGE_NOW');
  const energyWh = micro('ENERGY_NOW') ?? product(micro('CHARGE_NOW'), volts);
  const fullWh = positive(micro('ENERGY_FULL') ?? product(micro('CHARGE_FULL'), volts));
  return {
    chargePct: chargeOf(fields),
    isCharging: chargingOf(fields.get('STATUS')),
    energyWh: energyWh !== null && energyWh >= 0 ? energyWh : null,
    fullWh,
    powerW: signed(micro('POWER_NOW') ?? product(micro('CURRENT_NOW'), volts), fields.get('STATUS')),
  };
}

function chargeOf(fields: Fields): number | null {
  const value = (name: string) => numberOf(fields.get(name) ?? null);
  const share = (quantity: string) => {
    const full = positive(value(`${quantity}_FULL`));
    const now = value(`${quantity}_NOW`);
    return now === null || full === null ? null : (now / full) * 100;
  };
  const pct = value('CAPACITY') ?? share('ENERGY') ?? share('CHARGE');
  return pct === null ? null : clampPct(pct);
}

/** Some drivers give the size alone, some the sign too; a discharging battery that gives nothing does not know. */
function signed(watts: number | null, status: string | undefined): number | null {
  if (watts === null) return null;
  const size = Math.abs(watts);
  if (status === 'Discharging') return size === 0 ? null : -size;
  return status === 'Charging' || status === 'Full' || status === 'Not charging' ? size : null;
}

function chargingOf(status: string | undefined): boolean | null {
  if (status === 'Charging' || status === 'Full') return true;
  if (status === 'Discharging' || status === 'Not charging') return false;
  return null;
}

function clampPct(pct: number): number {
  return Math.min(100, Math.max(0, pct));
}

function product(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a * b;
}

function positive(value: number | null): number | null {
  return value !== null && value > 0 ? value : null;
}
