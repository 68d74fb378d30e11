// What goes between a page and whoever holds the stream for all pages of the browser.
export type StreamState = 'connecting' | 'live' | 'down';

export type FromStream =
  | { readonly kind: 'state'; readonly state: StreamState }
  /** JSON of a LiveBatch: parsed by the page that needs it. */
  | { readonly kind: 'batch'; readonly text: string }
  | { readonly kind: 'beat'; readonly nowMs: number }
  /** The server does not want to speak with us: somebody has to sign in, perhaps. */
  | { readonly kind: 'refused' }
  /** The server no longer knows what was missed. */
  | { readonly kind: 'reset' };

/** `awake` is said again and again: a page that was ended says nothing more, and is forgotten. */
export type FromPage = { readonly kind: 'awake' } | { readonly kind: 'asleep' };

export const AWAKE_EVERY_MS = 20_000;
/** Timers of hidden pages come once a minute. */
export const FORGOTTEN_AFTER_MS = 150_000;
