// What each camera looks like when all is well, kept over restarts: a lens that was hit at night must not become its own
// reference in the morning. A file that cannot be read is forgotten, and the cameras are learned anew.
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { describeError } from '../../shared/basics/errors.ts';
import { nameSchema } from '../../shared/basics/identifiers.ts';
import { parseJson } from '../../shared/basics/parsing.ts';
import type { RoomLog } from '../frames/child-log.ts';
import type { HealthReference } from './camera-health.ts';

const amountSchema = z.number().nonnegative().max(1e9);
const shareSchema = z.number().min(0).max(1);

const fileSchema = z.object({
  v: z.literal(1),
  cameras: z
    .array(
      z.object({
        cameraId: nameSchema,
        /** Names the place that the camera looks at: another source is learned anew. */
        source: z.string().max(64),
        reference: z.object({
          lumaHistogram: z.array(shareSchema).length(16),
          sharpness: amountSchema,
          saturatedShare: shareSchema,
          redBlueRatio: amountSchema.nullable(),
        }),
      }),
    )
    .max(16),
});

type Entry = z.infer<typeof fileSchema>['cameras'][number];
type References = ReadonlyMap<string, HealthReference>;

export type ReferenceFile = {
  /** Of an earlier run, for the cameras whose source is still the same. */
  readonly known: References;
  /** Writes when there is something new to keep. */
  readonly keep: (references: References) => void;
};

export type ReferenceFileOptions = {
  readonly dataDir: string;
  readonly cameras: readonly { readonly id: string; readonly source: Readonly<Record<string, unknown>> }[];
  readonly log: RoomLog;
};

export function openReferenceFile({ dataDir, cameras, log }: ReferenceFileOptions): ReferenceFile {
  const path = join(dataDir, 'camera-references.json');
  const sources = new Map(cameras.map(({ id, source }) => [id, sourceName(source)]));
  const entries = readEntries(path, log).filter(({ cameraId, source }) => sources.get(cameraId) === source);
  let kept: References = new Map(entries.map(({ cameraId, reference }) => [cameraId, reference]));
  return {
    known: kept,
    keep(references) {
      if ([...references].every(([cameraId, reference]) => kept.get(cameraId) === reference)) return;
      kept = new Map(references);
      const fresh = [...references].map(([cameraId, { lumaHistogram, sharpness, saturatedShare, redBlueRatio }]) => ({
        cameraId,
        source: sources.get(cameraId) ?? '',
        reference: { lumaHistogram: [...lumaHistogram], sharpness, saturatedShare, redBlueRatio },
      }));
      write(path, fresh, log);
    },
  };
}

/** By where it looks and not by how it is asked: a new password or pace makes no other camera of it. */
function sourceName(source: Readonly<Record<string, unknown>>): string {
  const { kind, path = null, device = null, url = null } = source;
  const place = typeof url === 'string' ? withoutCredentials(url) : (path ?? device);
  return createHash('sha256')
    .update(JSON.stringify([kind, place]))
    .digest('hex')
    .slice(0, 16);
}

function withoutCredentials(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

function readEntries(path: string, log: RoomLog): readonly Entry[] {
  if (!existsSync(path)) return [];
  try {
    const parsed = parseJson(fileSchema, readFileSync(path));
    if (parsed.ok) return parsed.value.cameras;
    log.warn({ path }, 'the kept references of the cameras cannot be read; they will be learned again');
  } catch (error) {
    log.warn({ path, error: describeError(error) }, 'the kept references of the cameras cannot be read');
  }
  return [];
}

/** Whole or not at all, also when the power goes. */
function write(path: string, cameras: readonly Entry[], log: RoomLog): void {
  const draft = `${path}.new`;
  try {
    const fd = openSync(draft, 'w', 0o600);
    try {
      writeSync(fd, JSON.stringify({ v: 1, cameras }));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, path);
  } catch (error) {
    log.warn({ path, error: describeError(error) }, 'the references of the cameras could not be kept');
    discard(draft);
  }
}

function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A disk that is read-only holds none.
  }
}
