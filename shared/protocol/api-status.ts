// Answers of /v1/status, /v1/health and /v1/audit.
import { z } from 'zod';
import { countSchema, digestSchema, timeSchema } from '../basics/identifiers.ts';
import { killSummarySchema } from './api-kills.ts';

export const siteStatusSchema = z.looseObject({
  site: z.string(),
  devices: countSchema,
  online: countSchema,
  /** Devices that report a candidate or shadow in a slot. */
  onTrial: countSchema,
  blocked: countSchema,
  /** Devices whose report says that a kill is in force. */
  killed: countSchema,
  /** Devices that have not reached the generation that is desired. */
  behind: countSchema,
  /** Whether devices there may be asked for pictures; absent: an older control plane, where none is. */
  pictures: z.enum(['on', 'off']).optional(),
});

/** How many devices answer with a release now, and how many have committed it. */
export const versionShareSchema = z.looseObject({
  release: z.string(),
  digest: z.string(),
  serving: countSchema,
  committed: countSchema,
});

/** A message from a device that was not understood. */
export const refusedMessageSchema = z.looseObject({
  atMs: timeSchema,
  site: z.string(),
  device: z.string(),
  channel: z.string(),
  kind: z.string(),
  reason: z.string(),
});

/** Answers to devices that asked for a lease since the control plane started; `withheld` by reason. */
export const leaseCountsSchema = z.looseObject({
  granted: countSchema,
  failed: countSchema,
  withheld: z.record(z.string(), countSchema),
});

export const statusReportSchema = z.looseObject({
  nowMs: timeSchema,
  startedAtMs: timeSchema,
  version: z.string(),
  mqttUrl: z.string(),
  apiUrl: z.string(),
  /** `total`: those that are expected; who has retired is counted apart. */
  devices: z.looseObject({ total: countSchema, online: countSchema, retired: countSchema.default(0) }),
  sites: z.array(siteStatusSchema),
  releases: z.array(versionShareSchema),
  /** What the rollouts room says of rollouts that are not over. */
  rollouts: z.array(z.record(z.string(), z.unknown())),
  kills: z.array(killSummarySchema),
  refused: z.looseObject({
    total: countSchema,
    byKind: z.record(z.string(), countSchema),
    last: z.array(refusedMessageSchema),
  }),
  telemetry: z.looseObject({
    stored: countSchema,
    duplicates: countSchema,
    commits: countSchema,
    failures: countSchema,
  }),
  leases: leaseCountsSchema.default({ granted: 0, failed: 0, withheld: {} }),
  messaging: z.record(z.string(), z.unknown()),
});

export const healthSchema = z.looseObject({
  ok: z.boolean(),
  /** Parts that do not work, in words. */
  problems: z.array(z.string()),
});

export const auditQuerySchema = z.looseObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  beforeSeq: z.coerce.number().int().min(1).optional(),
  actor: z.string().min(1).max(200).optional(),
  action: z.string().min(1).max(100).optional(),
  /** This, and everything below it: `rollout/r-1`, `device/plant-a`. */
  subject: z.string().min(1).max(300).optional(),
  fromMs: z.coerce.number().int().min(0).optional(),
  toMs: z.coerce.number().int().min(0).optional(),
});

/** A row's number and hash as they were noted outside; both or neither. */
export const auditAnchorQuerySchema = z
  .looseObject({
    anchorSeq: z.coerce.number().int().min(1).optional(),
    anchorHash: digestSchema.optional(),
  })
  .refine(({ anchorSeq, anchorHash }) => (anchorSeq === undefined) === (anchorHash === undefined), {
    message: 'anchorSeq and anchorHash go together',
  });

export const auditRowSchema = z.looseObject({
  seq: z.number().int(),
  atMs: timeSchema,
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  reason: z.string(),
  details: z.unknown(),
  hash: z.string(),
});
export const auditListSchema = z.looseObject({
  rows: z.array(auditRowSchema),
  /** `beforeSeq` of the next page; null: there is none. */
  nextBeforeSeq: z.number().int().nullable().default(null),
});
export const auditCheckSchema = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('intact'), rows: countSchema, head: z.string() }),
  z.looseObject({ kind: z.literal('broken'), seq: z.number().int(), reason: z.string() }),
]);

export type StatusReport = z.infer<typeof statusReportSchema>;
export type LeaseCounts = z.infer<typeof leaseCountsSchema>;
export type SiteStatus = z.infer<typeof siteStatusSchema>;
export type VersionShare = z.infer<typeof versionShareSchema>;
export type RefusedMessage = z.infer<typeof refusedMessageSchema>;
