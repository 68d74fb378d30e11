// What one simulated run says, and how runs are put together.

/** Whether that happened which is counted, and after how many minutes of data, or how much it took. */
export type Outcome = { readonly isHit: boolean; readonly value: number | null; readonly detail: string };

/** The lower one of an even number; null of none. */
export function medianOf(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}
