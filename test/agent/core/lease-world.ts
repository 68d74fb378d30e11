// A core world whose candidate needs a lease, and a control plane beside it that answers hellos when a test says so.
import type { Effect } from '../../../agent/core/effects.ts';
import { decideServing } from '../../../agent/core/serving.ts';
import { freshDurable } from '../../../agent/core/state.ts';
import type { Desired, Lease, LeaseTerms } from '../../../shared/protocol/documents.ts';
import { CoreWorld, DEVICE, desired, FACTORY, ref, SITE } from './core-world.ts';

export const TTL_MS = 60_000;
export const CANDIDATE = ref('c').digest;
export const BASELINE = ref('b').digest;

/** A hello that left the device, and when. */
export type SaidHello = {
  readonly boot: string;
  readonly nonce: number;
  readonly digest: string;
  readonly atMs: number;
};

/** Desired: b as the baseline, c to serve under a lease. */
export function leasedOrder(generation: number, terms: Partial<LeaseTerms> = {}, candidate = 'c'): Desired {
  const document = desired(generation, 'b', { name: candidate, role: 'serve' });
  const lease = { ttlMs: TTL_MS, onLapse: 'revert' as const, ...terms };
  return { ...document, candidate: document.candidate && { ...document.candidate, lease } };
}

export class LeaseWorld {
  readonly core = new CoreWorld({ ...freshDurable(FACTORY), committed: ref('b'), previous: FACTORY });
  readonly hellos: SaidHello[] = [];

  /** Everything loaded, proven and asked for; nothing granted yet. */
  ready(terms: Partial<LeaseTerms> = {}): this {
    this.link(true);
    this.take(this.core.order(leasedOrder(1, terms)));
    return this.settle();
  }

  /** Lets every open step succeed, and notes what is said meanwhile. */
  settle(): this {
    for (let round = 0; round < 50 && this.core.open.size > 0; round += 1)
      for (const digest of [...this.core.open.keys()]) {
        this.core.finish(digest);
        this.take(this.core.effects);
      }
    return this;
  }

  take(effects: readonly Effect[]): void {
    const { boot } = this.core.state;
    for (const effect of effects)
      if (effect.kind === 'hello' && effect.lease !== null)
        this.hellos.push({ boot, ...effect.lease, atMs: this.core.nowMs });
  }

  link(isUp: boolean): void {
    this.take(this.core.send({ kind: 'link', isUp }));
  }

  answer(hello: SaidHello, more: Partial<Lease> = {}): void {
    const { boot, nonce, digest } = hello;
    const place = { site: SITE, device: DEVICE, generation: 1 };
    const document: Lease = { v: 1, ...place, boot, nonce, digest, ttlMs: TTL_MS, issuedAtMs: 1, ...more };
    this.take(this.core.send({ kind: 'lease', document }));
  }

  answerNewest(more: Partial<Lease> = {}): void {
    const newest = this.hellos.at(-1);
    if (newest === undefined) throw new Error('nobody has asked');
    this.answer(newest, more);
  }

  /** Time passes; ticks only when the process is awake. */
  wait(ms: number, { awake = true } = {}): this {
    if (!awake) {
      this.core.nowMs += ms;
      return this;
    }
    for (let left = ms; left > 0; left -= 1000) {
      this.core.nowMs += Math.min(1000, left);
      this.take(this.core.send({ kind: 'tick' }));
    }
    return this;
  }

  /** Who answers a frame that comes now. */
  frame(): string | null {
    this.take(this.core.send({ kind: 'offered' }));
    return decideServing(this.core.state, this.core.nowMs).ref?.digest ?? null;
  }

  standing(): string {
    return this.core
      .kinds()
      .filter((kind) => kind.startsWith('lease-'))
      .join(' ');
  }
}
