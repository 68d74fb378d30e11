// Which figures, and which rows of them, were asked for. Pure.
import type { Figure, Row } from './figure.ts';

/** Its names: what can be chosen by. */
type Named = Pick<Figure, 'id' | 'rows' | 'onlyWhenAsked'>;

/** Ids of the rows that a figure gives. */
export function rowIdsOf({ id, rows }: Named): readonly string[] {
  return rows === undefined ? [id] : rows.map((name) => `${id}.${name}`);
}

/** Ids that are neither a figure, nor a row, nor the beginning of one up to a dot. */
export function unknownIds(figures: readonly Named[], only: readonly string[]): readonly string[] {
  const known = figures.flatMap((figure) => [figure.id, ...rowIdsOf(figure)]);
  return only.filter((id) => !known.some((one) => one === id || one.startsWith(`${id}.`)));
}

/** An id names its figure or a single row of it, the beginning of an id up to a dot all that begin so; none: all that are quick. */
export function isWanted(figure: Named, only: readonly string[]): boolean {
  return (
    (only.length === 0 && figure.onlyWhenAsked !== true) ||
    only.some((id) => id === figure.id || id.startsWith(`${figure.id}.`) || figure.id.startsWith(`${id}.`))
  );
}

/** All rows of a figure that was asked for by name; otherwise the rows whose id begins with what was asked for. */
export function isRowWanted(row: Row, figure: Named, only: readonly string[]): boolean {
  const isWhole = only.length === 0 || only.some((id) => id === figure.id || figure.id.startsWith(`${id}.`));
  return isWhole || only.some((id) => row.id === id || row.id.startsWith(`${id}.`));
}
