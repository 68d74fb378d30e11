// A small world around the reducer for tests: it carries out effects in memory and can be told what goes wrong.
// Time only moves when a test says so.

import type { Content } from '../../../agent/core/answer-content.ts';
import type { Effect, EventFields } from '../../../agent/core/effects.ts';
import type { CoreEvent } from '../../../agent/core/events.ts';
import { step } from '../../../agent/core/reduce.ts';
import {
  type CoreState,
  type DurableState,
  freshDurable,
  type KillTopic,
  openCore,
  type ProofRecord,
  type ReleaseRef,
} from '../../../agent/core/state.ts';
import type { Desired, KillDocument } from '../../../shared/protocol/documents.ts';
import { deviceLimitsSchema } from '../../../shared/protocol/limits.ts';

export const SITE = 'site-a';
export const DEVICE = 'device-1';
export const BOOT = 'boot-0001';

export function ref(name: string): ReleaseRef {
  const digest = [...name].map((char) => char.charCodeAt(0).toString(16)).join('');
  return { release: `cv-detector:1.0.${name.charCodeAt(0)}+data=b4f7a1`, digest: digest.padEnd(64, '0').slice(0, 64) };
}

export const FACTORY = ref('f');

export type CandidateOrder = { readonly name: string; readonly role: 'prove' | 'shadow' | 'serve' };

export function desired(
  generation: number,
  baseline: string,
  candidate: CandidateOrder | null = null,
  more: Partial<Desired> = {},
): Desired {
  return {
    v: 1,
    site: SITE,
    device: DEVICE,
    generation,
    issuedAtMs: 1,
    baseline: ref(baseline),
    candidate: candidate
      ? {
          ...ref(candidate.name),
          role: candidate.role,
          rolloutId: 'ro-1',
          stage: 'canary',
          sampleEvery: 2,
          lease: null,
          requireWarm: false,
        }
      : null,
    cohortId: 'ro-1/candidate',
    limits: deviceLimitsSchema.parse({ latencyForMs: 5_000, fpsForMs: 5_000 }),
    liftQuarantine: [],
    ...more,
  };
}

export function killDocument(epoch: number, kills: KillDocument['kills']): KillDocument {
  return { v: 1, epoch, issuedAtMs: 1, kills };
}

export function fleetKill(id = 'k-1'): KillDocument['kills'][number] {
  return { id, scope: { kind: 'fleet' }, reason: 'line stopped', actor: 'on-call', raisedAtMs: 1 };
}

export function releaseKill(name: string, id = `k-${name}`): KillDocument['kills'][number] {
  const { digest, release } = ref(name);
  return { id, scope: { kind: 'release', digest, release }, reason: 'false alarms', actor: 'on-call', raisedAtMs: 1 };
}

export function documentDigestOf(document: unknown): string {
  return JSON.stringify(document);
}

export class CoreWorld {
  state: CoreState;
  nowMs = 1000;
  /** Of the next boot. */
  boot = BOOT;
  /** What the slots hold: all that a reboot keeps. */
  disk: DurableState;
  events: EventFields[] = [];
  effects: Effect[] = [];
  requests = 0;
  /** Effects that wait for a result, by digest. */
  /** limits.memoryMb of every release; null: nobody says. */
  memoryMb: number | null = null;
  readonly open = new Map<string, 'fetch' | 'load' | 'prove' | 'score' | 'unload'>();

  constructor(durable: DurableState = freshDurable(FACTORY)) {
    this.disk = durable;
    this.state = this.#boot();
    this.send({ kind: 'booted', slots: 'whole' });
  }

  send(event: CoreEvent): readonly Effect[] {
    const { state, effects } = step(this.state, event, this.nowMs);
    this.state = state;
    this.effects = [...effects];
    for (const effect of effects) this.#carryOut(effect);
    return effects;
  }

  order(document: Desired): readonly Effect[] {
    return this.send({ kind: 'desired', document, documentDigest: documentDigestOf(document) });
  }

  kill(document: KillDocument, topic: Exclude<KillTopic, 'local'> = 'fleet'): readonly Effect[] {
    const documentDigest = documentDigestOf(document);
    return this.send({ kind: 'kill', topic, document, documentDigest, receivedAtMs: this.nowMs });
  }

