// What a release on trial answers: nothing where the baseline finds something, or alerts in masses. A dark picture, an
// empty belt and a real burst of defects look the same, so the baseline is asked about the very same frames before a
// release is blamed. Where it cannot be asked, the release only goes for a while.
import type { Content } from './answer-content.ts';
import { areCamerasBad, type Breach, limitsOf, minutes, seconds, setAside, suspending } from './limit-breach.ts';
import { type LimitTracks, type ReleaseTrack, type Suspicion, trackOf } from './limit-tracks.ts';
import { fallbackFor } from './serving.ts';
import type { CoreState, ReleaseRef } from './state.ts';

/** A release is suspected, and the baseline asked, after this share of the dwell. */
const SUSPECT_SHARE = 1 / 3;
const EMPTY_ANSWERS_MIN = 10;
/** What the baseline used to do is known from this many answers of its last ten minutes. */
const HABIT_ANSWERS_MIN = 50;
/** A baseline that finds something in fewer answers than this is used to nothing. */
const FOUND_SHARE_MIN = 0.01;
/** Below this many alerts per answer a baseline has none, and a multiple of none means nothing. */
const ALERTS_PER_ANSWER_MIN = 0.02;
const ALERT_HYSTERESIS = 0.8;
/** Opinions that are needed, and kept: the newest speak. */
const OPINIONS_MIN = 10;
const OPINIONS_MAX = 30;
/** Of the frames that the release found nothing in, the baseline must find something in this share. */
const SEEN_SHARE_MIN = 0.1;
/** Without an opinion: this many times the longest pause that the baseline has seen. */
const PAUSES = 3;

/** The baseline that shall look at frames which the release on trial answers; null: nothing is suspected. */
export function opinionWanted(state: CoreState): ReleaseRef | null {
  const { suspicion, trialDigest } = state.tracks;
  if (suspicion === null || trialDigest === null || state.serving.ref?.digest !== trialDigest) return null;
  return fallbackFor(state, trialDigest);
}

export function foldOpinion(tracks: LimitTracks, opinion: Content): LimitTracks {
  const { suspicion } = tracks;
  if (suspicion === null) return tracks;
  const opinions = [...suspicion.opinions, opinion].slice(-OPINIONS_MAX);
  return { ...tracks, suspicion: { ...suspicion, opinions } };
}

/** At every tick; `trial` null: nothing answers on trial. */
export function trackSuspicion(state: CoreState, trial: ReleaseRef | null, nowMs: number): Suspicion | null {
  if (trial === null) return null;
  const { suspicion } = state.tracks;
  const kept = (limit: Suspicion['limit']) => (suspicion?.limit === limit ? suspicion : null);
  if (isEmptySuspect(state, trial)) return kept('empty') ?? { limit: 'empty', sinceMs: nowMs, opinions: [] };
  if (isAlertSuspect(state, trial, kept('alerts') !== null, nowMs))
    return kept('alerts') ?? { limit: 'alerts', sinceMs: nowMs, opinions: [] };
  return null;
}

export function judgeContent(state: CoreState, trial: ReleaseRef, nowMs: number): Breach | null {
  const { suspicion } = state.tracks;
  if (suspicion === null || areCamerasBad(state, nowMs)) return null;
  return suspicion.limit === 'empty'
    ? judgeEmpty(state, trial, suspicion)
    : judgeAlerts(state, trial, suspicion, nowMs);
}

function judgeEmpty(state: CoreState, trial: ReleaseRef, suspicion: Suspicion): Breach | null {
  const { emptyForMs } = limitsOf(state);
  const own = trackOf(state.tracks, trial.digest);
  const lengthMs = emptyMs(own);
  if (emptyForMs === null || lengthMs < emptyForMs) return null;
  const observed = `nothing found in ${own.emptyAnswers} answers for ${seconds(lengthMs)} > limit ${seconds(emptyForMs)}`;
  if (opinionWanted(state) === null) {
    const { longestPauseMs } = baselineTrack(state);
    if (lengthMs < PAUSES * longestPauseMs) return null;
    const because = `the baseline, which is not loaded, found something in ${percent(foundShare(baselineTrack(state)))} of its answers`;
    return suspending('empty', `${observed}; ${because}`);
  }
  const { opinions } = suspicion;
  const seen = opinions.filter((opinion) => opinion.objects > 0).length;
  const needed = Math.max(SEEN_SHARE_MIN, foundShare(baselineTrack(state)) / 2) * opinions.length;
  if (opinions.length < OPINIONS_MIN || seen < needed) return null;
  return setAside(
    'empty',
    `${observed}; in ${opinions.length} of these frames the baseline found something ${seen} times`,
  );
}

