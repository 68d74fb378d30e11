// /v1/webhooks: who is told what, the log of what was sent, a ping, and sending again. Translation only.
import {
  deliveryListSchema,
  deliveryPathSchema,
  deliveryQuerySchema,
  deliverySchema,
  webhookActBodySchema,
  webhookCreateBodySchema,
  webhookCreatedSchema,
  webhookListSchema,
  webhookPathSchema,
  webhookSchema,
  webhookVerbPathSchema,
} from '../../../shared/protocol/api-webhooks.ts';
import type { Notifications } from '../../notifications/notifications.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['webhooks'];
const NEEDS = { needs: 'administer' } as const;

export function registerWebhookRoutes(
  app: HttpApp,
  { notifications }: { readonly notifications: Notifications },
): void {
  registerEndpoints(app, notifications);
  registerDeliveries(app, notifications);
}

function registerEndpoints(app: HttpApp, notifications: Notifications): void {
  app.get(
    '/v1/webhooks',
    {
      schema: { tags: TAGS, summary: 'Every webhook, and how it goes', response: { 200: webhookListSchema } },
      config: NEEDS,
    },
    async () => ({ webhooks: await notifications.list() }),
  );
  app.post(
    '/v1/webhooks',
    {
      schema: {
        tags: TAGS,
        summary: 'Tell this address what happens: CloudEvents, signed as Standard Webhooks say',
        body: webhookCreateBodySchema,
        response: { 201: webhookCreatedSchema },
      },
      config: NEEDS,
    },
    async ({ body }, reply) => {
      const added = await notifications.add(body);
      if (added.kind === 'refused') {
        throw new ProblemError('invalid-request', 'the body is not valid', [{ path: 'url', message: added.reason }]);
      }
      reply.header('cache-control', 'no-store');
      return reply.code(201).send(added.webhook);
    },
  );
  app.post(
    '/v1/webhooks/:id/:verb',
    {
      schema: {
        tags: TAGS,
        summary: 'Enable, disable or remove a webhook',
        params: webhookVerbPathSchema,
        body: webhookActBodySchema,
        response: { 200: webhookSchema },
      },
      config: { ...NEEDS, problems: ['not-found'] },
    },
    async ({ params, body }) => found(await notifications.act(params.id, params.verb, body), params.id),
  );
}

function registerDeliveries(app: HttpApp, notifications: Notifications): void {
  app.get(
    '/v1/webhooks/:id/deliveries',
    {
      schema: {
        tags: TAGS,
        summary: 'What was sent and what came of it, newest first',
        params: webhookPathSchema,
        querystring: deliveryQuerySchema,
        response: { 200: deliveryListSchema },
      },
      config: { ...NEEDS, problems: ['not-found'] },
    },
    async ({ params, query }) => {
      return { deliveries: found(await notifications.deliveries(params.id, query.limit), params.id) };
    },
  );
  app.post(
    '/v1/webhooks/:id/deliveries/:delivery/redeliver',
    {
      schema: {
        tags: TAGS,
        summary: 'Send the same event with the same id once more',
        params: deliveryPathSchema,
        response: { 200: deliverySchema },
      },
      config: { ...NEEDS, problems: ['not-found'] },
    },
    async ({ params }) => {
      return found(await notifications.redeliver(params.id, params.delivery), `${params.id}/${params.delivery}`);
    },
  );
  app.post(
    '/v1/webhooks/:id/test',
    {
      schema: {
        tags: TAGS,
        summary: 'Send a ping once, and answer with what came of it',
        params: webhookPathSchema,
        response: { 200: deliverySchema },
      },
      config: { ...NEEDS, problems: ['not-found'] },
    },
    async ({ params }) => found(await notifications.test(params.id), params.id),
  );
}

function found<T>(value: T | null, id: string): T {
  if (value === null) throw new ProblemError('not-found', `no webhook or delivery is called "${id}"`);
  return value;
}