  /** Gives one open step its result. */
  finish(digest: string, outcome: 'good' | 'bad' = 'good'): void {
    const what = this.open.get(digest);
    if (what === undefined) return;
    this.open.delete(digest);
    const isGood = outcome === 'good';
    if (what === 'fetch') this.#finishFetch(digest, isGood);
    if (what === 'load' && isGood) this.send({ kind: 'loaded', digest, provider: { asked: 'cpu', used: 'cpu' } });
    if (what === 'load' && !isGood) this.send({ kind: 'load-failed', digest, failure: 'fault', reason: 'no session' });
    if (what === 'unload') this.send({ kind: 'unloaded', digest });
    if (what === 'prove')
      this.send({ kind: 'proof', record: this.#record(digest, isGood), fault: isGood ? null : 'mismatch' });
    if (what === 'score') this.send({ kind: 'scored', digest, record: isGood ? this.#record(digest, true) : null });
  }

  /** Lets every open step succeed until nothing is open. */
  settle(): this {
    for (let round = 0; round < 50 && this.open.size > 0; round += 1) {
      for (const digest of [...this.open.keys()]) this.finish(digest);
    }
    return this;
  }

  /** One frame, answered by whom the serving rule names. */
  answer(latencyMs = 10, content?: Content): readonly Effect[] {
    this.send({ kind: 'offered' });
    const { ref: by, role } = this.state.serving;
    if (by === null) return [];
    this.requests += 1;
    const requestId = `r-${this.requests}`;
    const what = { digest: by.digest, role, latencyMs, serviceMs: latencyMs, requestId };
    return this.send({ kind: 'answered', ...what, ...(content === undefined ? {} : { content }) });
  }

  wait(ms: number): this {
    for (let left = ms; left > 0; left -= 1000) {
      this.nowMs += Math.min(1000, left);
      this.send({ kind: 'tick' });
    }
    return this;
  }

  /** Power off and on: only what is on disk stays. */
  reboot(): void {
    this.open.clear();
    this.nowMs += 10_000;
    this.state = this.#boot();
    this.send({ kind: 'booted', slots: 'whole' });
  }

  servingDigest(): string | null {
    return this.state.serving.ref?.digest ?? null;
  }

  kinds(): string[] {
    return this.events.map((event) => event.kind);
  }

  last(kind: EventFields['kind']): EventFields | undefined {
    return this.events.findLast((event) => event.kind === kind);
  }

  #boot(): CoreState {
    const from = {
      site: SITE,
      device: DEVICE,
      boot: this.boot,
      monotonicNowMs: this.nowMs,
      wallNowMs: 1_700_000_000_000,
    };
    return openCore({ ...from, durable: this.disk, proofs: [] });
  }

  /** Dated by the wall clock of this world, which runs with its monotonic one. */
  #record(digest: string, passed: boolean): ProofRecord {
    const { release } = ref('x');
    const atMs = Math.round(this.state.wallOffsetMs + this.nowMs);
    const figures = { atMs, frames: 8, loadMs: 5, coldStartMs: 9, scores: [] };
    return { digest, release, passed, reason: passed ? 'all met' : '3 of 8 met', ...figures };
  }

  #finishFetch(digest: string, isGood: boolean): void {
    const size = this.memoryMb === null ? {} : { memoryMb: this.memoryMb };
    if (isGood) this.send({ kind: 'installed', digest, ...size });
    else this.send({ kind: 'install-failed', digest, failure: 'download-failed', reason: '503', isFinal: false });
  }

  #carryOut(effect: Effect): void {
    if (effect.kind === 'persist') this.disk = structuredClone(effect.durable);
    if (effect.kind === 'emit') this.events.push(effect.event);
    if (effect.kind === 'fetch') this.open.set(effect.ref.digest, 'fetch');
    if (effect.kind === 'load') this.open.set(effect.ref.digest, 'load');
    if (effect.kind === 'prove') this.open.set(effect.ref.digest, 'prove');
    if (effect.kind === 'score' && !this.open.has(effect.ref.digest)) this.open.set(effect.ref.digest, 'score');
    if (effect.kind === 'unload') this.open.set(effect.digest, 'unload');
    if (effect.kind === 'cancel' && ['fetch', 'prove'].includes(this.open.get(effect.digest) ?? ''))
      this.open.delete(effect.digest);
  }
}
