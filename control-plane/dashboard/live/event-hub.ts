// Holds the one EventSource: says what came, and opens it again when it was refused. Runs in a worker or in a page.
import { endpoint } from '../../../shared/protocol/address.ts';
import { backOffMs } from './back-off.ts';
import type { FromStream, StreamState } from './stream-messages.ts';

export type EventHub = { readonly state: () => StreamState; open(): void; close(): void };

export function createEventHub(post: (message: FromStream) => void): EventHub {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0;
  let state: StreamState = 'connecting';
  const setState = (next: StreamState): void => {
    state = next;
    post({ kind: 'state', state });
  };
  const open = (): void => {
    clearTimeout(timer);
    if (source !== null) return;
    const opened = new EventSource(endpoint('GET /v1/events').path);
    source = opened;
    opened.onopen = () => {
      attempt = 0;
      setState('live');
    };
    opened.onerror = () => {
      setState('down');
      // A cut connection is tried again by the browser, from where it ended; a refusal is not.
      if (opened.readyState !== EventSource.CLOSED) return;
      source = null;
      post({ kind: 'refused' });
      timer = setTimeout(open, backOffMs(attempt, Math.random()));
      attempt += 1;
    };
    opened.addEventListener('changes', ({ data }) => post({ kind: 'batch', text: data }));
    opened.addEventListener('beat', ({ data }) => post({ kind: 'beat', nowMs: JSON.parse(data).nowMs }));
    opened.addEventListener('reset', () => post({ kind: 'reset' }));
  };
  return {
    state: () => state,
    open,
    close: () => {
      clearTimeout(timer);
      source?.close();
      source = null;
      state = 'connecting';
    },
  };
}
