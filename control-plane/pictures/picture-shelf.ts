// Pictures that devices have sent, for as long as somebody may look at them: in memory, never on a disk, the newest set of each
// device and kind, forgotten by the clock or when there are too many.
import type { KeptPicture, PictureKind } from '../../shared/protocol/api-pictures.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';

export type KeptSet = DeviceAddress & {
  readonly kind: PictureKind;
  /** Of disagreements: the rollout that was looked at. */
  readonly rolloutId: string | null;
  readonly pictures: readonly KeptPicture[];
  readonly forgottenAtMs: number;
  /** Who has looked at this very set. */
  readonly seenBy: Set<string>;
};

/** A last frame is looked at once; disagreements are gone through one by one. */
export const KEEP_MS: Readonly<Record<PictureKind, number>> = {
  'last-frame': 10 * 60_000,
  disagreements: 60 * 60_000,
};
/** Some 500 pictures. */
const CHARACTERS_MAX = 64 * 1024 * 1024;

export class PictureShelf {
  readonly #sets = new Map<string, { readonly set: KeptSet; readonly timer: NodeJS.Timeout }>();

  put(set: Omit<KeptSet, 'forgottenAtMs' | 'seenBy'>, nowMs: number): void {
    const key = keyOf(set, set.kind);
    this.#forget(key);
    const timer = setTimeout(() => this.#forget(key), KEEP_MS[set.kind]);
    timer.unref();
    const kept = { ...set, forgottenAtMs: nowMs + KEEP_MS[set.kind], seenBy: new Set<string>() };
    this.#sets.set(key, { set: kept, timer });
    this.#makeRoom();
  }

  get(address: DeviceAddress, kind: PictureKind): KeptSet | null {
    return this.#sets.get(keyOf(address, kind))?.set ?? null;
  }

  ofRollout(rolloutId: string): readonly KeptSet[] {
    return [...this.#sets.values()].map(({ set }) => set).filter((set) => set.rolloutId === rolloutId);
  }

  forgetSite(site: string): void {
    for (const [key, { set }] of this.#sets) if (set.site === site) this.#forget(key);
  }

  /** The set that lies here longest goes first. */
  #makeRoom(): void {
    const all = [...this.#sets].map(([key, { set }]) => ({ key, characters: sizeOf(set) }));
    let sum = all.reduce((total, { characters }) => total + characters, 0);
    for (const { key, characters } of all) {
      if (sum <= CHARACTERS_MAX) return;
      this.#forget(key);
      sum -= characters;
    }
  }

  #forget(key: string): void {
    clearTimeout(this.#sets.get(key)?.timer);
    this.#sets.delete(key);
  }
}

function sizeOf({ pictures }: KeptSet): number {
  return pictures.reduce((sum, { jpeg }) => sum + jpeg.length, 0);
}

function keyOf({ site, device }: DeviceAddress, kind: PictureKind): string {
  return `${site}/${device} ${kind}`;
}
