// Release identity: `name:MAJOR.MINOR.PATCH+data=<tag>`, e.g. `cv-detector:2.0.0+data=b4f7a1`.
import { z } from 'zod';

export type Version = { readonly major: number; readonly minor: number; readonly patch: number };

export type ReleaseId = { readonly name: string; readonly version: string; readonly dataTag: string };

const NAME = /^[a-z][a-z0-9-]{1,62}[a-z0-9]$/;
const VERSION = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/;
const DATA_TAG = /^[a-z0-9]{4,40}$/;

export const releaseNameSchema = z.string().regex(NAME, 'must be a name such as "cv-detector" (a-z, 0-9, "-")');
export const versionSchema = z.string().regex(VERSION, 'must be MAJOR.MINOR.PATCH, such as "2.0.0"');
export const dataTagSchema = z
  .string()
  .regex(DATA_TAG, 'must be a data tag of 4 to 40 of a-z and 0-9, such as "b4f7a1"');

/** `cv-detector:2.0.0+data=b4f7a1` */
export function formatReleaseId(id: ReleaseId): string {
  return `${id.name}:${id.version}+data=${id.dataTag}`;
}

/** Reads a full or short reference: the `+data=` part may be left out by people. Null when it is neither. */
export function parseReleaseReference(text: string): { name: string; version: string; dataTag: string | null } | null {
  const match = /^([^:+]+):([^:+]+)(?:\+data=([^:+]+))?$/.exec(text);
  if (!match) return null;
  const [, name = '', version = '', dataTag] = match;
  if (!NAME.test(name) || !VERSION.test(version)) return null;
  if (dataTag !== undefined && !DATA_TAG.test(dataTag)) return null;
  return { name, version, dataTag: dataTag ?? null };
}

export const releaseIdTextSchema = z
  .string()
  .refine((text) => parseReleaseReference(text)?.dataTag != null, 'must be name:MAJOR.MINOR.PATCH+data=tag');

export function parseVersion(text: string): Version | null {
  const match = VERSION.exec(text);
  return match ? { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) } : null;
}

export function formatVersion(version: Version): string {
  return `${version.major}.${version.minor}.${version.patch}`;
}

/** Negative when `a` is older than `b`. */
export function compareVersions(a: Version, b: Version): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch;
}
