// How far each device's numbered messages are stored without a hole, per boot. Pure bookkeeping: the caller stores it.
// Safety: a device forgets everything up to the watermark, so it may only pass what is stored, refused, or lost for good.

export type Position = { readonly site: string; readonly device: string; readonly boot: string };

type Mark = {
  contiguous: number;
  /** Numbers above the hole. */
  ahead: Set<number>;
  /** Since when there is a hole and the device is heard; null without one. */
  holeSinceMs: number | null;
  heardAtMs: number;
};

/** Boots of devices kept in memory; the rest is read again from the database when it speaks. */
const MARKS_MAX = 50_000;
/** Numbers remembered above a hole; more than a device may have in flight by far. */
const AHEAD_MAX = 10_000;
/** A device that is there sends again every ten seconds. One that was silent (or a clock that jumped) has had no chance. */
const SILENT_MS_MAX = 25_000;

export class Watermarks {
  readonly #marks = new Map<string, Mark>();
  readonly #gapMs: number;

  constructor(gapMs: number) {
    this.#gapMs = gapMs;
  }

  has(position: Position): boolean {
    return this.#marks.has(keyOf(position));
  }

  /** From the database: the stored watermark and the numbers above it. */
  load(position: Position, contiguous: number, ahead: Iterable<number>): void {
    if (this.has(position)) return;
    this.#marks.set(keyOf(position), { contiguous, ahead: new Set(ahead), holeSinceMs: null, heardAtMs: 0 });
    const oldest = this.#marks.keys().next().value;
    if (this.#marks.size > MARKS_MAX && oldest !== undefined) this.#marks.delete(oldest);
  }

  /** This number is stored (or can never be): returns the watermark after it. */
  settle(position: Position, seq: number, nowMs: number): number {
    const key = keyOf(position);
    const mark = this.#marks.get(key) ?? { contiguous: 0, ahead: new Set(), holeSinceMs: null, heardAtMs: nowMs };
    this.#marks.delete(key); // to the end: the ones that speak are kept
    this.#marks.set(key, mark);
    if (seq > mark.contiguous && mark.ahead.size < AHEAD_MAX) mark.ahead.add(seq);
    absorb(mark);
    const wasSilent = nowMs - mark.heardAtMs > SILENT_MS_MAX;
    mark.heardAtMs = nowMs;
    if (mark.ahead.size === 0) mark.holeSinceMs = null;
    else if (wasSilent) mark.holeSinceMs = nowMs;
    else mark.holeSinceMs ??= nowMs;
    if (mark.holeSinceMs !== null && nowMs - mark.holeSinceMs >= this.#gapMs) skipHole(mark, nowMs);
    return mark.contiguous;
  }

  forget(position: Position): void {
    this.#marks.delete(keyOf(position));
  }
}

function absorb(mark: Mark): void {
  while (mark.ahead.delete(mark.contiguous + 1)) mark.contiguous += 1;
}

/** The device sends again what is not acknowledged within seconds: what stayed away while it was heard it no longer has. */
function skipHole(mark: Mark, nowMs: number): void {
  mark.contiguous = Math.min(...mark.ahead) - 1;
  absorb(mark);
  mark.holeSinceMs = mark.ahead.size === 0 ? null : nowMs;
}

function keyOf({ site, device, boot }: Position): string {
  return `${site}/${device}/${boot}`;
}
