// Which version of a thing a person means when they ask to change it, and what is said when it is another one by now. Pure.

/** Versions that would do; null: whatever it is now. */
export type Expected = readonly string[] | null;

export type Stale = {
  readonly kind: 'stale';
  /** The present one. */
  readonly version: string;
  /** What it is now, in words. */
  readonly now: string;
};

export function isExpected(expected: Expected, version: string | number): boolean {
  return expected === null || expected.includes(String(version));
}
