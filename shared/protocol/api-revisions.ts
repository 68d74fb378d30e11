// Revisions of a running rollout, over HTTP: what somebody asks to change, what that changes, and who agreed.
import { z } from 'zod';
import { countSchema, digestSchema, timeSchema } from '../basics/identifiers.ts';
import { actorSchema, reasonSchema } from './api-releases.ts';

export const revisionChangeSchema = z.looseObject({
  path: z.string(),
  /** `tighten` and `neutral` come into force at once; `loosen` needs approval; `forbidden` is refused. */
  kind: z.enum(['tighten', 'loosen', 'forbidden', 'neutral']),
  sentence: z.string(),
});

const revisionHead = {
  number: countSchema,
  state: z.enum(['in-force', 'proposed', 'replaced', 'withdrawn']),
  /** The revision that it was made from; null of the first. */
  base: countSchema.nullable(),
  atMs: timeSchema,
  actor: z.string(),
  reason: z.string(),
  fileHash: digestSchema,
  planHash: digestSchema,
  changes: z.array(revisionChangeSchema),
  approvals: z.array(z.looseObject({ actor: z.string(), reason: z.string(), atMs: timeSchema })),
};

export const revisionHeadSchema = z.object(revisionHead);
/** `needed`: how many approvals a proposal needs; 0 when it loosens nothing. */
export const revisionSchema = z.looseObject({ ...revisionHead, needed: countSchema });

export const rolloutEditBodySchema = z.looseObject({
  /** The whole new text. */
  file: z.string().min(1).max(65_536),
  actor: actorSchema,
  reason: reasonSchema,
  /** The revision that it was made from (`revision` of the rollout); refused when another one is in force by now. */
  baseRevision: countSchema,
  /** Say what it would change, and write nothing. */
  dryRun: z.boolean().optional(),
});

export const rolloutEditedSchema = z.looseObject({
  /** `checked`: a dry run. */
  outcome: z.enum(['in-force', 'proposed', 'withdrawn', 'checked']),
  revision: countSchema,
  reason: z.string(),
  changes: z.array(revisionChangeSchema),
});

export const REVISION_VERBS = ['approve', 'withdraw'] as const;
export const revisionVerbPathSchema = z.looseObject({
  id: z.string().min(1).max(64),
  number: z.coerce.number().int().min(1).max(100_000),
  verb: z.enum(REVISION_VERBS),
});
export const revisionActBodySchema = z.looseObject({
  actor: actorSchema,
  reason: reasonSchema,
  /** approve: `planHash` of the revision as the approver has seen it. */
  planHash: digestSchema.optional(),
});

export type RevisionHead = z.infer<typeof revisionHeadSchema>;
export type Revision = z.infer<typeof revisionSchema>;
export type RolloutEditBody = z.infer<typeof rolloutEditBodySchema>;
export type RolloutEdited = z.infer<typeof rolloutEditedSchema>;
export type RevisionVerb = (typeof REVISION_VERBS)[number];
export type RevisionActBody = z.infer<typeof revisionActBodySchema>;
