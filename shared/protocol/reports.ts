// What a device tells the control plane besides windows: hello, status, reported and events.
import { z } from 'zod';
import { countSchema, digestSchema, nameSchema, timeSchema } from '../basics/identifiers.ts';
import { releaseRefSchema } from './documents.ts';
import { goldenScoreSchema } from './golden-score.ts';
import { hardwareSchema } from './hardware.ts';

const deviceHeader = { v: z.literal(1), site: nameSchema, device: nameSchema, boot: z.string().min(8).max(64) };

/**
 * First message of every connection: what the device has reached, so that whatever is behind is sent again.
 * Repeated while a candidate with a lease is desired, each third of its time.
 */
export const helloSchema = z.looseObject({
  ...deviceHeader,
  agentVersion: z.string(),
  hardwareClass: nameSchema,
  line: nameSchema.nullable(),
  generation: countSchema,
  killEpoch: countSchema,
  seq: countSchema,
  /** Asks for a lease of this release; `nonce` grows by one with every such hello of a boot. */
  lease: z.looseObject({ nonce: countSchema.positive(), digest: digestSchema }).nullable().default(null),
});

/** Retained; the last will says `online: false` with the same boot. */
export const statusSchema = z.looseObject({ ...deviceHeader, online: z.boolean(), clean: z.boolean().default(false) });

export const agentPhaseSchema = z.enum([
  'boot',
  'baseline',
  'staging',
  'proving',
  'ready',
  'shadow',
  'candidate',
  'reverting',
  'halted',
]);

/** Why a device does not do what is desired: bounded kinds, a sentence for people. */
export const blockedSchema = z.looseObject({
  kind: z.enum([
    'killed',
    'quarantined',
    'download-failed',
    'wrong-digest',
    'bad-manifest',
    'load-failed',
    'proof-failed',
    'breached',
    'disk-full',
    'bad-signature',
    'older-generation',
    'malformed-document',
    'unknown-release',
    'camera-lost',
    'baseline-failed',
    'lease-lapsed',
    'not-warm',
    'flapping',
    'camera-unusable',
  ]),
  reason: z.string().max(2000),
  sinceMs: timeSchema,
});

/** Execution provider that the manifest asked for first, and the one in use. */
const providerSchema = z.looseObject({ asked: z.string(), used: z.string() });

const proofSchema = z.looseObject({
  digest: digestSchema,
  release: z.string(),
  passed: z.boolean(),
  reason: z.string(),
  atMs: timeSchema,
  frames: countSchema,
  loadMs: z.number().nonnegative(),
  /** Start of the runner to its first answer. */
  coldStartMs: z.number().nonnegative(),
  /** The same for every start that was measured, this one first; absent: an older agent, which measures one. */
  coldStartsMs: z.array(z.number().nonnegative()).max(20).optional(),
  scores: z.array(goldenScoreSchema),
});

