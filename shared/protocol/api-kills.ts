// Bodies and answers of /v1/kills. A kill is a resource whose answer is measured: who obeyed, and after how long.
import { z } from 'zod';
import { countSchema, digestSchema, nameSchema, timeSchema } from '../basics/identifiers.ts';
import { nextCursor } from './api-paging.ts';
import { actorSchema, reasonSchema } from './api-releases.ts';
import { killScopeSchema } from './documents.ts';

/** As killScopeSchema, but a release may be named by reference alone and a rollout by its id: the digest is looked up. */
export const killScopeInputSchema = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('fleet') }),
  z.looseObject({ kind: z.literal('site'), site: nameSchema }),
  z.looseObject({ kind: z.literal('device'), site: nameSchema, device: nameSchema }),
  z.looseObject({ kind: z.literal('rollout'), rolloutId: z.string().min(1).max(64), digest: digestSchema.optional() }),
  z.looseObject({ kind: z.literal('release'), release: z.string().min(1).max(200), digest: digestSchema.optional() }),
]);

export const killBodySchema = z.looseObject({ scope: killScopeInputSchema, reason: reasonSchema, actor: actorSchema });
export const rearmBodySchema = z.looseObject({ reason: reasonSchema, actor: actorSchema });

const addressSchema = z.looseObject({ site: z.string(), device: z.string() });

export const killAckSchema = z.looseObject({
  ...addressSchema.shape,
  ackedAtMs: timeSchema,
  /** Published → acknowledged on the control plane's monotonic clock; null when it was restarted in between. */
  roundTripMs: z.number().nonnegative().nullable(),
  /** Flag received → first baseline answer, on the device's monotonic clock. */
  effectMs: z.number().nonnegative().nullable(),
  /** Whether it answered with the killed release when the flag came. */
  wasServing: z.boolean().nullable(),
  /** The release that answered the first frame after the flag. */
  digest: z.string().nullable(),
  requestId: z.string().nullable(),
  /** Offline when the kill was raised: obeyed on return, left out of the times. */
  wasOffline: z.boolean(),
});

export const killSummarySchema = z.looseObject({
  id: z.string(),
  scope: killScopeSchema,
  reason: z.string(),
  actor: z.string(),
  epoch: z.number().int(),
  raisedAtMs: timeSchema,
  active: z.boolean(),
  clearedAtMs: timeSchema.nullable(),
  clearedBy: z.string().nullable(),
  clearedReason: z.string().nullable(),
});

export const killSchema = z.looseObject({
  ...killSummarySchema.shape,
  /** Devices in its scope when it was raised, and those that appeared since. */
  sent: countSchema,
  acknowledged: countSchema,
  /** Were answering with what was killed, and acknowledged with a frame that an allowed release answered. */
  reverted: countSchema,
  /** Over devices that were online when it was raised; null without any. */
  p50Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
  maxMs: z.number().nullable(),
  /** Online, and not acknowledged. */
  stragglers: z.array(addressSchema),
  /** Not reachable now; they obey before their first frame when they are back. */
  offline: z.array(addressSchema),
  acks: z.array(killAckSchema),
  /** What the kill leaves alone, and the command that would reach it; null when there is nothing. */
  leavesAlone: z.string().nullable(),
  /** False while the database cannot keep it; it is in force all the same. */
  recorded: z.boolean(),
});

export const killListSchema = z.looseObject({ kills: z.array(killSummarySchema), ...nextCursor });

export type KillScopeInput = z.infer<typeof killScopeInputSchema>;
export type KillSummary = z.infer<typeof killSummarySchema>;
export type KillResult = z.infer<typeof killSchema>;
export type KillAck = z.infer<typeof killAckSchema>;
