// What the server pushes: the fleet as signals, and who wants to know that a thing has changed. One stream for a page.
import { signal } from '@preact/signals';
import type { LiveBatch, LiveChange, LiveSnapshot } from '../../../shared/protocol/api-live.ts';
import { ask } from '../api.ts';

export type StreamState = 'connecting' | 'live' | 'down';

export const stream = signal<StreamState>('connecting');
/** The server's clock less this browser's, in milliseconds. */
export const clockAheadMs = signal(0);
export const snapshot = signal<LiveSnapshot | null>(null);

type Listener = (changes: readonly LiveChange[]) => void;
const listeners = new Set<Listener>();

/** Calls `listener` with each batch; an empty batch means that anything may have changed. Returns how to stop. */
export function onChanges(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Reads the snapshot, then follows the stream. Returns how to stop. */
export function startLive(): () => void {
  const source = new EventSource('/v1/events');
  const refetch = async (): Promise<void> => {
    const read = await ask<LiveSnapshot>('/v1/live');
    clockAheadMs.value = read.nowMs - Date.now();
    snapshot.value = read;
    for (const listener of listeners) listener([]);
  };
  source.onopen = () => {
    stream.value = 'live';
    refetch().catch(() => {
      stream.value = 'down';
    });
  };
  source.onerror = () => {
    stream.value = 'down';
  };
  source.addEventListener('changes', (event) => take(JSON.parse((event as MessageEvent<string>).data) as LiveBatch));
  return () => source.close();
}

function take(batch: LiveBatch): void {
  clockAheadMs.value = batch.nowMs - Date.now();
  for (const listener of listeners) listener(batch.changes);
}
