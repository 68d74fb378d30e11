// What must be true of a data folder after a power cut, looked at with the rooms' own eyes: readable state, whole releases
// only, every acknowledged safety event, and what had been obeyed is still obeyed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DurableState } from '../../agent/core/state.ts';
import { readSlots } from '../../agent/state/slots.ts';
import { closeSpoolFile, openSpoolFile } from '../../agent/telemetry/spool-file.ts';
import { type Manifest, manifestSchema } from '../../shared/release/manifest.ts';
import type { LoggedEvent } from './device.ts';

export type Expected = {
  readonly boot: string;
  /** Stored and told to their callers before the cut. */
  readonly events: readonly LoggedEvent[];
  /** What the control plane had acknowledged by then needs no copy here. */
  readonly isAcknowledged: (seq: number) => boolean;
  /** One of these is committed. */
  readonly committed: readonly string[];
};

export type Found = {
  readonly faults: readonly string[];
  readonly durable: DurableState | null;
  readonly whole: number;
  /** Downloads and installs that the cut has caught half way. */
  readonly halves: number;
};

export function checkDataDir(dataDir: string, expected: Expected): Found {
  const faults: string[] = [];
  const { durable, found } = readSlots(dataDir);
  if (durable === null) return { faults: [`the state cannot be read: slots ${found}`], durable, whole: 0, halves: 0 };
  const whole = checkReleases(dataDir, faults);
  const { committed, factory } = durable;
  if (!expected.committed.includes(committed.digest))
    faults.push(`${committed.digest} is committed, and was never to be`);
  for (const { digest } of [committed, factory])
    if (!whole.has(digest)) faults.push(`${digest.slice(0, 12)}, committed or factory, is not whole`);
  const kept = readSpool(join(dataDir, 'spool.db'), faults);
  for (const { seq, event } of expected.events) {
    const key = `${expected.boot} ${seq}`;
    if (!kept.has(key) && !expected.isAcknowledged(seq)) faults.push(`event ${seq} (${event}) is lost`);
    const epoch = kept.get(key)?.killEpoch;
    const obeyed = durable.kills.find((kills) => kills.topic === 'fleet')?.epoch ?? 0;
    if (epoch !== undefined && obeyed < epoch) faults.push(`kill ${epoch} was acknowledged, the state knows ${obeyed}`);
  }
  const names = ['releases', 'artifacts'].flatMap((name) => namesIn(join(dataDir, name)));
  return { faults, durable, whole: whole.size, halves: names.filter((name) => name.endsWith('.part')).length };
}

/** Whatever the agent would take for a release is one, byte by byte; gives their digests. */
function checkReleases(dataDir: string, faults: string[]): ReadonlySet<string> {
  const whole = new Set<string>();
  for (const digest of namesIn(join(dataDir, 'releases'))) {
    const folder = join(dataDir, 'releases', digest);
    const files = filesOf(folder, digest);
    // Absent or half: the agent does not take it for a release, and fetches it again.
    if (files === null || files.some((file) => sizeOf(join(folder, file.path)) !== file.bytes)) continue;
    const torn = files.filter((file) => sha256Of(join(folder, file.path)) !== file.sha256);
    for (const { path } of torn) faults.push(`${digest.slice(0, 12)} counts as installed with a torn ${path}`);
    whole.add(digest);
  }
  for (const name of namesIn(join(dataDir, 'artifacts'))) {
    const isWhole = name.includes('.') || sha256Of(join(dataDir, 'artifacts', name)) === name;
    if (!isWhole) faults.push(`artifact ${name.slice(0, 12)} is torn`);
  }
  return whole;
}

function filesOf(folder: string, digest: string): Manifest['files'] | null {
  const path = join(folder, 'manifest.json');
  if (!existsSync(path) || sha256Of(path) !== digest) return null;
  return manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).files;
}

function sizeOf(path: string): number | null {
  return existsSync(path) ? statSync(path).size : null;
}

type KeptEvent = { readonly killEpoch?: number };

function readSpool(path: string, faults: string[]): ReadonlyMap<string, KeptEvent> {
  const { database, setAside } = openSpoolFile(path);
  if (setAside !== null) faults.push(`the spool was broken: ${setAside}`);
  const rows = database.prepare("SELECT boot, seq, body FROM entries WHERE class = 'event'").all() as {
    boot: string;
    seq: number;
    body: string;
  }[];
  closeSpoolFile(path, database);
  return new Map(rows.map(({ boot, seq, body }) => [`${boot} ${seq}`, JSON.parse(body) as KeptEvent]));
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
