// Temperature. Heat that begins while a release is on trial takes it off for a while: it may be its own, or that of the day,
// which the third time tells. Heat that was there before, or that a neighbour makes, takes it off without blame.
import { type Breach, limitsOf, seconds, suspending } from './limit-breach.ts';
import { wasBusySince } from './limit-machine.ts';
import type { CoreState } from './state.ts';

const TEMPERATURE_HYSTERESIS_C = 3;
/** So close to the point at which the kernel switches the machine off, whatever the ceiling says. */
const CRITICAL_MARGIN_C = 5;

/** Since when it is hot; asked at every tick. */
export function hotSince(state: CoreState, nowMs: number): number | null {
  const since = state.tracks.hotSinceMs;
  return excessC(state) > (since === null ? 0 : -TEMPERATURE_HYSTERESIS_C) ? (since ?? nowMs) : null;
}

export function judgeTemperature(state: CoreState, nowMs: number): Breach | null {
  const { temperatureCeilingC, temperatureForMs } = limitsOf(state);
  const { hotSinceMs: since, trialSinceMs } = state.tracks;
  if (temperatureCeilingC === null || since === null || nowMs - since < temperatureForMs) return null;
  // Heat that was there before the release is not its fault: isTooHot takes it off without blame.
  if (trialSinceMs === null || since < trialSinceMs) return null;
  return suspending('temperature', heatReason(state), !wasBusySince(state.tracks, since));
}

/** Above the ceiling for the dwell, and not since a release on trial came: no trial until it has cooled down. */
export function isTooHot(state: CoreState, nowMs: number): boolean {
  const { hotSinceMs: since, trialSinceMs } = state.tracks;
  if (since === null || limitsOf(state).temperatureCeilingC === null) return false;
  if (state.tooHot) return true;
  const isOwnHeat = trialSinceMs !== null && since >= trialSinceMs;
  return !isOwnHeat && nowMs - since >= limitsOf(state).temperatureForMs;
}

export function heatReason(state: CoreState): string {
  const { temperatureCeilingC, temperatureForMs } = limitsOf(state);
  const temperature = state.sensors?.temperatureC ?? null;
  const margin = state.sensors?.criticalMarginC ?? null;
  const forMs = seconds(temperatureForMs);
  const isCritical = temperature === null || temperatureCeilingC === null || temperature <= temperatureCeilingC;
  if (isCritical && margin !== null)
    return `${margin.toFixed(1)} °C below the critical trip point < ${CRITICAL_MARGIN_C} °C for ${forMs}`;
  return `${temperature?.toFixed(1) ?? 'unknown'} °C > ceiling ${temperatureCeilingC} °C for ${forMs}`;
}

/** Degrees above the nearer of ceiling and critical margin; null sensors are cold. */
function excessC(state: CoreState): number {
  const { temperatureCeilingC } = limitsOf(state);
  const temperature = state.sensors?.temperatureC ?? null;
  const margin = state.sensors?.criticalMarginC ?? null;
  if (temperatureCeilingC === null) return Number.NEGATIVE_INFINITY;
  const aboveCeiling = temperature === null ? Number.NEGATIVE_INFINITY : temperature - temperatureCeilingC;
  const nearCritical = margin === null ? Number.NEGATIVE_INFINITY : CRITICAL_MARGIN_C - margin;
  return Math.max(aboveCeiling, nearCritical);
}
