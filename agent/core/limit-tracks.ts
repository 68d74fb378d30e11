// Rolling evidence for the local limits: recent answer times and contents per release, misses, streaks, and since when a
// level is exceeded. Folding only; the limit-*.ts files judge.
import type { Content } from './answer-content.ts';
import { type MachineTrack, QUIET_MACHINE } from './machine-track.ts';

/** Samples kept per release: enough for a p99, cheap to sort. */
const SAMPLES_MAX = 256;
const MISSES_MAX = 64;
/** One-second buckets kept, an upper bound on every dwell. */
const BUCKETS_MAX = 600;
/** Contents are counted over this long; kept for ten minutes of answers. */
export const CONTENT_BUCKET_MS = 5_000;
const CONTENT_BUCKETS_MAX = 120;
/** Without an answer for this long, a row of empty ones has ended. */
const AWAY_AFTER_MS = 60_000;

export type Sample = { readonly atMs: number; readonly ms: number };
/** Frames offered by the cameras and answered by the serving release in one second. */
export type SecondBucket = { readonly second: number; readonly offered: number; readonly answered: number };
export type FrameRate = { readonly offered: number; readonly answered: number };
/** Answers since `atMs`, those that found nothing, and the objects in them that alert. */
export type ContentBucket = {
  readonly atMs: number;
  readonly answers: number;
  readonly empties: number;
  readonly alerts: number;
};

export type ReleaseTrack = {
  /** Sent to the runner → answer, for deadlines; late answers included, so that the deadline follows the machine. */
  readonly service: readonly number[];
  /** Captured → answered, for the latency limit. */
  readonly latency: readonly Sample[];
  readonly missesAtMs: readonly number[];
  readonly streak: number;
  readonly streakKind: 'non-finite' | 'fault';
  readonly answered: number;
  readonly firstAnswerAtMs: number | null;
  readonly answeredAtMs: number | null;
  readonly contents: readonly ContentBucket[];
  /** Since when it has found nothing, in how many answers; null: its last answer held something. */
  readonly emptySinceMs: number | null;
  readonly emptyAnswers: number;
  /** The longest it has found nothing and then something again: ordinary pauses of the line. */
  readonly longestPauseMs: number;
};

/** One look of the baseline at a frame that the release on trial has answered too. */
export type Opinion = Content;

/** The release on trial answers strangely: since when, and what the baseline says about the same frames. */
export type Suspicion = {
  readonly limit: 'empty' | 'alerts';
  readonly sinceMs: number;
  readonly opinions: readonly Opinion[];
};

/** Points of charge that were drawn in so many milliseconds without a charger; `isStepped`: read off whole points. */
export type DrainSpan = { readonly ms: number; readonly points: number; readonly isStepped: boolean };
export type DrainTrack = {
  readonly alone: DrainSpan | null;
  readonly trial: DrainSpan | null;
  readonly lastPct: number | null;
  readonly lastAtMs: number | null;
  /** Since when (monotonic) the battery is below its floor. */
  readonly lowSinceMs: number | null;
};

export type MemorySample = { readonly atMs: number; readonly bytes: number };

export type LimitTracks = {
  readonly releases: ReadonlyMap<string, ReleaseTrack>;
  readonly buckets: readonly SecondBucket[];
  /** Since when (monotonic) a level is exceeded; null: it is not. */
  readonly latencyAboveSinceMs: number | null;
  readonly hotSinceMs: number | null;
  /** Which release is on trial, and since when. */
  readonly trialDigest: string | null;
  readonly trialSinceMs: number | null;
  /** When slowness was last not held against the release on trial: its dwell begins after that. */
  readonly paceHeldAtMs: number | null;
  /** Frames per second while the baseline answered last, over the dwell of the frame rate. */
  readonly baselineRate: FrameRate | null;
  /** When a release on trial was last seen to answer. */
  readonly trialServedAtMs: number | null;
  readonly suspicion: Suspicion | null;
  readonly machine: MachineTrack;
  readonly drain: DrainTrack;
  /** Private memory of the runners of the release on trial, since they were loaded. */
  readonly memory: readonly MemorySample[];
  /** When a camera has last gone bad or come back; after that it is left alone for as long as it stays so. */
  readonly camerasChangedAtMs: number | null;
  /** Monotonic time of the last event, and of the end of the last gap between two of them. */
  readonly pulseMs: number | null;
  readonly resumedAtMs: number | null;
};

