// The shared worker: one stream for all pages of a browser, since six streams would leave a kill no connection to go out on.
// Open while any page is awake.
import { createEventHub } from './event-hub.ts';
import { FORGOTTEN_AFTER_MS, type FromPage, type FromStream } from './stream-messages.ts';

/** Awake pages, and when each was heard last. */
const awake = new Map<MessagePort, number>();

const hub = createEventHub((message: FromStream) => {
  for (const port of awake.keys()) port.postMessage(message);
});

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports;
  if (port === undefined) return;
  port.onmessage = ({ data }: MessageEvent<FromPage>) => heard(port, data);
});

function heard(port: MessagePort, { kind }: FromPage): void {
  if (kind === 'asleep') {
    awake.delete(port);
    closeUnlessWatched();
    return;
  }
  const isNew = !awake.has(port);
  awake.set(port, Date.now());
  hub.open();
  if (isNew) port.postMessage({ kind: 'state', state: hub.state() } satisfies FromStream);
}

function closeUnlessWatched(): void {
  if (awake.size === 0) hub.close();
}

setInterval(() => {
  const nowMs = Date.now();
  for (const [port, heardAtMs] of awake) if (nowMs - heardAtMs > FORGOTTEN_AFTER_MS) awake.delete(port);
  closeUnlessWatched();
}, FORGOTTEN_AFTER_MS / 2);