function judgeAlerts(state: CoreState, trial: ReleaseRef, suspicion: Suspicion, nowMs: number): Breach | null {
  const { alertRatio, alertForMs, alertsMin } = limitsOf(state);
  if (alertRatio === null || nowMs - suspicion.sinceMs < alertForMs * (1 - SUSPECT_SHARE)) return null;
  const own = countsOf(trackOf(state.tracks, trial.digest), nowMs - alertForMs);
  if (own.alerts < alertsMin) return null;
  const habit = alertHabit(state);
  const perMinute = (share: number) => ((share * own.answers * 60_000) / alertForMs).toFixed(1);
  const observed = `${perMinute(own.alerts / own.answers)} alerts per minute > ${alertRatio} × ${perMinute(habit)} per minute of the own baseline for ${minutes(alertForMs)}`;
  if (opinionWanted(state) === null)
    return suspending('alerts', `${observed}; the baseline is not loaded to look at the same frames`);
  const { opinions } = suspicion;
  if (opinions.length < OPINIONS_MIN) return null;
  const seen = opinions.reduce((sum, opinion) => sum + opinion.alerts, 0);
  // As many alerts from the baseline in the same frames: the parts are bad, not the release.
  if (own.alerts / own.answers <= alertRatio * Math.max(seen / opinions.length, habit)) return null;
  return setAside('alerts', `${observed}; in ${opinions.length} of these frames the baseline raised ${seen}`);
}

/** Until its last answer: while no frames come, nobody finds anything. */
function emptyMs({ emptySinceMs, answeredAtMs }: ReleaseTrack): number {
  return emptySinceMs === null || answeredAtMs === null ? 0 : answeredAtMs - emptySinceMs;
}

function isEmptySuspect(state: CoreState, trial: ReleaseRef): boolean {
  const { emptyForMs } = limitsOf(state);
  const own = trackOf(state.tracks, trial.digest);
  if (emptyForMs === null || own.emptyAnswers < EMPTY_ANSWERS_MIN) return false;
  return emptyMs(own) >= emptyForMs * SUSPECT_SHARE && foundShare(baselineTrack(state)) >= FOUND_SHARE_MIN;
}

/** Judged by the last third of the dwell: a peak must not count twice, once in the rate and once in the dwell. */
function isAlertSuspect(state: CoreState, trial: ReleaseRef, wasSuspect: boolean, nowMs: number): boolean {
  const { alertRatio, alertForMs } = limitsOf(state);
  if (alertRatio === null || totals(baselineTrack(state)).answers < HABIT_ANSWERS_MIN) return false;
  const own = countsOf(trackOf(state.tracks, trial.digest), nowMs - alertForMs * SUSPECT_SHARE);
  if (own.answers === 0) return wasSuspect;
  return own.alerts / own.answers > alertRatio * alertHabit(state) * (wasSuspect ? ALERT_HYSTERESIS : 1);
}

/** Alerts per answer that this device is used to. */
function alertHabit(state: CoreState): number {
  const { alerts, answers } = totals(baselineTrack(state));
  return Math.max(ALERTS_PER_ANSWER_MIN, answers === 0 ? 0 : alerts / answers);
}

/** 0 while too little is known. */
function foundShare(track: ReleaseTrack): number {
  const { answers, empties } = totals(track);
  return answers < HABIT_ANSWERS_MIN ? 0 : (answers - empties) / answers;
}

function baselineTrack(state: CoreState): ReleaseTrack {
  return trackOf(state.tracks, state.durable.committed.digest);
}

function totals(track: ReleaseTrack) {
  return countsOf(track, Number.NEGATIVE_INFINITY);
}

function countsOf(track: ReleaseTrack, fromMs: number) {
  const within = track.contents.filter((bucket) => bucket.atMs >= fromMs);
  const sum = (what: 'answers' | 'empties' | 'alerts') => within.reduce((total, bucket) => total + bucket[what], 0);
  return { answers: sum('answers'), empties: sum('empties'), alerts: sum('alerts') };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
