// What the supervisor knows: durable facts (kept in the slots) and facts of this boot. Data only, no behaviour
// beyond making the first state. Everything here is immutable; the reducer makes new ones.

import type { Sensors } from '../../shared/measure/window.ts';
import type { Desired } from '../../shared/protocol/documents.ts';
import type { GoldenScore } from '../../shared/protocol/golden-score.ts';
import { type LeaseTrack, NO_LEASE } from './lease.ts';
import type { Suspension, TakeOvers } from './limit-state.ts';
import { EMPTY_LIMIT_TRACKS, type LimitTracks } from './limit-tracks.ts';
import { MEMORY_RESERVE_MB, type MemoryState, openMemory } from './memory-state.ts';
import type { RefusalShown } from './refusals.ts';
import type { Shadowing } from './shadowing.ts';

export type ReleaseRef = { readonly release: string; readonly digest: string };

/** The three kill topics of a device and the local kill file. */
export type KillTopic = 'fleet' | 'site' | 'device' | 'local';

/** One kill in force here. `digest` null: every candidate must stop. */
export type KeptKill = { readonly id: string; readonly reason: string; readonly digest: string | null };

export type TopicKills = {
  readonly topic: KillTopic;
  readonly epoch: number;
  /** SHA-256 of the canonical payload: equal epoch and equal digest is a redelivery. */
  readonly documentDigest: string;
  /** False until the acknowledgement of this epoch is in the spool; asked again after a reboot. */
  readonly acked: boolean;
  /** More kills than a device can keep: every candidate stops, the safe side. */
  readonly overflow: boolean;
  /** Wall clock when the newest of these kills was taken in. */
  readonly sinceMs: number;
  readonly entries: readonly KeptKill[];
};

export type QuarantineKind =
  | 'crash'
  | 'hang'
  | 'fault'
  | 'non-finite'
  | 'oom'
  | 'crash-loop'
  | 'proof-failed'
  | 'breach';

export type Quarantined = ReleaseRef & {
  readonly kind: QuarantineKind;
  readonly reason: string;
  readonly sinceMs: number;
  /** Generation in force when it was set aside; only a newer one may lift it. */
  readonly generation: number;
};

/** Starts counted on disk before a candidate is loaded, and its strikes; cleared after five healthy minutes. */
export type Attempt = { readonly digest: string; readonly starts: number; readonly strikes: number };

/** What must survive a power cut. Kept in the two 4 KB slots. */
export type DurableState = {
  readonly bootCount: number;
  readonly factory: ReleaseRef;
  readonly committed: ReleaseRef;
  readonly previous: ReleaseRef | null;
  readonly desired: { readonly generation: number; readonly documentDigest: string } | null;
  readonly kills: readonly TopicKills[];
  readonly quarantine: readonly Quarantined[];
  readonly attempts: readonly Attempt[];
};

export type BlockedKind =
  | 'download-failed'
  | 'wrong-digest'
  | 'bad-manifest'
  | 'load-failed'
  | 'proof-failed'
  | 'disk-full'
  | 'unknown-release'
  | 'not-warm';

export type ProofRecord = ReleaseRef & {
  readonly passed: boolean;
  readonly reason: string;
  readonly atMs: number;
  readonly frames: number;
  readonly loadMs: number;
  readonly coldStartMs: number;
  readonly coldStartsMs?: readonly number[] | undefined;
  readonly startsTried?: number | undefined;
  readonly scores: readonly GoldenScore[];
};

/** Why work on a release stands still. `retryAtMs` (monotonic) null: final until a newer generation. */
export type Hindrance = {
  readonly kind: BlockedKind;
  readonly reason: string;
  readonly sinceMs: number;
  readonly retryAtMs: number | null;
  readonly failures: number;
};

/** Execution provider that the manifest asked for first, and the one in use. */
export type Provider = { readonly asked: string; readonly used: string };

/** How a runner is treated by the system: a baseline keeps its place, a shadow gets what is left. */
export type Priority = 'baseline' | 'candidate' | 'shadow';

/** One release on this device: whether its files are here, whether a runner holds it, whether it is proven in this stay. */
export type Holding = {
  readonly ref: ReleaseRef;
  readonly files: 'unknown' | 'fetching' | 'installed';
  /** limits.memoryMb of its manifest; null: not known yet. */
  readonly memoryMb: number | null;
  readonly runner: 'none' | 'loading' | 'loaded' | 'ending';
  readonly proof: 'none' | 'proving' | 'passed';
  readonly hindrance: Hindrance | null;
  /** Monotonic times of recent ends of its runner while it was a baseline. */
  readonly deathsAtMs: readonly number[];
  /** As a baseline it is given up for this boot; monotonic time of that. */
  readonly failedAtMs: number | null;
  readonly provider: Provider | null;
  readonly loadedAtMs: number | null;
  readonly priority: Priority;
};

export type ServingKind = 'candidate' | 'trial-baseline' | 'baseline' | 'fallback' | 'none';

export type Serving = {
  readonly kind: ServingKind;
  readonly ref: ReleaseRef | null;
  /** As telemetry names it. */
  readonly role: 'baseline' | 'candidate';
  readonly shadow: Shadowing | null;
  readonly because: string;
};

export type PendingAck = {
  readonly topic: KillTopic;
  readonly epoch: number;
  readonly receivedAtMs: number;
  readonly wasServing: boolean;
  readonly reason: string;
};

export type PendingRevert = {
  readonly from: ReleaseRef;
  readonly reason: string;
  readonly decidedAtMs: number;
};

