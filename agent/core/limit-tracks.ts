// Rolling evidence for the local limits: recent answer times per release, misses, streaks, and since when a limit is
// exceeded. Folding only; core/limits.ts judges.

/** Samples kept per release: enough for a p99, cheap to sort. */
const SAMPLES_MAX = 256;
const MISSES_MAX = 64;
/** One-second buckets kept, an upper bound on every dwell. */
const BUCKETS_MAX = 600;

export type Sample = { readonly atMs: number; readonly ms: number };
/** Frames offered by the cameras and answered by the serving release in one second. */
export type SecondBucket = { readonly second: number; readonly offered: number; readonly answered: number };

export type ReleaseTrack = {
  /** Sent to the runner → answer, for deadlines; late answers included, so that the deadline follows the machine. */
  readonly service: readonly number[];
  /** Captured → answered, for the latency limit. */
  readonly latency: readonly Sample[];
  readonly missesAtMs: readonly number[];
  readonly streak: number;
  readonly streakKind: 'non-finite' | 'fault';
  readonly answered: number;
};

export type LimitTracks = {
  readonly releases: ReadonlyMap<string, ReleaseTrack>;
  readonly buckets: readonly SecondBucket[];
  /** Since when (monotonic) a level is exceeded; null: it is not. */
  readonly latencyAboveSinceMs: number | null;
  readonly hotSinceMs: number | null;
  /** Since when the present release is on trial. */
  readonly trialSinceMs: number | null;
};

export const EMPTY_LIMIT_TRACKS: LimitTracks = {
  releases: new Map(),
  buckets: [],
  latencyAboveSinceMs: null,
  hotSinceMs: null,
  trialSinceMs: null,
};

const EMPTY_TRACK: ReleaseTrack = {
  service: [],
  latency: [],
  missesAtMs: [],
  streak: 0,
  streakKind: 'fault',
  answered: 0,
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
};

export function foldAnswered(tracks: LimitTracks, fact: AnsweredFact): LimitTracks {
  const track = trackOf(tracks, fact.digest);
  const next: ReleaseTrack = {
    ...track,
    service: push(track.service, fact.serviceMs, SAMPLES_MAX),
    latency: push(track.latency, { atMs: fact.nowMs, ms: fact.latencyMs }, SAMPLES_MAX),
    streak: 0,
    answered: track.answered + 1,
  };
  const buckets = fact.isServing ? count(tracks.buckets, fact.nowMs, 'answered') : tracks.buckets;
  return { ...withTrack(tracks, fact.digest, next), buckets };
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

/** Forgets misses and streaks of a release: after a reload it starts anew; its times stay. */
export function forgiveTrack(tracks: LimitTracks, digest: string): LimitTracks {
  const track = tracks.releases.get(digest);
  if (!track) return tracks;
  return withTrack(tracks, digest, { ...track, missesAtMs: [], streak: 0, latency: [], answered: 0 });
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

function push<T>(items: readonly T[], item: T, max: number): readonly T[] {
  return items.length < max ? [...items, item] : [...items.slice(items.length - max + 1), item];
}

function count(buckets: readonly SecondBucket[], nowMs: number, what: 'offered' | 'answered'): readonly SecondBucket[] {
  const second = Math.floor(nowMs / 1000);
  const last = buckets.at(-1);
  if (last?.second === second) return [...buckets.slice(0, -1), { ...last, [what]: last[what] + 1 }];
  return push(buckets, { second, offered: 0, answered: 0, [what]: 1 }, BUCKETS_MAX);
}
