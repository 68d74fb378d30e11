// The control plane's stream of changes (GET /v1/events), as a doorbell: it says that something changed, not what.
import { endpoint } from '../../shared/protocol/address.ts';
import { type ApiClient, CommandError } from './api-client.ts';
import { EXIT } from './exit-codes.ts';

export type Doorbell = {
  /** Resolves when something of the topics changed, or after `timeoutMs`; with no stream after `pollMs`. */
  next(timeoutMs: number, pollMs: number): Promise<void>;
  close(): void;
};

/** Follows the stream where there is one. Where there is none, or while it is down, `next` falls back to polling. */
export function openDoorbell(api: ApiClient, topics: readonly string[]): Doorbell {
  const closing = new AbortController();
  let [isOpen, hasRung] = [false, false];
  let wake: (() => void) | null = null;
  const ring = (): void => {
    hasRung = true;
    wake?.();
  };
  const listen = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const isThere = await api
        .listen(endpoint('GET /v1/events', { topics: topics.join(',') }), closing.signal, (line) => {
          isOpen = true;
          if (line.startsWith('data:')) ring();
        })
        .then(() => true)
        .catch((error: unknown) => !(error instanceof CommandError && error.exitCode !== EXIT.unreachable));
      isOpen = false;
      // A control plane that has no such stream will not get one while we watch.
      if (!isThere) return;
      await pause(1000, closing.signal);
    }
  };
  void listen();
  return {
    next: async (timeoutMs, pollMs) => {
      const deadline = new AbortController();
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
        if (hasRung) resolve();
      });
      await Promise.race([woken, pause(isOpen ? timeoutMs : Math.min(timeoutMs, pollMs), deadline.signal)]);
      deadline.abort();
      hasRung = false;
      wake = null;
    },
    close: () => closing.abort(),
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