export const reportedSchema = z.looseObject({
  ...deviceHeader,
  atMs: timeSchema,
  agentVersion: z.string(),
  hardwareClass: nameSchema,
  line: nameSchema.nullable(),
  generation: countSchema,
  killEpoch: countSchema,
  /** False: `generation` is remembered from before this boot; its document has not arrived again and nothing is in force. */
  desiredInForce: z.boolean().default(true),
  phase: agentPhaseSchema,
  /** The release that answers live frames now, and how many it has answered since it took over. */
  serving: releaseRefSchema.nullable(),
  servedFrames: countSchema,
  servingBecause: z.string(),
  committed: releaseRefSchema.nullable(),
  previous: releaseRefSchema.nullable(),
  candidate: z
    .looseObject({
      ...releaseRefSchema.shape,
      role: z.string(),
      state: z.string(),
      /** Of its runner, a shadow's too; null: none has been loaded here yet, or an older agent. */
      provider: providerSchema.nullable().default(null),
    })
    .nullable(),
  /** Whether the baseline stands loaded beside the candidate, rests, or the candidate found no room at all. */
  mode: z.enum(['warm', 'cold-baseline', 'refuse']),
  /** The memory that decided it, in words. */
  modeBecause: z.string().max(500).default(''),
  /** How long going back takes while the baseline rests: its cold start as measured here; null: it does not rest. */
  swapMs: z.number().nonnegative().nullable().default(null),
  /** The candidate's lease; null when it needs none. `leftMs` by the device's clock at the time of this report. */
  lease: z
    .looseObject({ state: z.enum(['none', 'running', 'lapsed', 'held']), leftMs: z.number().nonnegative() })
    .nullable()
    .default(null),
  /** Null: an older agent, which does not say. */
  hardware: hardwareSchema.nullable().default(null),
  /** Of what serves. */
  provider: providerSchema.nullable(),
  /** Whether a runner may map no more memory than its release was granted; when not, why. */
  memoryLimit: z.looseObject({ enforced: z.boolean(), reason: z.string() }).optional(),
  /** Whether its own configuration lets pictures leave it; left out: an older agent, which has none to give. */
  pictures: z.enum(['allowed', 'never']).optional(),
  proofs: z.array(proofSchema),
  quarantine: z.array(
    z.looseObject({
      digest: digestSchema,
      release: z.string(),
      reason: z.string(),
      kind: z.string(),
      sinceMs: timeSchema,
    }),
  ),
  kills: z.array(z.looseObject({ id: z.string(), reason: z.string() })),
  /** Where answers go: handed over and lost since the start, and what hinders it now. */
  sinks: z
    .array(
      z.looseObject({
        sink: z.string(),
        sent: countSchema,
        dropped: z.record(z.string(), countSchema),
        trouble: z.string().nullable(),
      }),
    )
    .default([]),
  blocked: z.array(blockedSchema),
  /** Documents and messages refused since boot, by kind. */
  refused: z.record(z.string(), countSchema).default({}),
});

export const eventKindSchema = z.enum([
  'boot',
  'proof',
  'shadow-started',
  'serving',
  'reverted',
  'kill-ack',
  'rearmed',
  'breach',
  'crash',
  'quarantined',
  'quarantine-lifted',
  'committed',
  'download-failed',
  'document-refused',
  'camera-lost',
  'camera-back',
  'spool-dropped',
  'clock-behind',
  'disk-fault',
  'disk-back',
  'lease-lapsed',
  'lease-renewed',
  /** Baseline, previous and factory release have all failed: nobody answers. An alarm. */
  'halted',
]);

/** Safety events: never dropped, delivered at once, counted exactly once by (device, boot, seq). */
export const eventSchema = z.looseObject({
  ...deviceHeader,
  seq: countSchema.positive(),
  kind: eventKindSchema,
  atMs: timeSchema,
  reason: z.string().max(2000),
  digest: digestSchema.optional(),
  release: z.string().optional(),
  rolloutId: z.string().optional(),
  generation: countSchema.optional(),
  /** Kill acknowledgement: the epoch obeyed, and flag received → first frame answered by the baseline, by the device's monotonic clock. */
  killEpoch: countSchema.optional(),
  effectMs: z.number().nonnegative().optional(),
  wasServing: z.boolean().optional(),
  /** Frame that the acknowledged answer belongs to. */
  requestId: z.string().optional(),
  breach: z.string().optional(),
  /** Revert: time from the decision to the first baseline answer. */
  gapMs: z.number().nonnegative().optional(),
});

export type Hello = z.infer<typeof helloSchema>;
export type DeviceStatus = z.infer<typeof statusSchema>;
export type AgentPhase = z.infer<typeof agentPhaseSchema>;
export type Blocked = z.infer<typeof blockedSchema>;
export type Proof = z.infer<typeof proofSchema>;
export type Reported = z.infer<typeof reportedSchema>;
export type DeviceEvent = z.infer<typeof eventSchema>;
export type EventKind = z.infer<typeof eventKindSchema>;
