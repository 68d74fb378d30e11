// What a person may write for a camera's `source`, and how that becomes what the source process is told. Passwords come
// from a file or stand in the URL; every mistake is told with its place.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { describeError } from '../../shared/basics/errors.ts';
import { nameSchema } from '../../shared/basics/identifiers.ts';
import type { Problem } from '../../shared/basics/parsing.ts';
import { type CameraSource, fpsSchema } from './camera-source.ts';

const pathSchema = z.string().min(1);

/** With `passwordFile` the URL names the user alone. */
const httpOptions = {
  url: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as http://10.0.0.7/video.mjpg' })
    .describe('user and password may stand in it'),
  passwordFile: pathSchema.optional(),
  /** PEM of who has signed the camera's certificate, when no public authority has. */
  caFile: pathSchema.optional(),
};

/** Of one camera; strict, so that a misspelt option is told. */
export const cameraSourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('line'), loop: pathSchema, fps: fpsSchema }),
  z.strictObject({ kind: z.literal('folder'), path: pathSchema, fps: fpsSchema }),
  z.strictObject({
    kind: z.literal('rtsp'),
    url: z.url({ protocol: /^rtsps?$/, error: 'must be a URL such as rtsp://10.0.0.7:554/stream1' }),
    passwordFile: pathSchema.optional(),
    transport: z.enum(['tcp', 'udp']).default('tcp'),
    fps: fpsSchema.optional(),
  }),
  z.strictObject({
    kind: z.literal('v4l2'),
    device: z.string().regex(/^\/dev\//, 'must be a device such as /dev/video0'),
    size: z
      .string()
      .regex(/^[1-9]\d{1,4}x[1-9]\d{1,4}$/, 'must be a size such as 1280x720')
      .optional(),
    format: z.enum(['mjpeg', 'yuyv422', 'nv12', 'h264']).optional(),
    fps: fpsSchema.optional(),
  }),
  z.strictObject({
    kind: z.literal('file'),
    path: pathSchema,
    loop: z.boolean().default(true),
    fps: fpsSchema.optional(),
  }),
  z.strictObject({ kind: z.literal('mjpeg'), ...httpOptions, fps: fpsSchema.optional() }),
  z.strictObject({ kind: z.literal('snapshots'), ...httpOptions, fps: fpsSchema.max(60) }),
]);

export type CameraSourceOptions = z.infer<typeof cameraSourceSchema>;

/** A camera may be as still as its scene: an encoder renews its picture at least every ten seconds. */
const FROZEN_AFTER_MS = 30_000;

/** One entry of `cameras`. */
export const cameraSchema = z.strictObject({
  id: nameSchema,
  source: cameraSourceSchema,
  /** The very same picture for this long is a frozen camera; null: never. Only for cameras that give pictures by themselves. */
  frozenAfterMs: z.number().int().min(1000).max(86_400_000).nullable().default(FROZEN_AFTER_MS),
});

export type CameraConfig = {
  readonly id: string;
  readonly source: CameraSource;
  readonly frozenAfterMs: number | null;
};

/** Mistakes are added to `problems`; then the result is not to be used. */
export function readCameras(
  cameras: readonly z.infer<typeof cameraSchema>[],
  around: Omit<Surroundings, 'place'>,
): readonly CameraConfig[] {
  return cameras.map(({ id, source, frozenAfterMs }, index) => {
    const place = `cameras.${index}.source`;
    return { id, source: readSource(source, { ...around, place }), frozenAfterMs };
  });
}

type Surroundings = {
  /** The place of a relative path. */
  readonly at: (path: string) => string;
  /** Where this source stands in the file, for its mistakes. */
  readonly place: string;
  readonly problems: Problem[];
};

function readSource(options: CameraSourceOptions, around: Surroundings): CameraSource {
  const { at } = around;
  switch (options.kind) {
    case 'line':
      return { kind: 'line', path: at(options.loop), fps: options.fps };
    case 'folder':
      return { kind: 'folder', path: at(options.path), fps: options.fps };
    case 'rtsp':
      return { kind: 'rtsp', url: urlOf(options, around), transport: options.transport, fps: options.fps ?? null };
    case 'v4l2': {
      const { kind, device, size, format, fps } = options;
      return { kind, device, size: size ?? null, format: format ?? null, fps: fps ?? null };
    }
    case 'file':
      return { kind: 'file', path: at(options.path), loop: options.loop, fps: options.fps ?? null };
    case 'mjpeg':
      return { kind: 'mjpeg', ...httpOf(options, around), fps: options.fps ?? null };
    case 'snapshots':
      return { kind: 'snapshots', ...httpOf(options, around), fps: options.fps };
  }
}

type WithUrl = { readonly url: string; readonly passwordFile?: string | undefined };

function httpOf(options: WithUrl & { readonly caFile?: string | undefined }, around: Surroundings) {
  return { url: urlOf(options, around), caFile: options.caFile === undefined ? null : around.at(options.caFile) };
}

function urlOf({ url, passwordFile }: WithUrl, { at, place, problems }: Surroundings): string {
  if (passwordFile === undefined) return url;
  const wrong = (message: string): string => {
    problems.push({ path: `${place}.passwordFile`, message });
    return url;
  };
  const complete = new URL(url);
  if (complete.username === '') return wrong('needs the user in the URL, as in http://viewer@10.0.0.7/');
  if (complete.password !== '') return wrong('the URL holds a password already; give one of them');
  try {
    const password = readFileSync(at(passwordFile), 'utf8').trim();
    if (password === '') return wrong(`${at(passwordFile)} is empty`);
    complete.password = encodeURIComponent(password);
  } catch (error) {
    return wrong(`cannot be read: ${describeError(error)}`);
  }
  return complete.href;
}