export const EMPTY_LIMIT_TRACKS: LimitTracks = {
  releases: new Map(),
  buckets: [],
  latencyAboveSinceMs: null,
  hotSinceMs: null,
  trialDigest: null,
  trialSinceMs: null,
  paceHeldAtMs: null,
  baselineRate: null,
  trialServedAtMs: null,
  suspicion: null,
  machine: QUIET_MACHINE,
  drain: { alone: null, trial: null, lastPct: null, lastAtMs: null, lowSinceMs: null },
  memory: [],
  camerasChangedAtMs: null,
  pulseMs: null,
  resumedAtMs: null,
};

const EMPTY_TRACK: ReleaseTrack = {
  service: [],
  latency: [],
  missesAtMs: [],
  streak: 0,
  streakKind: 'fault',
  answered: 0,
  firstAnswerAtMs: null,
  answeredAtMs: null,
  contents: [],
  emptySinceMs: null,
  emptyAnswers: 0,
  longestPauseMs: 0,
};

export function trackOf(tracks: LimitTracks, digest: string): ReleaseTrack {
  return tracks.releases.get(digest) ?? EMPTY_TRACK;
}

/** A frame was offered by a camera. */
export function foldOffered(tracks: LimitTracks, nowMs: number): LimitTracks {
  return { ...tracks, buckets: count(tracks.buckets, nowMs, 'offered') };
}

export type AnsweredFact = {
  readonly digest: string;
  readonly nowMs: number;
  readonly latencyMs: number;
  readonly serviceMs: number;
  readonly isServing: boolean;
  /** A load or a golden run takes the machine from the live frames: how long this answer took says nothing. */
  readonly isDisturbed?: boolean;
  /** Left out by who does not know: then the limits on contents stay silent. */
  readonly content?: Content | undefined;
};

export function foldAnswered(tracks: LimitTracks, fact: AnsweredFact): LimitTracks {
  const track = trackOf(tracks, fact.digest);
  const firstAnswerAtMs = track.firstAnswerAtMs ?? fact.nowMs;
  const next: ReleaseTrack = {
    ...(fact.content === undefined ? track : withContent(track, fact.content, fact.nowMs)),
    service: push(track.service, fact.serviceMs, SAMPLES_MAX),
    latency: fact.isDisturbed === true ? track.latency : push(track.latency, latencyOf(fact), SAMPLES_MAX),
    streak: 0,
    answered: track.answered + 1,
    firstAnswerAtMs,
    answeredAtMs: fact.nowMs,
  };
  const buckets = fact.isServing ? count(tracks.buckets, fact.nowMs, 'answered') : tracks.buckets;
  return { ...withTrack(tracks, fact.digest, next), buckets };
}

function latencyOf({ nowMs, latencyMs }: AnsweredFact): Sample {
  return { atMs: nowMs, ms: latencyMs };
}

/** An answer that came after its deadline: no answer any more, but evidence of how long the machine takes. */
export function foldLate(tracks: LimitTracks, digest: string, serviceMs: number): LimitTracks {
  const track = trackOf(tracks, digest);
  return withTrack(tracks, digest, { ...track, service: push(track.service, serviceMs, SAMPLES_MAX) });
}

export function foldMiss(tracks: LimitTracks, digest: string, nowMs: number): LimitTracks {
  const track = trackOf(tracks, digest);
  return withTrack(tracks, digest, { ...track, missesAtMs: push(track.missesAtMs, nowMs, MISSES_MAX) });
}

export function foldFault(tracks: LimitTracks, digest: string, kind: 'non-finite' | 'fault'): LimitTracks {
  const track = trackOf(tracks, digest);
  return withTrack(tracks, digest, { ...track, streak: track.streak + 1, streakKind: kind });
}

