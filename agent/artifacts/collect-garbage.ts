// Space back: releases that nobody may fall back to, artifacts that no release links to, and old half downloads.
// What it is told to keep is never touched, and what it cannot read stays.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A half download older than this will not be resumed. */
const PART_AGE_MS_MAX = 24 * 3_600_000;

type Places = { readonly releases: string; readonly artifacts: string };

export async function collectGarbage(places: Places, keep: readonly string[], nowMs = Date.now()): Promise<void> {
  const kept = new Set(keep);
  for (const name of await namesIn(places.releases)) {
    const digest = name.replace(/\.part$/, '');
    if (!kept.has(digest)) await rm(join(places.releases, name), { recursive: true, force: true });
  }
  for (const name of await namesIn(places.artifacts)) await collectArtifact(join(places.artifacts, name), nowMs);
}

async function collectArtifact(path: string, nowMs: number): Promise<void> {
  const { nlink, mtimeMs } = await stat(path);
  const isPart = /\.(part|new)$/.test(path);
  // One link is our own: no release folder holds the file. A young one may belong to a fetch that is under way.
  // Both ways: a file from the future was written while the clock was wrong, and nobody would ever come to remove it.
  const isOld = Math.abs(nowMs - mtimeMs) > PART_AGE_MS_MAX;
  if (isPart ? isOld : nlink <= 1 && isOld) await rm(path, { force: true });
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
