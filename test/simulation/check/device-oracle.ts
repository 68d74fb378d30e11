// What a device must know, worked out a second time from what it was told and what it said, without the code of the
// agent. It forgets what the device may forget: whatever had not been written when the power went.

import type { EventFields } from '../../../agent/core/effects.ts';
import type { CoreEvent } from '../../../agent/core/events.ts';
import type { Desired, KillEntry, Lease } from '../../../shared/protocol/documents.ts';

type Place = 'fleet' | 'site' | 'device' | 'local';
type Kills = {
  readonly epoch: number;
  /** Digests named; null: every candidate. */
  readonly digests: readonly (string | null)[];
};

/** Kept over a power cut once it has been written. */
export type Lasting = {
  readonly generation: number;
  /** Of the newest document taken: the same one again is taken after a start. */
  readonly documentDigest: string;
  readonly kills: ReadonlyMap<Place, Kills>;
  /** Digest → generation in force when it was set aside. */
  readonly quarantine: ReadonlyMap<string, number>;
  readonly committed: string;
  readonly previous: string | null;
};

export class DeviceOracle {
  readonly factory: string;
  /** As far as this life knows. */
  known: Lasting;
  /** Accepted in this life. */
  desired: Desired | null = null;
  /** Proven in this life and not ended since. */
  readonly proven = new Set<string>();
  readonly answered = new Set<string>();
  /** Since when (virtual time) nobody serves; null while somebody does. */
  idleSinceMs: number | null = null;
  /** Digest that is being proven → nothing has ended that proof yet. */
  readonly proving = new Set<string>();
  /** Proofs in a row that ended with the power. */
  readonly cutProofs = new Map<string, number>();
  /** Answers to frames, over all lives. */
  answers = 0;
  /** Hellos of this life that asked for a lease: when, by true time, and for what. */
  readonly hellos = new Map<number, { readonly atMs: number; readonly digest: string }>();
  /** Until when (true time) a release may answer, by its leases of this life. */
  readonly leasedUntilMs = new Map<string, number>();
  #written: Lasting;

  constructor(factory: string) {
    this.factory = factory;
    this.known = {
      generation: 0,
      documentDigest: '',
      kills: new Map(),
      quarantine: new Map(),
      committed: factory,
      previous: null,
    };
    this.#written = this.known;
  }

  onBoot(nowMs: number): void {
    this.known = this.#written;
    this.desired = null;
    this.proven.clear();
    this.answered.clear();
    this.idleSinceMs = nowMs;
    this.hellos.clear();
    this.leasedUntilMs.clear();
  }

  onPersisted(): void {
    this.#written = this.known;
  }

  onStopped(): void {
    for (const digest of this.proving) this.cutProofs.set(digest, (this.cutProofs.get(digest) ?? 0) + 1);
    this.proving.clear();
  }

  /** True when the device has to take this document. */
  takesDesired({ document, documentDigest }: Extract<CoreEvent, { kind: 'desired' }>): boolean {
    const { generation } = this.known;
    const isAgain = document.generation === generation && documentDigest === this.known.documentDigest;
    const isSame = isAgain && this.desired === null;
    if (document.generation <= generation && !isSame) return false;
    this.desired = document;
    const lifted = new Set(document.liftQuarantine.map(({ digest }) => digest));
    const kept = [...this.known.quarantine].filter(
      ([digest, since]) => !lifted.has(digest) || document.generation <= since,
    );
    this.known = { ...this.known, generation: document.generation, documentDigest, quarantine: new Map(kept) };
    for (const digest of lifted) this.cutProofs.delete(digest);
    return true;
  }

  takesKill(
    event: Extract<CoreEvent, { kind: 'kill' }>,
    self: { readonly site: string; readonly name: string },
  ): boolean {
    const before = this.known.kills.get(event.topic as Place);
    if (before && event.document.epoch <= before.epoch) return false;
    const digests = event.document.kills.filter((entry) => reaches(entry, self)).map(digestOf);
    this.#setKills(event.topic as Place, { epoch: event.document.epoch, digests });
    return true;
  }

  onLocalKill(present: boolean): void {
    this.#setKills('local', { epoch: 0, digests: present ? [null] : [] });
  }

  onQuarantined({ digest = '', generation = 0 }: EventFields): void {
    this.known = { ...this.known, quarantine: new Map(this.known.quarantine).set(digest, generation) };
    this.cutProofs.delete(digest);
  }

  /** A lease counts from the hello that it answers, in this life only. */
  onLease({ boot, nonce, digest, ttlMs }: Lease, ownBoot: string): void {
    const hello = this.hellos.get(nonce);
    if (boot !== ownBoot || hello?.digest !== digest) return;
    const termsMs = this.desired?.candidate?.lease?.ttlMs ?? ttlMs;
    const untilMs = hello.atMs + Math.min(ttlMs, termsMs);
    this.leasedUntilMs.set(digest, Math.max(untilMs, this.leasedUntilMs.get(digest) ?? 0));
  }

  onCommitted(digest: string): void {
    this.known = { ...this.known, committed: digest, previous: this.known.committed };
  }

  isOfChain(digest: string): boolean {
    return digest === this.factory || digest === this.known.committed || digest === this.known.previous;
  }

  isNamedByKill(digest: string): boolean {
    return [...this.known.kills.values()].some((kills) => kills.digests.includes(digest));
  }

  isEveryCandidateKilled(): boolean {
    return [...this.known.kills.values()].some((kills) => kills.digests.includes(null));
  }

  /** Why this release may not answer a frame; null when it may. */
  forbids(digest: string, nowMs: number): string | null {
    if (this.isNamedByKill(digest)) return 'a kill in force names it';
    if (this.known.quarantine.has(digest)) return 'it is quarantined on this device';
    if (this.isOfChain(digest)) return null;
    if (this.isEveryCandidateKilled()) return 'a kill in force stops every candidate';
    if (!this.proven.has(digest)) return 'it has not passed its proof since it was loaded';
    const { desired } = this;
    const isAsked =
      desired?.baseline.digest === digest ||
      (desired?.candidate?.digest === digest && desired.candidate.role === 'serve');
    if (!isAsked) return 'the newest desired document does not ask it to answer';
    return desired?.candidate?.digest === digest ? this.#lacksLease(digest, nowMs) : null;
  }

  #lacksLease(digest: string, nowMs: number): string | null {
    const terms = this.desired?.candidate?.lease ?? null;
    if (terms === null) return null;
    const untilMs = this.leasedUntilMs.get(digest);
    if (untilMs === undefined) return 'it has no lease in this boot';
    if (terms.onLapse === 'hold' || untilMs > nowMs) return null;
    return `its lease ran out ${Math.round(nowMs - untilMs)} ms ago`;
  }

  #setKills(place: Place, kills: Kills): void {
    this.known = { ...this.known, kills: new Map(this.known.kills).set(place, kills) };
  }
}

function reaches({ scope }: KillEntry, self: { readonly site: string; readonly name: string }): boolean {
  if (scope.kind === 'site') return scope.site === self.site;
  if (scope.kind === 'device') return scope.site === self.site && scope.device === self.name;
  return true;
}

function digestOf({ scope }: KillEntry): string | null {
  return scope.kind === 'release' || scope.kind === 'rollout' ? scope.digest : null;
}
