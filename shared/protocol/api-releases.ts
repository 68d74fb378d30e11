// Bodies and answers of the registry's routes: /v1/artifacts, /v1/releases, /v1/manifests.
import { z } from 'zod';
import { countSchema, digestSchema, timeSchema } from '../basics/identifiers.ts';
import { CARD_CHARACTERS_MAX, modelCardSchema } from '../release/model-card.ts';
import { nextCursor, pageQuery } from './api-paging.ts';

export const releaseStateSchema = z.enum(['registered', 'candidate', 'stable', 'archived', 'withdrawn']);

export const actorSchema = z.string().min(1).max(200).default('operator');
export const reasonSchema = z.string().min(1, 'must say why').max(1000);

export const releaseSummarySchema = z.looseObject({
  /** `name:MAJOR.MINOR.PATCH+data=<tag>` */
  id: z.string(),
  /** SHA-256 of the canonical manifest. */
  digest: digestSchema,
  name: z.string(),
  version: z.string(),
  dataTag: z.string(),
  task: z.string(),
  owner: z.string(),
  changelog: z.string(),
  state: releaseStateSchema,
  registeredAtMs: timeSchema,
  registeredBy: z.string(),
  /** All files together. */
  bytes: countSchema,
});

/** Outcomes written back to the entry: registrations, rollouts, changes of state. */
export const releaseNoteSchema = z.looseObject({
  atMs: timeSchema,
  actor: z.string(),
  kind: z.string(),
  text: z.string(),
  rolloutId: z.string().nullable(),
});

export const releaseSchema = z.looseObject({
  ...releaseSummarySchema.shape,
  /** The manifest as registered (`belay.model/1`). */
  manifest: z.record(z.string(), z.unknown()),
  notes: z.array(releaseNoteSchema),
  /** As registered with it; null: it has none. */
  card: modelCardSchema.nullable().default(null),
});

/** One thing that was looked at; `ok: false` refuses the release. */
export const findingSchema = z.looseObject({
  check: z.enum(['manifest', 'files', 'contract', 'operators', 'golden', 'version', 'identity', 'card']),
  ok: z.boolean(),
  /** Dotted path in the manifest; '' when it concerns the whole. */
  path: z.string(),
  message: z.string(),
});

export const bumpSchema = z.looseObject({ bump: z.enum(['major', 'minor', 'patch']), because: z.string() });

export const registerBodySchema = z.looseObject({
  manifest: z.unknown(),
  /** The model card: a README with YAML front matter. */
  card: z.string().max(CARD_CHARACTERS_MAX).optional(),
  actor: actorSchema,
});

export const checkReportSchema = z.looseObject({
  ok: z.boolean(),
  /** Null while the manifest itself cannot be read. */
  id: z.string().nullable(),
  digest: digestSchema.nullable(),
  findings: z.array(findingSchema),
  /** The number this content would have to carry, with the reason; null for the first release of a name. */
  next: z.looseObject({ version: z.string(), ...bumpSchema.shape }).nullable(),
});

export const registeredSchema = z.looseObject({
  /** False when the very same release was there already. */
  created: z.boolean(),
  release: releaseSchema,
  report: checkReportSchema,
});

export const releaseListQuerySchema = z.looseObject({
  name: z.string().optional(),
  state: releaseStateSchema.optional(),
  ...pageQuery,
});
export const releaseListSchema = z.looseObject({ releases: z.array(releaseSummarySchema), ...nextCursor });

/** A full id, a short one without the data tag, or a digest. */
export const lookupBodySchema = z.looseObject({ reference: z.string().min(1).max(200) });

export const releaseStateBodySchema = z.looseObject({
  state: z.enum(['registered', 'archived', 'withdrawn']),
  actor: actorSchema,
  reason: reasonSchema,
});

export const artifactSchema = z.looseObject({ sha256: digestSchema, bytes: countSchema, created: z.boolean() });

export type ReleaseSummary = z.infer<typeof releaseSummarySchema>;
export type Release = z.infer<typeof releaseSchema>;
export type ReleaseNote = z.infer<typeof releaseNoteSchema>;
export type Finding = z.infer<typeof findingSchema>;
export type CheckReport = z.infer<typeof checkReportSchema>;
