// Short notes that come and go: read aloud politely, and kills at once.
import { signal } from '@preact/signals';

type Toast = { readonly id: number; readonly text: string; readonly tone: 'plain' | 'good' | 'bad' };

const SHOWN_MS = 8000;
const SHOWN_MAX = 4;
const toasts = signal<readonly Toast[]>([]);
let lastId = 0;

/** `bad` is read aloud at once: for kills and what has failed. */
export function toast(text: string, tone: Toast['tone'] = 'plain'): void {
  lastId += 1;
  const added = { id: lastId, text, tone };
  toasts.value = [...toasts.value.slice(1 - SHOWN_MAX), added];
  setTimeout(() => dismiss(added.id), SHOWN_MS);
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((each) => each.id !== id);
}

export function Toasts() {
  const loud = toasts.value.filter(({ tone }) => tone === 'bad');
  const calm = toasts.value.filter(({ tone }) => tone !== 'bad');
  return (
    <div class="toasts">
      <div aria-live="assertive">{loud.map(show)}</div>
      <div aria-live="polite">{calm.map(show)}</div>
    </div>
  );
}

function show({ id, text, tone }: Toast) {
  return (
    <p key={id} class={`toast ${tone}`}>
      {text}
      <button type="button" class="quiet" aria-label="Dismiss" onClick={() => dismiss(id)}>
        ✕
      </button>
    </p>
  );
}
