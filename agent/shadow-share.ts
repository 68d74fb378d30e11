// Which frames a shadow is offered: every n-th, and no more than the share of time that its rollout allows. What is left out for the
// cap is not offered, as little as what is left out for the sampling.
import type { Shadowing } from './core/shadowing.ts';

/** Saved time does not pile up: a burst after a quiet hour would slow the baseline just the same. */
const SAVED_MS_MAX = 1000;

export class ShadowShare {
  #frames = 0;
  #leftMs = SAVED_MS_MAX;
  #atMs: number | null = null;

  /** Asked for every frame. */
  wants({ sampleEvery, maxExtraLoadPct = null }: Shadowing, nowMs: number): boolean {
    this.#frames += 1;
    const earnedMs = ((nowMs - (this.#atMs ?? nowMs)) * (maxExtraLoadPct ?? 100)) / 100;
    this.#leftMs = Math.min(SAVED_MS_MAX, this.#leftMs + earnedMs);
    this.#atMs = nowMs;
    return this.#frames % sampleEvery === 0 && (maxExtraLoadPct === null || this.#leftMs > 0);
  }

  ran(runMs: number): void {
    this.#leftMs -= runMs;
  }
}
