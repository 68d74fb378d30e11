// What a runner maps before it has a model: measured once per device and runtime on a release that is nearly nothing, and
// kept in the data folder. A limit below it would forbid every model; a limit without it would be a guess. So a file that
// is not as it was written counts for nothing, and the floor is measured again.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { describeError } from '../../shared/basics/errors.ts';
import { parseJson } from '../../shared/basics/parsing.ts';
import type { RoomLog } from '../frames/child-log.ts';
import { createRing } from '../frames/ring.ts';
import { openRunner } from './open-runner.ts';
import { writeProbeRelease } from './probe-release.ts';

/** Nearly nothing to load; a board under load may take its time. */
const PROBE_COLD_MS = 60_000;

const fileSchema = z.object({ key: z.string(), floorBytes: z.number().int().positive(), check: z.string() });

export type MemoryFloorParts = {
  readonly dataDir: string;
  /** Program and arguments of the runners whose floor it is. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly log: RoomLog;
};

/** The kept floor of this runtime in bytes; null when it has not been measured with it. */
export function readMemoryFloor(parts: MemoryFloorParts): number | null {
  try {
    const parsed = parseJson(fileSchema, readFileSync(fileOf(parts.dataDir)));
    if (!parsed.ok || parsed.value.key !== keyOf(parts)) return null;
    const { floorBytes, check } = parsed.value;
    return check === checkOf(keyOf(parts), floorBytes) ? floorBytes : null;
  } catch {
    // Not there yet, or not to be read: nobody is kept from starting by it.
    return null;
  }
}

/** Starts a runner, reads what it has mapped when it is ready, ends it, and keeps the figure. Throws when it cannot. */
export async function measureMemoryFloor(parts: MemoryFloorParts): Promise<number> {
  const folder = join(parts.dataDir, 'memory-probe');
  try {
    const release = writeProbeRelease(folder);
    const place = { ringDir: folder, device: 'probe', cameraId: 'floor', contract: release.manifest.input };
    const ignore = (): void => undefined;
    const runner = await openRunner({
      ...release,
      ring: createRing(place, 2),
      role: 'shadow',
      threads: 1,
      log: parts.log,
      coldMs: PROBE_COLD_MS,
      command: parts.command,
      env: parts.env,
      onResult: ignore,
      onFault: ignore,
      onExit: ignore,
    });
    try {
      const floorBytes = mappedDataBytes(runner.pid);
      keepMemoryFloor(parts, floorBytes);
      return floorBytes;
    } finally {
      await runner.kill();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Private writable memory that a process has mapped: what RLIMIT_DATA is held against. */
function mappedDataBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kibibytes = /^VmData:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no VmData`);
  return Number(kibibytes) * 1024;
}

/** Kept where that is possible; a disk that refuses means that it is measured again. */
export function keepMemoryFloor(parts: MemoryFloorParts, floorBytes: number): void {
  const path = fileOf(parts.dataDir);
  try {
    const key = keyOf(parts);
    writeFileSync(`${path}.new`, JSON.stringify({ key, floorBytes, check: checkOf(key, floorBytes) }));
    renameSync(`${path}.new`, path);
  } catch (error) {
    parts.log.warn({ error: describeError(error) }, 'the memory floor of runners could not be kept');
  }
}

function fileOf(dataDir: string): string {
  mkdirSync(dataDir, { recursive: true });
  return join(dataDir, 'runner-memory.json');
}

/** One digit that has flipped would end every release of this device, the factory's too. */
function checkOf(key: string, floorBytes: number): string {
  return createHash('sha256').update(`${key} ${floorBytes}`).digest('hex').slice(0, 16);
}

/** Another Node, ONNX Runtime or runner maps otherwise. */
function keyOf({ command, env }: MemoryFloorParts): string {
  return JSON.stringify([process.arch, process.version, onnxRuntimeVersion(), command, env]);
}

/** Read from its package, because the supervisor never loads it. */
function onnxRuntimeVersion(): string {
  try {
    const url = new URL('../package.json', import.meta.resolve('onnxruntime-node'));
    return z.looseObject({ version: z.string() }).parse(JSON.parse(readFileSync(url, 'utf8'))).version;
  } catch {
    // A device whose runners are foreign need not have it.
    return 'none';
  }
}
