// What a source process is told to read: every kind of camera with its numbers, paths absolute, passwords filled in.
// Schema only; what a person may write is in source-options.ts.
import { z } from 'zod';
import { BelayError } from '../../shared/basics/errors.ts';

/** 240: the fastest line camera that a ring of eight slots can serve. */
export const fpsSchema = z.number().positive().max(240);

const pathSchema = z.string().min(1);
/** Pictures a second at most; null: as many as the camera gives. */
const fpsMaxSchema = fpsSchema.nullable();

export const sourceSchema = z.discriminatedUnion('kind', [
  /** A rendered film of a synthetic line, played at `fps` and around for ever. */
  z.looseObject({ kind: z.literal('line'), path: pathSchema, fps: fpsSchema }),
  /** The JPEG and PNG files of a folder in the order of their names, around for ever. */
  z.looseObject({ kind: z.literal('folder'), path: pathSchema, fps: fpsSchema }),
  /** A packed golden set: every picture once, as fast as slots come free. */
  z.looseObject({ kind: z.literal('golden'), path: pathSchema, framesMax: z.number().int().positive().optional() }),
  z.looseObject({ kind: z.literal('rtsp'), url: z.string(), transport: z.enum(['tcp', 'udp']), fps: fpsMaxSchema }),
  z.looseObject({
    kind: z.literal('v4l2'),
    device: pathSchema,
    size: z.string().nullable(),
    format: z.string().nullable(),
    fps: fpsMaxSchema,
  }),
  /** A video file at its own pace, or at `fps`; read once when it does not loop. */
  z.looseObject({ kind: z.literal('file'), path: pathSchema, loop: z.boolean(), fps: fpsMaxSchema }),
  /** HTTP multipart/x-mixed-replace: pictures one after the other in one answer. */
  z.looseObject({ kind: z.literal('mjpeg'), url: z.string(), caFile: z.string().nullable(), fps: fpsMaxSchema }),
  /** One HTTP request a picture. */
  z.looseObject({ kind: z.literal('snapshots'), url: z.string(), caFile: z.string().nullable(), fps: fpsSchema }),
]);

export type CameraSource = z.infer<typeof sourceSchema>;

/** Sources that give pictures at their own pace; the others are read by ours. */
export type LiveSource = Extract<CameraSource, { kind: 'rtsp' | 'v4l2' | 'file' | 'mjpeg' | 'snapshots' }>;
export type FfmpegSource = Extract<CameraSource, { kind: 'rtsp' | 'v4l2' | 'file' }>;
export type HttpSource = Extract<CameraSource, { kind: 'mjpeg' | 'snapshots' }>;

export function isLive(source: CameraSource): source is LiveSource {
  return source.kind !== 'line' && source.kind !== 'folder' && source.kind !== 'golden';
}

/** Code `source-unreadable`: there is nothing to read. Code `stalled`: it was read, and no more pictures come. */
export class SourceError extends BelayError {
  constructor(message: string, options: { readonly cause?: unknown; readonly isStall?: boolean } = {}) {
    super(options.isStall ? 'stalled' : 'source-unreadable', message, { cause: options.cause });
    this.name = 'SourceError';
  }
}
