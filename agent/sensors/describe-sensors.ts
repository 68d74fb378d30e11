// One line about a reading, and one about the machine, for whoever stands before the box. Pure.
import type { Sensors } from '../../shared/measure/window.ts';
import type { Hardware } from '../../shared/protocol/hardware.ts';

const BYTES_PER_GB = 1024 ** 3;

/** Says only what is known; what throttles the machine always. */
export function describeSensors(reading: Sensors): string {
  const parts = [heat(reading), throttling(reading), battery(reading), power(reading), load(reading), memory(reading)];
  return parts.filter((part) => part !== null).join(', ');
}

export function describeHardware({ model, boardSupport, cpu, cores, gpu, memoryBytes, os, kernel }: Hardware): string {
  const known = [
    model,
    boardSupport,
    cpu === null || cores === null ? cpu : `${cores} × ${cpu}`,
    gpu,
    memoryBytes === null ? null : `${(memoryBytes / BYTES_PER_GB).toFixed(1)} GB`,
    os,
    kernel === null ? null : `kernel ${kernel}`,
  ].filter((part) => part !== null);
  return known.join(', ') || 'unknown';
}

function heat({ temperatureC, hottestZone, passiveMarginC, criticalMarginC, zones }: Sensors): string {
  const broken = zones.filter(({ fault }) => fault !== null).length;
  const silent = broken === 0 ? '' : `, ${broken} of ${zones.length} zones unreadable`;
  if (temperatureC === null) return `temperature unknown${silent}`;
  const margin =
    passiveMarginC === null
      ? criticalMarginC === null
        ? ''
        : `, ${criticalMarginC.toFixed(0)} °C below critical`
      : `, ${passiveMarginC.toFixed(0)} °C below throttling`;
  return `${temperatureC.toFixed(1)} °C (${hottestZone ?? 'zone without a name'}${margin})${silent}`;
}

function throttling({ throttled, throttleReasons }: Sensors): string {
  if (throttled === null) return 'throttling unknown';
  return throttled ? `throttled by ${throttleReasons.join(' and ') || 'an unnamed source'}` : 'not throttled';
}

function battery({ batteryPct, batteryCharging, batteryPowerW, batteryPctPerHour }: Sensors): string | null {
  if (batteryPct === null) return null;
  const state = batteryCharging === null ? '' : batteryCharging ? ' charging' : ' not charging';
  const watts = batteryPowerW === null ? '' : ` at ${batteryPowerW.toFixed(1)} W`;
  const pace = batteryPctPerHour === null ? '' : ` (${batteryPctPerHour.toFixed(0)} points an hour)`;
  return `battery ${batteryPct.toFixed(0)} %${state}${watts}${pace}`;
}

function power({ powerMilliwatts, rails }: Sensors): string | null {
  if (powerMilliwatts !== null) return `board draws ${(powerMilliwatts / 1000).toFixed(1)} W`;
  return rails.length === 0 ? null : `${rails.length} rails, power unknown`;
}

function load({ cpuLoadPct, cpuPressurePct, gpuLoadPct, cpuClockMhz, cpuClockMhzMax }: Sensors): string | null {
  const clock =
    cpuClockMhz === null || cpuClockMhzMax === null
      ? null
      : `CPU at ${cpuClockMhz.toFixed(0)} of ${cpuClockMhzMax.toFixed(0)} MHz`;
  const parts = [
    cpuLoadPct === null ? null : `CPU load ${cpuLoadPct.toFixed(0)} %`,
    cpuPressurePct === null ? null : `CPU pressure ${cpuPressurePct.toFixed(0)} %`,
    clock,
    gpuLoadPct === null ? null : `GPU load ${gpuLoadPct.toFixed(0)} %`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(', ');
}

function memory({ memoryUsedBytes, memoryTotalBytes }: Sensors): string | null {
  if (memoryTotalBytes === null) return null;
  const used = memoryUsedBytes === null ? '?' : (memoryUsedBytes / BYTES_PER_GB).toFixed(1);
  return `memory ${used} of ${(memoryTotalBytes / BYTES_PER_GB).toFixed(1)} GB`;
}
