// The window: everything a device reports about its frames over a period (one minute by default).
// Counters and mergeable sketches only, so that windows add up; a ratio is computed where it is shown, with its count.
import { z } from 'zod';
import { countSchema, digestSchema, nameSchema, timeSchema } from '../basics/identifiers.ts';
import { sketchWireSchema } from './latency-sketch.ts';
import { sensorsSchema } from './sensors.ts';

export const SCORE_BINS = 20;

const countsByName = z.record(z.string(), countSchema);

/** Quality proxies: they say "different", never "worse", so they are shown and not judged. */
const proxiesSchema = z.looseObject({
  /** Confident detections in all frames, and the sum of their scores. */
  detections: countSchema,
  scoreSum: z.number().nonnegative(),
  /** The same detections by score, in twenty equal steps from 0 to 1; older agents do not count them. */
  scoreBins: z.array(countSchema).max(SCORE_BINS).optional(),
  byClass: countsByName,
  /** Boxes below the answer threshold, from 0.15 up: border share = borderline / (borderline + detections). */
  borderline: countSchema,
  emptyFrames: countSchema,
  /** Tracks that live fewer than 3 frames / all frames of tracks. */
  flickers: countSchema,
  trackFrames: countSchema,
  /** Sum over detections of the binary entropy of the score, in bits. */
  entropySum: z.number().nonnegative(),
});

/** What one release did in one role during the window. */
export const armSchema = z.looseObject({
  release: z.string(),
  digest: digestSchema,
  role: z.enum(['baseline', 'candidate', 'shadow']),
  /** Frames it was given, answered, and failed on, by kind. */
  frames: countSchema,
  answered: countSchema,
  errors: countsByName,
  /** Frame captured → answer ready, ms; and the model run alone, ms. */
  latencyMs: sketchWireSchema,
  runMs: sketchWireSchema,
  /** Time during which it served (or shadowed), for rates; FPS = answered / activeMs. */
  activeMs: z.number().nonnegative(),
  /** CPU seconds and resident memory of its runner process; null when they cannot be read. */
  cpuSeconds: z.number().nonnegative().nullable(),
  rssBytes: countSchema.nullable(),
  proxies: proxiesSchema,
});

/** Candidate and baseline on the same frames, matched by IoU ≥ 0.5. `confident` means score ≥ 0.55. */
const pairedClassSchema = z.looseObject({
  class: z.string(),
  /** Confident baseline detections; those the candidate does not report at all; those at the same place with another class. */
  baselineConfident: countSchema,
  lost: countSchema,
  wrongClass: countSchema,
  /** Confident candidate detections; those the baseline does not report at all. */
  candidateConfident: countSchema,
  gained: countSchema,
});

export const pairedSchema = z.looseObject({
  baselineDigest: digestSchema,
  candidateDigest: digestSchema,
  frames: countSchema,
  classes: z.array(pairedClassSchema),
  /** Boxes from 0.15 up, and those below the threshold, of each arm on these frames. */
  baselineBoxes: countSchema,
  baselineBorderline: countSchema,
  candidateBoxes: countSchema,
  candidateBorderline: countSchema,
  /** Frames that the shadow was offered; `frames` of them were compared. Coverage = frames / offered. */
  offered: countSchema,
});

const cameraSchema = z.looseObject({
  cameraId: nameSchema,
  captured: countSchema,
  processed: countSchema,
  dropped: countsByName,
  lostMs: z.number().nonnegative(),
  /** Against the camera's own reference; null: not enough samples. */
  lumaShift: z.number().nonnegative().nullable(),
  sharpnessRatio: z.number().nonnegative().nullable(),
  saturatedShare: z.number().min(0).max(1).nullable(),
  redBlueRatio: z.number().nonnegative().nullable(),
  /** Detections that stay at the same place of the picture while the line moves / all detections. */
  staticDetections: countSchema,
  trackedDetections: countSchema,
  /** Null: no reference yet. */
  healthy: z.boolean().nullable(),
  /** Why it is not healthy, in words. */
  finding: z.string().nullable(),
});

export const windowSchema = z
  .looseObject({
    v: z.literal(1),
    site: nameSchema,
    device: nameSchema,
    boot: z.string().min(8).max(64),
    seq: countSchema.positive(),
    startAtMs: timeSchema,
    endAtMs: timeSchema,
    hardwareClass: nameSchema,
    cohortId: z.string(),
    generation: countSchema,
    killEpoch: countSchema,
    /** True when something of the window was lost or a switch happened inside it: shown, not judged. */
    partial: z.boolean(),
    arms: z.array(armSchema).max(8),
    paired: pairedSchema.nullable(),
    cameras: z.array(cameraSchema).max(16),
    sensors: sensorsSchema,
    /** Windows and samples lost by the spool since the last window. */
    spoolDropped: countsByName.default({}),
  })
  .refine((window) => window.endAtMs >= window.startAtMs, { path: ['endAtMs'], message: 'lies before startAtMs' });

export type Window = z.infer<typeof windowSchema>;
export type Arm = z.infer<typeof armSchema>;
export type Proxies = z.infer<typeof proxiesSchema>;
export type Paired = z.infer<typeof pairedSchema>;
export type PairedClass = z.infer<typeof pairedClassSchema>;
export type CameraWindow = z.infer<typeof cameraSchema>;
export type Sensors = z.infer<typeof sensorsSchema>;
