// The schema of the durable state on disk. Additive: a newer agent fills what an older one did not write.
import { z } from 'zod';
import { countSchema, digestSchema, timeSchema } from '../../shared/basics/identifiers.ts';
import type { DurableState } from '../core/state.ts';

const refSchema = z.object({ release: z.string(), digest: digestSchema });

const killsSchema = z.object({
  topic: z.enum(['fleet', 'site', 'device', 'local']),
  epoch: countSchema,
  documentDigest: z.string(),
  acked: z.boolean(),
  overflow: z.boolean().default(false),
  sinceMs: timeSchema.default(0),
  entries: z.array(z.object({ id: z.string(), reason: z.string(), digest: digestSchema.nullable() })),
});

const quarantinedSchema = refSchema.extend({
  kind: z.enum(['crash', 'hang', 'fault', 'non-finite', 'oom', 'crash-loop', 'proof-failed', 'breach']),
  reason: z.string(),
  sinceMs: timeSchema,
  generation: countSchema,
});

export const durableSchema: z.ZodType<DurableState> = z.object({
  bootCount: countSchema,
  factory: refSchema,
  committed: refSchema,
  previous: refSchema.nullable(),
  desired: z.object({ generation: countSchema, documentDigest: z.string() }).nullable(),
  kills: z.array(killsSchema).default([]),
  quarantine: z.array(quarantinedSchema).default([]),
  attempts: z.array(z.object({ digest: digestSchema, starts: countSchema, strikes: countSchema })).default([]),
});

/** Beside the state in its slot: the wall clock when it was written. */
export const savedSchema = z.object({ savedAtMs: timeSchema.default(0) });
