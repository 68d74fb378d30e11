// Pictures that devices give when somebody asks: what a device sends, what people are shown, and the policy of a site.
import { z } from 'zod';
import { nameSchema, timeSchema } from '../basics/identifiers.ts';
import { actorSchema, reasonSchema } from './api-releases.ts';

/** Of one JPEG: a frame of 1280 px in good quality. */
export const PICTURE_BYTES_MAX = 256 * 1024;
/** Of one upload: eight cameras, or eight disagreements. */
export const PICTURES_MAX = 8;
/** Base64 takes a third more; and boxes. */
export const UPLOAD_BYTES_MAX = 4 * 1024 * 1024;
/** A crowd says no more than this many. */
const OBJECTS_MAX = 300;

export const pictureKindSchema = z.enum(['last-frame', 'disagreements']);

const boxSchema = z.tuple([z.number(), z.number(), z.number(), z.number()]);

export const shownArmSchema = z.looseObject({
  arm: z.enum(['baseline', 'candidate']),
  release: z.string().max(300),
  objects: z
    .array(
      z.looseObject({
        label: z.string().max(200),
        score: z.number().min(0).max(1),
        /** x, y, width, height in pixels of the picture; null: the whole of it. */
        box: boxSchema.nullable(),
        /** The other arm has answered this frame and has not found this there. */
        isDisputed: z.boolean(),
      }),
    )
    .max(OBJECTS_MAX),
});

const pictureShape = {
  cameraId: nameSchema,
  requestId: z.string().max(300),
  width: z.number().int().positive().max(20_000),
  height: z.number().int().positive().max(20_000),
  /** One arm, or two that have answered the very same frame. */
  arms: z.array(shownArmSchema).min(1).max(2),
  /** Sure answers of one arm that the other has not, added up by their scores. */
  disagreement: z.number().nonnegative(),
  /** JPEG in base64: every one begins so. */
  jpeg: z
    .base64()
    .startsWith('/9j/')
    .max(Math.ceil((PICTURE_BYTES_MAX * 4) / 3) + 4),
};

export const sentPictureSchema = z.looseObject({
  ...pictureShape,
  /** Since it was taken, by the device's own clock that no one sets. */
  ageMs: z.number().nonnegative(),
});

/** What a device answers to one ask. */
export const pictureUploadSchema = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('pictures'),
    pictures: z.array(sentPictureSchema).max(PICTURES_MAX),
    /** What is missing, and why; null: nothing. */
    note: z.string().max(500).nullable(),
  }),
  z.looseObject({ kind: z.literal('refused'), reason: z.string().min(1).max(500) }),
]);

export const uploadPathSchema = z.looseObject({
  site: nameSchema,
  device: nameSchema,
  ask: z.string().regex(/^[a-z0-9-]{8,64}$/),
});
export const uploadTakenSchema = z.looseObject({ taken: z.literal(true) });

export const keptPictureSchema = z.looseObject({ ...pictureShape, takenAtMs: timeSchema });

/** The newest ask of a device, and what became of it. */
export const askStateSchema = z.looseObject({
  id: z.string(),
  state: z.enum(['asked', 'answered', 'refused', 'expired']),
  askedAtMs: timeSchema,
  /** What the device said about it; null: nothing. */
  says: z.string().nullable(),
});

export const framesAnswerSchema = z.looseObject({
  site: z.string(),
  device: z.string(),
  pictures: z.array(keptPictureSchema),
  ask: askStateSchema.nullable(),
  /** Policy of the site. */
  policy: z.enum(['on', 'off']),
  /** When the control plane forgets these pictures; null: there are none. */
  forgottenAtMs: timeSchema.nullable(),
});

const askReason = reasonSchema.optional();
export const frameAskBodySchema = z.looseObject({ reason: askReason, actor: actorSchema });

/** Disagreements of one device with its candidate, newest ask first. */
export const rolloutFramesSchema = z.looseObject({
  devices: z.array(framesAnswerSchema),
  /** Why devices that shadow were not asked, by how many. */
  notAsked: z.array(z.looseObject({ why: z.string(), devices: z.number().int().positive() })),
});

export const sitePathSchema = z.looseObject({ site: nameSchema });
export const sitePolicySchema = z.looseObject({
  site: z.string(),
  pictures: z.enum(['on', 'off']),
  /** Null: it was never touched. */
  changedAtMs: timeSchema.nullable(),
  changedBy: z.string().nullable(),
});
export const sitePolicyBodySchema = z.looseObject({
  pictures: z.enum(['on', 'off']),
  reason: reasonSchema,
  actor: actorSchema,
});

export type PictureKind = z.infer<typeof pictureKindSchema>;
export type ShownArm = z.infer<typeof shownArmSchema>;
export type SentPicture = z.infer<typeof sentPictureSchema>;
export type PictureUpload = z.infer<typeof pictureUploadSchema>;
export type KeptPicture = z.infer<typeof keptPictureSchema>;
export type AskState = z.infer<typeof askStateSchema>;
export type FramesAnswer = z.infer<typeof framesAnswerSchema>;
export type RolloutFrames = z.infer<typeof rolloutFramesSchema>;
export type SitePolicy = z.infer<typeof sitePolicySchema>;
