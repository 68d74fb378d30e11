// The way out to the broker before there is one: rooms are built first, and the broker needs them to take messages.
import type { DeviceAddress } from '../shared/protocol/topics.ts';
import type { Messaging } from './messaging/messaging.ts';

type PublishOptions = Parameters<Messaging['publish']>[2];

export type Outlet = {
  publish(topic: string, text: string, options?: PublishOptions): Promise<void>;
  /** Ends the connection of a device, if it has one. */
  disconnect(address: DeviceAddress): Promise<void>;
  /** Everything published so far and from now on goes there. */
  connect(messaging: Messaging): void;
};

export function openOutlet(): Outlet {
  const connected = Promise.withResolvers<Messaging>();
  return {
    publish: async (topic, text, options) => (await connected.promise).publish(topic, text, options),
    disconnect: async ({ site, device }) => {
      const messaging = await connected.promise;
      const isIts = messaging.clients().some(({ clientId, principal }) => {
        return clientId === device && principal.kind === 'device' && principal.site === site;
      });
      if (isIts) messaging.disconnect(device);
    },
    connect: (messaging) => connected.resolve(messaging),
  };
}
