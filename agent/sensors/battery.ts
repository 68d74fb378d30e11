// The battery that runs the machine, found by TYPE=Battery; those of mice and headsets do not count.
import { join } from 'node:path';
import { listPaths, readText } from './sysfs.ts';

export type Battery = { readonly chargePct: number | null; readonly isCharging: boolean | null };

const NO_BATTERY: Battery = { chargePct: null, isCharging: null };

/** Finds the batteries once. Several are one: the mean charge, and charging when none discharges. */
export function openBattery(sysRoot: string): () => Battery {
  const paths = listPaths(join(sysRoot, 'class/power_supply'), /./)
    .map((supply) => join(supply, 'uevent'))
    .filter((path) => isOwnBattery(readFields(path)));
  return () => {
    const batteries = paths.map((path) => batteryOf(readFields(path)));
    if (batteries.length === 0) return NO_BATTERY;
    const charges = batteries.map((battery) => battery.chargePct).filter((charge) => charge !== null);
    const states = batteries.map((battery) => battery.isCharging).filter((state) => state !== null);
    return {
      chargePct: charges.length === 0 ? null : charges.reduce((sum, charge) => sum + charge, 0) / charges.length,
      isCharging: states.length === 0 ? null : states.every((state) => state),
    };
  };
}

type Fields = ReadonlyMap<string, string>;

function readFields(path: string): Fields {
  const lines = (readText(path) ?? '').split('\n').map((line) => line.split('='));
  return new Map(lines.map(([name = '', value = '']) => [name.replace(/^POWER_SUPPLY_/, ''), value.trim()]));
}

function isOwnBattery(fields: Fields): boolean {
  return fields.get('TYPE') === 'Battery' && fields.get('SCOPE') !== 'Device' && fields.get('PRESENT') !== '0';
}

function batteryOf(fields: Fields): Battery {
  return { chargePct: chargeOf(fields), isCharging: chargingOf(fields.get('STATUS')) };
}

function chargeOf(fields: Fields): number | null {
  const pct = numberOf(fields, 'CAPACITY') ?? shareOf(fields, 'ENERGY') ?? shareOf(fields, 'CHARGE');
  return pct === null ? null : Math.min(100, Math.max(0, pct));
}

function shareOf(fields: Fields, quantity: 'ENERGY' | 'CHARGE'): number | null {
  const now = numberOf(fields, `${quantity}_NOW`);
  const full = numberOf(fields, `${quantity}_FULL`);
  return now === null || full === null || full <= 0 ? null : (now / full) * 100;
}

function numberOf(fields: Fields, name: string): number | null {
  const text = fields.get(name);
  if (text === undefined || text === '') return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

function chargingOf(status: string | undefined): boolean | null {
  if (status === 'Charging' || status === 'Full') return true;
  if (status === 'Discharging' || status === 'Not charging') return false;
  return null;
}
