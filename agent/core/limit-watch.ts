// Watches the release on trial: what the sensors, the machine and every tick say becomes levels, and a broken level takes
// the release off. Only a release on trial is ever taken off here; a baseline is judged by its faults alone.
import type { Sensors } from '../../shared/measure/window.ts';
import { clearAttempts, HEALTHY_AFTER_MS } from './attempts.ts';
import { batteryReason, isBatteryLow, lowSince, trackDrain } from './limit-battery.ts';
import { foldMemory } from './limit-growth.ts';
import { heatReason, isTooHot } from './limit-heat.ts';
import { foldOthers, foldWaiting, isBusy } from './limit-machine.ts';
import { expireSuspensions, suspend } from './limit-suspension.ts';
import { judgeLevels, type Trial, trackLevels } from './limits.ts';
import type { MachineUse } from './memory-state.ts';
import { watchMemory } from './memory-steps.ts';
import type { CoreState } from './state.ts';
import { breachTrial, isOnTrial } from './trouble.ts';
import { type Turn, turn } from './turn.ts';

/** The release on trial that answers or shadows now; null: only a baseline does. */
export function trialOf(state: CoreState): Trial | null {
  const { shadow, ref } = state.serving;
  const active = shadow?.ref ?? ref;
  return active !== null && isOnTrial(state, active.digest) ? { ref: active, isShadow: shadow !== null } : null;
}

export function onSensors(state: CoreState, sensors: Sensors, nowMs: number): Turn {
  const trial = trialOf(state);
  const when = { isTrial: trial !== null, isHeld: isBusy(state.tracks, nowMs) };
  const lowSinceMs = lowSince(state, sensors, nowMs);
  const drain = { ...trackDrain(state.tracks.drain, sensors, when, nowMs), lowSinceMs };
  const batteryLow = isBatteryLow(state, lowSinceMs, nowMs);
  const memory = { ...state.memory, readAtMs: nowMs };
  const known: CoreState = { ...state, sensors, batteryLow, memory, tracks: { ...state.tracks, drain } };
  if (trial === null || !batteryLow || state.batteryLow) return turn(known);
  const cause = { limit: 'battery' as const, reason: batteryReason(known), isBlamed: false, isTold: true };
  return suspend(known, trial.ref, cause, nowMs);
}

export function onMachineUse(state: CoreState, use: MachineUse, nowMs: number): Turn {
  const waiting = foldWaiting(state.tracks, use.waitingPct, nowMs);
  const others = foldOthers(waiting, use.othersCpuPct, state.sensors, nowMs);
  const { trialDigest } = state.tracks;
  const bytes = trialDigest === null ? null : (use.memoryBytes.get(trialDigest) ?? null);
  return turn({ ...state, tracks: foldMemory(others, bytes, nowMs) });
}

/** One tick: levels up to date, cool-downs that are over, and whatever the release on trial has broken. */
export function watchLimits(before: CoreState, nowMs: number): Turn {
  const state = expireSuspensions(before, nowMs);
  const trial = trialOf(state);
  const tracked: CoreState = { ...state, tracks: trackLevels(state, trial, nowMs) };
  const levelled: CoreState = { ...tracked, tooHot: isTooHot(tracked, nowMs) };
  if (trial === null) return watchMemory(levelled, null, nowMs);
  if (levelled.tooHot) {
    const reason = `the box was too hot already: ${heatReason(levelled)}`;
    return suspend(levelled, trial.ref, { limit: 'temperature', reason, isBlamed: false, isTold: false }, nowMs);
  }
  const breach = judgeLevels(levelled, trial, nowMs);
  if (breach !== null) return breachTrial(levelled, trial.ref, breach, nowMs);
  const loadedAtMs = state.holdings.get(trial.ref.digest)?.loadedAtMs ?? nowMs;
  const isHealthy = nowMs - loadedAtMs >= HEALTHY_AFTER_MS;
  return watchMemory(isHealthy ? clearAttempts(levelled, trial.ref.digest) : levelled, trial, nowMs);
}
