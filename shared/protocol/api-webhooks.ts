// Bodies and answers of /v1/webhooks, and the events that are sent: CloudEvents 1.0 in structured JSON, signed as Standard
// Webhooks say. An event is delivered at least once, always with the same id; the order is not promised.
import { z } from 'zod';
import { countSchema, nameSchema, timeSchema } from '../basics/identifiers.ts';
import { actorSchema, reasonSchema } from './api-releases.ts';

export const WEBHOOK_EVENTS = [
  'dev.belay.rollout.started.v1',
  'dev.belay.rollout.promoted.v1',
  'dev.belay.rollout.extended.v1',
  'dev.belay.rollout.held.v1',
  'dev.belay.rollout.resumed.v1',
  /** A stage is ready and waits for a person: an approval, a sign-off, or a promotion by hand. */
  'dev.belay.rollout.signoff-needed.v1',
  'dev.belay.rollout.approved.v1',
  'dev.belay.rollout.rolling-back.v1',
  'dev.belay.rollout.rolled-back.v1',
  'dev.belay.rollout.completed.v1',
  'dev.belay.rollout.aborted.v1',
  /** Any other decision: a factory that goes back alone, a device that joins, other words in force. */
  'dev.belay.rollout.decided.v1',
  'dev.belay.kill.raised.v1',
  'dev.belay.kill.rearmed.v1',
  /** Devices of a rollout that have not acknowledged a kill within the time that its file allows. */
  'dev.belay.kill.unacknowledged.v1',
  'dev.belay.incident.opened.v1',
  'dev.belay.incident.closed.v1',
  'dev.belay.device.halted.v1',
  'dev.belay.device.reverted.v1',
] as const;
export const TEST_EVENT = 'dev.belay.webhook.test.v1';
export const webhookEventSchema = z.enum(WEBHOOK_EVENTS);

const eventsSchema = z.union([z.literal('*'), z.array(webhookEventSchema).min(1).max(WEBHOOK_EVENTS.length)]);
const sitesSchema = z.union([z.literal('*'), z.array(nameSchema).min(1).max(200)]);

export const webhookSchema = z.looseObject({
  id: z.string(),
  url: z.string(),
  description: z.string(),
  events: eventsSchema,
  /** Events of no site in particular (a fleet kill) go to everybody. */
  sites: sitesSchema,
  createdAtMs: timeSchema,
  createdBy: z.string(),
  disabledAtMs: timeSchema.nullable(),
  disabledBecause: z.string().nullable(),
  waiting: countSchema,
  dead: countSchema,
  lastDeliveredAtMs: timeSchema.nullable(),
  /** Of its newest attempt; null when that went well, or there was none. */
  trouble: z.string().nullable(),
});
export const webhookListSchema = z.looseObject({ webhooks: z.array(webhookSchema) });

export const webhookCreateBodySchema = z.looseObject({
  url: z.string().min(1).max(2000),
  description: z.string().max(200).default(''),
  events: eventsSchema.default('*'),
  sites: sitesSchema.default('*'),
  actor: actorSchema,
  reason: reasonSchema.optional(),
});
/** `secret` is shown this once. */
export const webhookCreatedSchema = z.looseObject({ ...webhookSchema.shape, secret: z.string() });
export const webhookActBodySchema = z.looseObject({ actor: actorSchema, reason: reasonSchema.optional() });
export const WEBHOOK_VERBS = ['enable', 'disable', 'remove'] as const;
export const webhookPathSchema = z.looseObject({ id: z.string().min(1).max(64) });
export const webhookVerbPathSchema = z.looseObject({ id: z.string().min(1).max(64), verb: z.enum(WEBHOOK_VERBS) });
export const deliveryPathSchema = z.looseObject({
  id: z.string().min(1).max(64),
  delivery: z.coerce.number().int().positive(),
});

export const attemptSchema = z.looseObject({
  number: countSchema,
  atMs: timeSchema,
  tookMs: z.number().nonnegative(),
  /** Null: there was no answer. */
  status: z.number().int().nullable(),
  error: z.string().nullable(),
  /** The beginning of what was answered. */
  answer: z.string(),
});

export const deliverySchema = z.looseObject({
  id: countSchema,
  eventId: z.string(),
  type: z.string(),
  subject: z.string(),
  createdAtMs: timeSchema,
  state: z.enum(['waiting', 'delivered', 'dead']),
  attempts: countSchema,
  /** When it is tried next; null when it is settled. */
  nextAtMs: timeSchema.nullable(),
  settledAtMs: timeSchema.nullable(),
  /** Newest first. */
  log: z.array(attemptSchema),
});
export const deliveryListSchema = z.looseObject({ deliveries: z.array(deliverySchema) });
export const deliveryQuerySchema = z.looseObject({ limit: z.coerce.number().int().min(1).max(200).default(50) });

/** What is sent. */
export const cloudEventSchema = z.looseObject({
  specversion: z.literal('1.0'),
  id: z.string(),
  source: z.string(),
  type: z.string(),
  subject: z.string(),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  data: z.record(z.string(), z.unknown()),
});

export type WebhookEvent = z.infer<typeof webhookEventSchema>;
export type Webhook = z.infer<typeof webhookSchema>;
export type WebhookCreateBody = z.infer<typeof webhookCreateBodySchema>;
export type WebhookCreated = z.infer<typeof webhookCreatedSchema>;
export type WebhookActBody = z.infer<typeof webhookActBodySchema>;
export type WebhookVerb = (typeof WEBHOOK_VERBS)[number];
export type Delivery = z.infer<typeof deliverySchema>;
export type Attempt = z.infer<typeof attemptSchema>;
export type CloudEvent = z.infer<typeof cloudEventSchema>;
