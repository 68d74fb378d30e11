// Keeps kills true: asserts every kill in force again and again, a cleared one for a while, and both at once where a
// device says that it is behind.
import { describeError } from '../../shared/basics/errors.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { PresenceBook } from '../devices/presence.ts';
import type { KillSwitch } from './kill-switch.ts';

export type ReassertLoop = {
  /** Call once the broker is there; until then and after `close` nothing is sent. */
  start(): void;
  /** A device spoke: looks whether it has every kill document. */
  noticed(address: DeviceAddress): void;
  close(): Promise<void>;
};

export type ReassertParts = {
  readonly killSwitch: KillSwitch;
  readonly presence: PresenceBook;
  readonly reassertMs: number;
  readonly log: { warn(fields: object, message: string): void };
};

/** Ten thousand devices that come back behind at once cost one document a second, not ten thousand. */
const HURRY_MS = 1000;

export function createReassertLoop({ killSwitch, presence, reassertMs, log }: ReassertParts): ReassertLoop {
  const due = new Set<string>();
  let running: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    const topics = [...due];
    due.clear();
    try {
      await killSwitch.retry();
      for (const topic of topics) await killSwitch.assert(topic);
    } catch (error) {
      for (const topic of topics) due.add(topic);
      log.warn({ topics, error: describeError(error) }, 'kills could not be asserted; trying again');
    }
  };
  let timers: readonly NodeJS.Timeout[] = [];
  return {
    start: () => {
      const hurry = setInterval(() => {
        running = running.then(look);
      }, HURRY_MS);
      const steady = setInterval(() => {
        for (const topic of killSwitch.topicsToAssert()) due.add(topic);
      }, reassertMs);
      timers = [hurry, steady];
    },
    noticed: (address) => {
      const known = presence.get(address);
      if (known) for (const topic of killSwitch.topicsBehind(address, known.killEpoch)) due.add(topic);
    },
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      await running;
    },
  };
}
