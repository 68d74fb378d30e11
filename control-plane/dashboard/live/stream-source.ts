// Where a page gets its stream from: the shared worker; without one, a page that leads the others; without either, questions
// every five seconds.
import { createEventHub } from './event-hub.ts';
import { AWAKE_EVERY_MS, type FromPage, type FromStream } from './stream-messages.ts';

export type StreamSource = {
  /** `poll`: nothing is pushed; the page has to ask. */
  readonly kind: 'pushed' | 'poll';
  awake(): void;
  asleep(): void;
  close(): void;
};

const CHANNEL = 'belay-live';

export function openStreamSource(take: (message: FromStream) => void): StreamSource {
  // A worker has what its pages have.
  if (typeof EventSource === 'function') {
    if (typeof SharedWorker === 'function') return openShared(take);
    if ('locks' in navigator && typeof BroadcastChannel === 'function') return openLed(take);
  }
  const nothing = (): void => {};
  return { kind: 'poll', awake: nothing, asleep: nothing, close: nothing };
}

function openShared(take: (message: FromStream) => void): StreamSource {
  const worker = new SharedWorker(new URL('./stream-worker.ts', import.meta.url), { type: 'module', name: CHANNEL });
  const say = (message: FromPage): void => worker.port.postMessage(message);
  let timer: ReturnType<typeof setInterval> | undefined;
  worker.port.onmessage = ({ data }: MessageEvent<FromStream>) => take(data);
  worker.onerror = () => take({ kind: 'state', state: 'down' });
  const asleep = (): void => {
    clearInterval(timer);
    say({ kind: 'asleep' });
  };
  return {
    kind: 'pushed',
    awake: () => {
      clearInterval(timer);
      timer = setInterval(() => say({ kind: 'awake' }), AWAKE_EVERY_MS);
      say({ kind: 'awake' });
    },
    asleep,
    close: asleep,
  };
}

/** Whoever holds the lock holds the stream, and tells the others; the lock goes on when it leaves. */
function openLed(take: (message: FromStream) => void): StreamSource {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }: MessageEvent<FromStream>) => take(data);
  let release: (() => void) | null = null;
  let isWanted = false;
  const lead = (): Promise<void> =>
    new Promise((resolve) => {
      const hub = createEventHub((message) => {
        take(message);
        channel.postMessage(message);
      });
      release = () => {
        hub.close();
        resolve();
      };
      if (isWanted) hub.open();
      else release();
    });
  const asleep = (): void => {
    isWanted = false;
    release?.();
    release = null;
  };
  return {
    kind: 'pushed',
    awake: () => {
      if (isWanted) return;
      isWanted = true;
      navigator.locks.request(CHANNEL, lead).catch(() => take({ kind: 'state', state: 'down' }));
    },
    asleep,
    close: () => {
      asleep();
      channel.close();
    },
  };
}