/** What answered the last frame, by answers and not by intention. */
export type Answering = { readonly ref: ReleaseRef; readonly frames: number; readonly role: 'baseline' | 'candidate' };

export type CoreState = {
  readonly site: string;
  readonly device: string;
  /** Drawn anew at every start: what answered an earlier one is worth nothing. */
  readonly boot: string;
  readonly startedAtMs: number;
  /** Wall clock minus monotonic clock, for dates in reports and the age of golden results; see clock.ts. */
  readonly wallOffsetMs: number;
  readonly durable: DurableState;
  /** Accepted in this boot; null before the first one: then only the baseline chain is known. */
  readonly desired: Desired | null;
  readonly holdings: ReadonlyMap<string, Holding>;
  readonly proofs: ReadonlyMap<string, ProofRecord>;
  readonly scoring: string | null;
  /** Monotonic time before which the baseline is not scored (again). */
  readonly scoreAfterMs: number;
  readonly serving: Serving;
  /** Generation under which `serving` was decided: a change under the same generation is the device's own doing. */
  readonly servingGeneration: number;
  /** The last thing that went wrong with a release on trial, for the revert's reason. */
  readonly lastTrouble: string | null;
  readonly answering: Answering | null;
  readonly pendingAcks: readonly PendingAck[];
  readonly pendingRevert: PendingRevert | null;
  readonly leases: LeaseTrack;
  readonly isLinkUp: boolean;
  readonly tracks: LimitTracks;
  readonly sensors: Sensors | null;
  readonly cameras: ReadonlyMap<string, CameraFacts>;
  readonly batteryLow: boolean;
  /** Hot without a release on trial to blame: none begins until it has cooled down. */
  readonly tooHot: boolean;
  /** Releases that were taken off without quarantine, by digest; those that may come back are kept for their count. */
  readonly suspensions: ReadonlyMap<string, Suspension>;
  /** Of the release on trial; null before its first. */
  readonly takeOvers: TakeOvers | null;
  readonly memory: MemoryState;
  /** Null while the slots can be written. */
  readonly diskFault: string | null;
  readonly refused: Readonly<Record<string, number>>;
  readonly lastRefusals: readonly RefusalShown[];
  readonly haltedAtMs: number | null;
  readonly stopping: boolean;
};

export type CameraFacts = {
  readonly lost: boolean;
  readonly healthy: boolean | null;
  readonly sinceMs: number;
  /** What is wrong with it, in words. */
  readonly why: string | null;
};

export type OpenCore = {
  readonly site: string;
  readonly device: string;
  readonly boot: string;
  readonly monotonicNowMs: number;
  readonly wallNowMs: number;
  readonly durable: DurableState;
  readonly proofs: readonly ProofRecord[];
  readonly memoryReserveBytes?: number;
};

/** Scoring the baseline waits for the line to run; a rollout in sight starts it at once. */
const SCORE_AFTER_BOOT_MS = 20_000;

/** A device that has never run: the factory release is its baseline. */
export function freshDurable(factory: ReleaseRef): DurableState {
  return {
    bootCount: 0,
    factory,
    committed: factory,
    previous: null,
    desired: null,
    kills: [],
    quarantine: [],
    attempts: [],
  };
}

/** The state at power-on: nothing loaded, nothing served, no desired document of this boot. */
export function openCore(from: OpenCore): CoreState {
  return {
    site: from.site,
    device: from.device,
    boot: from.boot,
    startedAtMs: from.monotonicNowMs,
    wallOffsetMs: from.wallNowMs - from.monotonicNowMs,
    durable: { ...from.durable, bootCount: from.durable.bootCount + 1 },
    desired: null,
    holdings: new Map(),
    proofs: new Map(from.proofs.map((proof) => [proof.digest, proof])),
    scoring: null,
    scoreAfterMs: from.monotonicNowMs + SCORE_AFTER_BOOT_MS,
    serving: { kind: 'none', ref: null, role: 'baseline', shadow: null, because: 'the agent is starting' },
    servingGeneration: 0,
    lastTrouble: null,
    answering: null,
    pendingAcks: [],
    pendingRevert: null,
    leases: NO_LEASE,
    isLinkUp: false,
    tracks: EMPTY_LIMIT_TRACKS,
    sensors: null,
    cameras: new Map(),
    batteryLow: false,
    tooHot: false,
    suspensions: new Map(),
    takeOvers: null,
    memory: openMemory(from.memoryReserveBytes ?? MEMORY_RESERVE_MB * 1024 * 1024),
    diskFault: null,
    refused: {},
    lastRefusals: [],
    haltedAtMs: null,
    stopping: false,
  };
}

export function wallAt(state: CoreState, monotonicMs: number): number {
  return Math.max(0, Math.round(state.wallOffsetMs + monotonicMs));
}

export function holdingOf(state: CoreState, ref: ReleaseRef): Holding {
  return state.holdings.get(ref.digest) ?? { ...ABSENT, ref: { release: ref.release, digest: ref.digest } };
}

export function withHolding(state: CoreState, holding: Holding): CoreState {
  return { ...state, holdings: new Map(state.holdings).set(holding.ref.digest, holding) };
}

const ABSENT = {
  files: 'unknown',
  memoryMb: null,
  runner: 'none',
  proof: 'none',
  hindrance: null,
  deathsAtMs: [],
  failedAtMs: null,
  provider: null,
  loadedAtMs: null,
  priority: 'baseline',
} as const;

/** Committed, previous or factory: releases this device has answered with before and may fall back to. */
export function isOfBaselineChain(durable: DurableState, digest: string): boolean {
  return [durable.committed.digest, durable.previous?.digest, durable.factory.digest].includes(digest);
}
