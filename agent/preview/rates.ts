// Frames per second and latencies of the last seconds, for people who look. Cheap enough to run always. Pure.

export type Rates = { readonly fps: number; readonly latencyMsP50: number; readonly latencyMsP95: number };

type Answered = { readonly atMs: number; readonly latencyMs: number };

const KEPT = 512;
const SPAN_MS = 10_000;

export class RecentAnswers {
  readonly #ring: Answered[] = [];
  #next = 0;

  add(answered: Answered): void {
    this.#ring[this.#next] = answered;
    this.#next = (this.#next + 1) % KEPT;
  }

  /** Null: fewer than two answers in the last ten seconds. */
  rates(nowMs: number): Rates | null {
    const recent = this.#ring.filter(({ atMs }) => nowMs - atMs <= SPAN_MS);
    if (recent.length < 2) return null;
    const times = recent.map(({ atMs }) => atMs);
    const [first, last] = [Math.min(...times), Math.max(...times)];
    // One that has just stopped must not go on at its old rate.
    const quietMs = Math.max(0, nowMs - last - (last - first) / (recent.length - 1));
    const latencies = recent.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
    return {
      fps: ((recent.length - 1) * 1000) / Math.max(1, last - first + quietMs),
      latencyMsP50: quantile(latencies, 0.5),
      latencyMsP95: quantile(latencies, 0.95),
    };
  }
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
