// The second path of a device to the documents that it would read from the broker. They are signed: whoever reads them
// here learns what the broker would tell the device, and can change nothing.
import { deviceDocumentsSchema, devicePathSchema } from '../../../shared/protocol/api-devices.ts';
import { deviceTopic, killTopics } from '../../../shared/protocol/topics.ts';
import type { Messaging } from '../../messaging/messaging.ts';
import type { HttpApp } from '../server.ts';

export function registerDocumentsRoute(app: HttpApp, { messaging }: { readonly messaging: Messaging }): void {
  app.get(
    '/v1/devices/:site/:device/documents',
    {
      schema: {
        tags: ['devices'],
        summary: 'The signed documents of a device, kills first, for one that cannot reach the broker',
        params: devicePathSchema,
        response: { 200: deviceDocumentsSchema },
      },
      config: { needs: 'device' },
    },
    async ({ params: { site, device } }) => {
      // A device that was never heard is subject to the kills of its site and of the fleet all the same.
      const address = { site, device };
      const topics = [...killTopics(address), deviceTopic(address, 'desired')];
      const kept = topics.map((topic) => ({ topic, text: messaging.retained(topic) }));
      return { documents: kept.flatMap(({ topic, text }) => (text === null ? [] : [{ topic, text }])) };
    },
  );
}
