// What is kept of documents that were refused: one of each kind, for people and for the control plane. Data only.

/** `toldAtMs`: when events of this kind were sent, monotonic. */
export type RefusalShown = {
  readonly kind: string;
  readonly reason: string;
  readonly sinceMs: number;
  readonly toldAtMs: readonly number[];
};
