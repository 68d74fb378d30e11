// Carries desired documents out: signs and publishes what the outbox holds, and again where a device is behind.
// Level-triggered: waking it says "look", never "what"; dying anywhere repeats a document, which is harmless.
import { describeError } from '../shared/basics/errors.ts';
import type { Desired } from '../shared/protocol/documents.ts';
import { type DeviceAddress, deviceTopic } from '../shared/protocol/topics.ts';
import type { Signer } from '../shared/signing/signed-document.ts';
import type { Database } from './database/database.ts';
import { markPublished, readDesired, readUnpublished } from './devices/desired-store.ts';
import { addressKey, type PresenceBook } from './devices/presence.ts';

export type DeliveryParts = {
  readonly database: Database;
  readonly sign: Signer;
  readonly publish: (topic: string, text: string) => Promise<void>;
  readonly presence: PresenceBook;
  /** A device was told what it shall do. */
  readonly onSent?: (address: DeviceAddress) => void;
  readonly everyMs: number;
  readonly monotonicNow: () => number;
  readonly log: { debug(fields: object, message: string): void; warn(fields: object, message: string): void };
};

export type DeliveryLoop = {
  /** Call once the broker is there; until then and after `close` nothing happens. */
  start(): void;
  /** Something may have been decided. Cheap. */
  wake(): void;
  /** A device spoke: looks whether it has reached what is desired. */
  noticed(address: DeviceAddress): void;
  close(): Promise<void>;
};

/** Bounds one round; the next follows at once. */
const ROUND_MAX = 200;
/** A device that refuses a document would otherwise get it with every window. */
const RESEND_MS = 10_000;

export function createDeliveryLoop(parts: DeliveryParts): DeliveryLoop {
  const behind = new Map<string, DeviceAddress>();
  const sentAtMs = new Map<string, number>();
  let running: Promise<void> = Promise.resolve();
  let isLookDue = false;
  const look = async (): Promise<void> => {
    isLookDue = false;
    try {
      await deliverOutbox(parts, sentAtMs);
      for (const [key, address] of [...behind]) {
        behind.delete(key);
        await resend(parts, address, sentAtMs);
      }
    } catch (error) {
      parts.log.warn({ error: describeError(error) }, 'desired documents could not be delivered; trying again');
    }
  };
  let timer: NodeJS.Timeout | null = null;
  const wake = (): void => {
    if (timer === null || isLookDue) return;
    isLookDue = true;
    running = running.then(look);
  };
  return {
    start: () => {
      timer = setInterval(wake, parts.everyMs);
      wake();
    },
    wake,
    noticed: (address) => {
      if (!isBehind(parts, address, sentAtMs)) return;
      behind.set(addressKey(address), address);
      wake();
    },
    close: async () => {
      if (timer) clearInterval(timer);
      timer = null;
      await running;
    },
  };
}

/** Any document as the broker keeps it for devices that come later. */
export async function signDesired(
  sign: Signer,
  desired: Desired,
): Promise<{ readonly topic: string; readonly text: string }> {
  return { topic: deviceTopic(desired, 'desired'), text: await sign('desired', desired) };
}

async function deliverOutbox(parts: DeliveryParts, sentAtMs: Map<string, number>): Promise<void> {
  for (;;) {
    const waiting = await readUnpublished(parts.database, ROUND_MAX);
    for (const desired of waiting) await send(parts, desired, sentAtMs);
    if (waiting.length > 0) {
      await parts.database.transaction().execute((transaction) => markPublished(transaction, waiting));
    }
    if (waiting.length < ROUND_MAX) return;
  }
}

async function resend(parts: DeliveryParts, address: DeviceAddress, sentAtMs: Map<string, number>): Promise<void> {
  if (!isBehind(parts, address, sentAtMs)) return;
  const desired = await readDesired(parts.database, address);
  if (desired) await send(parts, desired, sentAtMs);
}

async function send(parts: DeliveryParts, desired: Desired, sentAtMs: Map<string, number>): Promise<void> {
  const { topic, text } = await signDesired(parts.sign, desired);
  // Known here before it is out there: no lease is granted any more for what this document takes back.
  parts.presence.desired(desired);
  await parts.publish(topic, text);
  sentAtMs.set(addressKey(desired), parts.monotonicNow());
  parts.onSent?.(desired);
  const { site, device, generation } = desired;
  parts.log.debug({ site, device, generation }, 'desired document published');
}

function isBehind(parts: DeliveryParts, address: DeviceAddress, sentAtMs: ReadonlyMap<string, number>): boolean {
  const known = parts.presence.get(address);
  if (!known || known.desiredGeneration === null) return false;
  if (known.isInForce && known.generation >= known.desiredGeneration) return false;
  const lastMs = sentAtMs.get(addressKey(address));
  return lastMs === undefined || parts.monotonicNow() - lastMs >= RESEND_MS;
}
