// Keys and what they do: `?` help, `/` filter, `g` and a letter for a page. No DOM here.

export type Shortcut =
  | { readonly kind: 'go'; readonly path: string }
  | { readonly kind: 'help' }
  | { readonly kind: 'filter' }
  | { readonly kind: 'kill' };

export type Pressed = { readonly shortcut: Shortcut | null; readonly isLeading: boolean };

export type Going = { readonly key: string; readonly path: string };

/** `isLeading`: a `g` came just before. */
export function pressed(key: string, isLeading: boolean, pages: readonly Going[]): Pressed {
  if (isLeading) {
    const page = pages.find((each) => each.key === key);
    return { shortcut: page === undefined ? null : { kind: 'go', path: page.path }, isLeading: false };
  }
  if (key === 'g') return { shortcut: null, isLeading: true };
  if (key === '?') return { shortcut: { kind: 'help' }, isLeading: false };
  if (key === '/') return { shortcut: { kind: 'filter' }, isLeading: false };
  if (key === 'K') return { shortcut: { kind: 'kill' }, isLeading: false };
  return { shortcut: null, isLeading: false };
}

/** How long a `g` waits for its letter. */
export const LEADING_MS = 1500;
