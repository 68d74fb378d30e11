// Puts changes into a list of things with ids: what is new comes first, what is gone goes, the rest keeps its place. No DOM here.

/** The very same list when there is no change. */
export function mergeById<T extends { readonly id: string }>(
  items: readonly T[],
  changes: readonly { readonly id: string; readonly value: T | null }[],
): readonly T[] {
  if (changes.length === 0) return items;
  const changed = new Map(changes.map(({ id, value }) => [id, value]));
  const known = new Set(items.map(({ id }) => id));
  const added = [...changed].flatMap(([id, value]) => (known.has(id) || value === null ? [] : [value]));
  const kept = items.flatMap((item) => {
    const value = changed.get(item.id);
    return value === undefined ? [item] : value === null ? [] : [value];
  });
  return [...added, ...kept];
}
