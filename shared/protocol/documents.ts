// What the control plane tells a device: desired and kill documents. Signed on the wire (shared/signing), checked here.
// Documents are additive: unknown fields are kept and ignored. They describe a state, never a command.
import { z } from 'zod';
import { countSchema, digestSchema, nameSchema, timeSchema } from '../basics/identifiers.ts';
import { releaseIdTextSchema } from '../release/identity.ts';
import { deviceLimitsSchema } from './limits.ts';

/** A release as documents name it: the id for people, the manifest digest for machines (the digest decides). */
export const releaseRefSchema = z.looseObject({ release: releaseIdTextSchema, digest: digestSchema });

/** What a device shall do with the candidate: only prove it, shadow the live frames, or answer them. */
export const candidateRoleSchema = z.enum(['prove', 'shadow', 'serve']);

/** A candidate may answer only while its lease lasts. Counted from the device's own hello, never from an arrival. */
export const leaseTermsSchema = z.looseObject({
  /** One minute to one day in the field; shorter ones are for rehearsals. */
  ttlMs: z.number().int().min(1000).max(86_400_000),
  /** `revert`: the baseline answers until the lease is renewed. `hold`: the candidate goes on, and says so. */
  onLapse: z.enum(['revert', 'hold']).default('revert'),
});

export const desiredSchema = z.looseObject({
  v: z.literal(1),
  site: nameSchema,
  device: nameSchema,
  /** Ever growing per device; an older or equal generation is refused. */
  generation: countSchema.positive(),
  issuedAtMs: timeSchema,
  /** What answers when nothing else may. A new baseline that the device has proven and served is committed. */
  baseline: releaseRefSchema,
  candidate: z
    .looseObject({
      ...releaseRefSchema.shape,
      role: candidateRoleSchema,
      rolloutId: z.string().min(1).max(64),
      stage: z.string().min(1).max(64),
      /** Shadow: run every n-th frame. */
      sampleEvery: z.number().int().min(1).max(1000).default(1),
      /** Null: it may answer without one. */
      lease: leaseTermsSchema.nullable().default(null),
      /** A device that cannot hold both releases loaded refuses instead of falling back to a colder mode. */
      requireWarm: z.boolean().default(false),
      /** Shadow: most time that its runs may take, in percent of the time that passes; absent: no cap. */
      maxExtraLoadPct: z.number().min(0).max(100).optional(),
      /** How it is warmed up, and how often it is started to measure its cold start; absent: as its manifest says, once. */
      prewarm: z
        .looseObject({
          warmupFrames: z.number().int().min(1).max(100).nullable(),
          coldStartProbes: z.number().int().min(1).max(20),
        })
        .optional(),
    })
    .nullable(),
  /** Rollout and stage that the device belongs to, e.g. `ro-7q2/candidate`; `baseline` outside any rollout. */
  cohortId: z.string().min(1).max(130),
  limits: deviceLimitsSchema,
  /** Digests whose local quarantine a person has lifted. `below`: only one of an older generation than that. */
  liftQuarantine: z
    .array(z.looseObject({ digest: digestSchema, reason: z.string().min(1), below: countSchema.positive().optional() }))
    .default([]),
});

/** Whom a kill reaches; `release` and `rollout` also name the release that must stop answering. */
export const killScopeSchema = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('fleet') }),
  z.looseObject({ kind: z.literal('site'), site: nameSchema }),
  z.looseObject({ kind: z.literal('device'), site: nameSchema, device: nameSchema }),
  z.looseObject({ kind: z.literal('rollout'), rolloutId: z.string().min(1), digest: digestSchema }),
  z.looseObject({ kind: z.literal('release'), digest: digestSchema, release: releaseIdTextSchema }),
]);

export const killEntrySchema = z.looseObject({
  id: z.string().min(1).max(64),
  scope: killScopeSchema,
  reason: z.string().min(1).max(1000),
  actor: z.string().min(1).max(200),
  raisedAtMs: timeSchema,
});

/** Every kill in force on one topic. Retained; a newer epoch replaces it whole; no entries = nothing killed here. */
export const killDocumentSchema = z.looseObject({
  v: z.literal(1),
  /** Ever growing across the control plane. An older epoch is refused. */
  epoch: countSchema.positive(),
  issuedAtMs: timeSchema,
  kills: z.array(killEntrySchema).max(1000),
});

/** Answers one hello of one boot: the release named may answer frames for `ttlMs` from the moment of that hello. */
export const leaseSchema = z.looseObject({
  v: z.literal(1),
  site: nameSchema,
  device: nameSchema,
  /** Boot and number of the hello that it answers; any other is refused. */
  boot: z.string().min(8).max(64),
  nonce: countSchema.positive(),
  digest: digestSchema,
  generation: countSchema.positive(),
  ttlMs: leaseTermsSchema.shape.ttlMs,
  issuedAtMs: timeSchema,
});

/** Asks one boot of a device for pictures, once. Not retained, and no state: who is away when it is sent never hears of it. */
export const askSchema = z.looseObject({
  v: z.literal(1),
  site: nameSchema,
  device: nameSchema,
  boot: z.string().min(8).max(64),
  /** Names what is sent back; a device obeys each only once. */
  id: z.string().regex(/^[a-z0-9-]{8,64}$/),
  /** `disagreements`: from now on the largest of this shadow are kept, and those kept so far are sent. `forget`: none is kept. */
  what: z.enum(['last-frame', 'disagreements', 'forget']),
  issuedAtMs: timeSchema,
  /** Of `disagreements`: the shadow that is looked at, how many of its frames are kept, and for how long without another ask. */
  digest: digestSchema.optional(),
  framesMax: z.number().int().min(1).max(16).default(8),
  keepMs: z.number().int().min(1000).max(86_400_000).default(3_600_000),
  /** Of one JPEG. */
  pictureBytesMax: z.number().int().min(8192).max(1_000_000),
});

/** Sequence watermark: everything of this boot up to `seq` is stored at the control plane. */
export const ackSchema = z.looseObject({ v: z.literal(1), boot: z.string(), seq: countSchema });

export type ReleaseRef = z.infer<typeof releaseRefSchema>;
export type CandidateRole = z.infer<typeof candidateRoleSchema>;
export type Desired = z.infer<typeof desiredSchema>;
export type KillScope = z.infer<typeof killScopeSchema>;
export type KillEntry = z.infer<typeof killEntrySchema>;
export type KillDocument = z.infer<typeof killDocumentSchema>;
export type LeaseTerms = z.infer<typeof leaseTermsSchema>;
export type Lease = z.infer<typeof leaseSchema>;
export type Ask = z.infer<typeof askSchema>;
export type Ack = z.infer<typeof ackSchema>;
