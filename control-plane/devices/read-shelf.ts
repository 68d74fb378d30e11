// Documents that devices have sent and were sent, read once: most of them are the same at the next look, and reading one takes
// longer than fetching it. Holds what was read beside its text; nobody may change what it gives out.

/** Three documents for each of 3,000 devices, about 40 MB. In a larger fleet the rest are read each time. */
const KEPT_MAX = 9000;

type Kept = { readonly text: string; readonly value: unknown };

export class ReadShelf {
  readonly #kept = new Map<string, Kept>();

  /** `read` is asked only when this place had another text before; null stays null. Throws as `read` does. */
  of<T>(place: string, text: string | null, read: (text: string) => T): T | null {
    if (text === null) return null;
    const known = this.#kept.get(place);
    if (known?.text === text) return known.value as T;
    const value = read(text);
    if (known !== undefined || this.#kept.size < KEPT_MAX) this.#kept.set(place, { text, value });
    return value;
  }
}
