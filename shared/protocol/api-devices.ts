// Bodies and answers of /v1/devices.
import { z } from 'zod';
import { digestSchema, nameSchema, timeSchema } from '../basics/identifiers.ts';
import { keySetSchema } from '../signing/signed-document.ts';
import { dutySchema } from './api-duty.ts';
import { nextCursor, pageQuery } from './api-paging.ts';
import { actorSchema, reasonSchema } from './api-releases.ts';
import { desiredSchema } from './documents.ts';
import { IN_SERVICE } from './duty.ts';
import { eventSchema, helloSchema, reportedSchema } from './reports.ts';
import { SELECTOR_CHARACTERS_MAX } from './selector.ts';

export const deviceSchema = z.looseObject({
  site: z.string(),
  device: z.string(),
  hardwareClass: z.string().nullable(),
  line: z.string().nullable(),
  online: z.boolean(),
  firstSeenAtMs: timeSchema,
  lastSeenAtMs: timeSchema,
  boot: z.string().nullable(),
  hello: helloSchema.nullable(),
  reported: reportedSchema.nullable(),
  desired: desiredSchema.nullable(),
  /** Whether it takes part in rollouts. */
  duty: dutySchema.default(IN_SERVICE),
});

export const deviceListQuerySchema = z.looseObject({
  site: nameSchema.optional(),
  /** Such as `site=plant-a,hw in (orin,x86-64),online`. */
  selector: z.string().min(1).max(SELECTOR_CHARACTERS_MAX).optional(),
  ...pageQuery,
});
export const deviceListSchema = z.looseObject({ devices: z.array(deviceSchema), ...nextCursor });
export const devicePathSchema = z.looseObject({ site: nameSchema, device: nameSchema });

export const storedEventSchema = z.looseObject({
  /** Cursor: grows with arrival. */
  id: z.number().int(),
  receivedAtMs: timeSchema,
  event: eventSchema,
});
export const deviceEventsQuerySchema = z.looseObject({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  /** Events that came after this one, oldest first; without it the newest first. */
  afterId: z.coerce.number().int().min(0).optional(),
  cursor: pageQuery.cursor,
  fields: pageQuery.fields,
});
export const deviceEventsSchema = z.looseObject({ events: z.array(storedEventSchema), ...nextCursor });

/** Why a device does what it does, in sentences, most important first. */
export const explainSchema = z.looseObject({
  site: z.string(),
  device: z.string(),
  atMs: timeSchema,
  dataAgeMs: z.number().nonnegative(),
  /** One line for a list. */
  summary: z.string(),
  sentences: z.array(z.string()),
});

export const credentialsSchema = z.looseObject({
  site: z.string(),
  device: z.string(),
  password: z.string(),
  mqttUrl: z.string(),
  apiUrl: z.string(),
  keySet: keySetSchema,
});

/** Signed documents as they lie at the broker: the kills that reach the device, then what is desired of it. */
export const deviceDocumentsSchema = z.looseObject({
  documents: z.array(z.looseObject({ topic: z.string().max(300), text: z.string().max(500_000) })).max(8),
});

export const liftBodySchema = z.looseObject({
  /** Release id or digest, or their beginnings; left out: all that the device keeps in quarantine. */
  release: z.string().min(1).max(200).optional(),
  reason: reasonSchema,
  actor: actorSchema,
});
export const liftedSchema = z.looseObject({
  site: z.string(),
  device: z.string(),
  /** Of the order that says it. */
  generation: z.number().int(),
  releases: z.array(z.looseObject({ release: z.string(), digest: digestSchema })),
});

export type DeviceDocument = z.infer<typeof deviceSchema>;
export type StoredEvent = z.infer<typeof storedEventSchema>;
export type DeviceExplanation = z.infer<typeof explainSchema>;
export type DeviceDocuments = z.infer<typeof deviceDocumentsSchema>;
export type DeviceCredentials = z.infer<typeof credentialsSchema>;