/** Forgets misses and streaks of a release: after a reload it starts anew; its times and what it used to find stay. */
export function forgiveTrack(tracks: LimitTracks, digest: string): LimitTracks {
  const track = tracks.releases.get(digest);
  if (!track) return tracks;
  const { service, contents, longestPauseMs } = track;
  return withTrack(tracks, digest, { ...EMPTY_TRACK, service, contents, longestPauseMs });
}

/** Begins every dwell anew: what happened before a gap in time says nothing about what happens now. */
export function restartDwells(tracks: LimitTracks, nowMs: number): LimitTracks {
  const { machine } = tracks;
  const releases = [...tracks.releases].map(([digest, track]) => {
    return [digest, { ...track, missesAtMs: [], streak: 0, emptySinceMs: null, emptyAnswers: 0 }] as const;
  });
  return {
    ...tracks,
    releases: new Map(releases),
    buckets: [],
    latencyAboveSinceMs: null,
    // What was there before the release on trial came is still not its doing.
    hotSinceMs: isBefore(tracks.hotSinceMs, tracks.trialSinceMs) ? tracks.hotSinceMs : null,
    paceHeldAtMs: nowMs,
    suspicion: null,
    machine: {
      ...machine,
      waiting: new Map(),
      busyUntilMs: null,
      throttledSinceMs: null,
      throttledAloneAtMs: isBefore(machine.throttledSinceMs, tracks.trialSinceMs)
        ? tracks.trialSinceMs
        : machine.throttledAloneAtMs,
    },
    drain: { ...tracks.drain, trial: null, lastPct: null, lastAtMs: null, lowSinceMs: null },
    memory: [],
  };
}

function isBefore(sinceMs: number | null, trialSinceMs: number | null): boolean {
  return sinceMs !== null && trialSinceMs !== null && sinceMs < trialSinceMs;
}

/** The q-quantile of `values` (nearest rank); null without values. */
export function quantileOf(values: readonly number[], q: number): number | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? null;
}

function withTrack(tracks: LimitTracks, digest: string, track: ReleaseTrack): LimitTracks {
  return { ...tracks, releases: new Map(tracks.releases).set(digest, track) };
}

function withContent(track: ReleaseTrack, content: Content, nowMs: number): ReleaseTrack {
  const contents = countContent(track.contents, content, nowMs);
  // Who was not asked for a while has not found nothing all the time.
  const wasAway = track.answeredAtMs !== null && nowMs - track.answeredAtMs > AWAY_AFTER_MS;
  const sinceMs = wasAway ? null : track.emptySinceMs;
  if (content.objects > 0) {
    const pauseMs = sinceMs === null ? 0 : nowMs - sinceMs;
    const longestPauseMs = Math.max(track.longestPauseMs, pauseMs);
    return { ...track, contents, emptySinceMs: null, emptyAnswers: 0, longestPauseMs };
  }
  return {
    ...track,
    contents,
    emptySinceMs: sinceMs ?? nowMs,
    emptyAnswers: (sinceMs === null ? 0 : track.emptyAnswers) + 1,
  };
}

function countContent(buckets: readonly ContentBucket[], content: Content, nowMs: number): readonly ContentBucket[] {
  const atMs = nowMs - (nowMs % CONTENT_BUCKET_MS);
  const last = buckets.at(-1);
  const before = last?.atMs === atMs ? last : { atMs, answers: 0, empties: 0, alerts: 0 };
  const bucket = {
    atMs,
    answers: before.answers + 1,
    empties: before.empties + (content.objects === 0 ? 1 : 0),
    alerts: before.alerts + content.alerts,
  };
  return last?.atMs === atMs ? [...buckets.slice(0, -1), bucket] : push(buckets, bucket, CONTENT_BUCKETS_MAX);
}

function push<T>(items: readonly T[], item: T, max: number): readonly T[] {
  return items.length < max ? [...items, item] : [...items.slice(items.length - max + 1), item];
}

function count(buckets: readonly SecondBucket[], nowMs: number, what: 'offered' | 'answered'): readonly SecondBucket[] {
  const second = Math.floor(nowMs / 1000);
  const last = buckets.at(-1);
  if (last?.second === second) return [...buckets.slice(0, -1), { ...last, [what]: last[what] + 1 }];
  return push(buckets, { second, offered: 0, answered: 0, [what]: 1 }, BUCKETS_MAX);
}
