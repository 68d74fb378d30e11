// The plan: exactly who gets the candidate when, what they go back to, and what stands in the way. Plain JSON with a hash.
import { z } from 'zod';
import { countSchema, digestSchema, timeSchema } from '../basics/identifiers.ts';
import { releaseRefSchema } from '../protocol/documents.ts';

export const planDeviceSchema = z.looseObject({
  site: z.string(),
  device: z.string(),
  hardwareClass: z.string(),
  line: z.string().nullable(),
  /** Place in the order of its site; pinned devices come first. */
  position: countSchema,
  /** What it runs now and goes back to; null when it is not known, which blocks it. */
  baseline: releaseRefSchema.nullable(),
  /** `candidate`: in from the first stage. `baseline`: never. */
  pin: z.enum(['candidate', 'baseline']).nullable(),
  online: z.boolean(),
  /** Why it cannot take part now, in words; empty when it can. */
  blocked: z.array(z.string()),
});

const planStageSchema = z.looseObject({
  name: z.string(),
  mode: z.enum(['golden', 'shadow', 'serve']),
  bakeMs: countSchema,
  extend: z.looseObject({ times: countSchema, eachMs: countSchema }),
  promote: z.enum(['auto', 'manual', 'approval']),
  approvals: countSchema.default(0),
  holdbackPct: z.number().default(0),
  /** Devices per site, in order. */
  sites: z.array(z.looseObject({ site: z.string(), eligible: countSchema, devices: z.array(z.string()) })),
  devices: countSchema,
  controls: countSchema,
});

const readinessSchema = z.looseObject({ fact: z.string(), ok: z.boolean(), detail: z.string() });

/** One gate of the readiness checklist; `required`: the file asks for it. */
const gateSchema = z.looseObject({
  gate: z.string(),
  required: z.boolean(),
  ok: z.boolean(),
  /** What was found. */
  detail: z.string(),
  /** What to do where it does not hold; null where it does. */
  next: z.string().nullable(),
});

export const planSchema = z.looseObject({
  v: z.literal(1),
  name: z.string(),
  /** As the file has them; plans of older versions have none. */
  labels: z.record(z.string(), z.string()).default({}),
  ticket: z.string().nullable().default(null),
  candidate: releaseRefSchema,
  /** What the devices run now, most common first. */
  baselines: z.array(z.looseObject({ ...releaseRefSchema.shape, devices: countSchema })),
  owners: z.looseObject({
    primary: z.string(),
    backup: z.string(),
    approvers: z.array(z.string()),
    notify: z.array(z.string()),
  }),
  salt: z.string(),
  /** Absent: each device by itself. */
  clusterBy: z.enum(['device', 'line']).optional(),
  devices: z.array(planDeviceSchema),
  excluded: z.array(z.looseObject({ site: z.string(), device: z.string(), why: z.string() })),
  stages: z.array(planStageSchema),
  guardrails: z.array(
    z.looseObject({
      id: z.string(),
      title: z.string(),
      limitText: z.string(),
      enforce: z.enum(['observe', 'hold', 'rollback']),
      stages: z.array(z.string()),
    }),
  ),
  readiness: z.array(readinessSchema),
  /** Reasons why it cannot be started; empty = it can. */
  refusals: z.array(z.string()),
  /** Worth knowing, in no one's way. */
  warnings: z.array(z.string()),
  /** Sum of the bake times: the soonest it can be complete. */
  soonestMs: countSchema,
  fileHash: digestSchema,
  /** When it was made; not part of the hash. */
  plannedAtMs: timeSchema,
  /** Why its first device would not be told now, by the schedule; not part of the hash. */
  closed: z.string().nullable().default(null),
  /** Reasons against a start that a person may override with a reason of their own; not part of the hash. */
  needsOverride: z.array(z.string()).default([]),
  /** The readiness checklist, as it stood when this was planned; not part of the hash. */
  gates: z.array(gateSchema).default([]),
  /** SHA-256 of the canonical JSON of everything above but the time and what changes with it. */
  hash: digestSchema,
});

export type Plan = z.infer<typeof planSchema>;
export type PlanDevice = z.infer<typeof planDeviceSchema>;
export type PlanStage = z.infer<typeof planStageSchema>;
export type Readiness = z.infer<typeof readinessSchema>;
export type Gate = z.infer<typeof gateSchema>;
