// What a runner maps before it has a model: measured once per device and runtime on a release that is nearly nothing, and
// kept in the data folder. A limit below it would forbid every model; a limit without it would be a guess.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

const fileSchema = z.object({ key: z.string(), floorBytes: z.number().int().positive() });

export type MemoryFloorParts = {
  readonly dataDir: string;
  /** Program and arguments of the runners whose floor it is. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly log: RoomLog;
};

/** The kept floor of this runtime in bytes; null when it has not been measured with it. */
export function readMemoryFloor(parts: MemoryFloorParts): number | null {
  const path = fileOf(parts.dataDir);
  if (!existsSync(path)) return null;
  const parsed = parseJson(fileSchema, readFileSync(path));
  return parsed.ok && parsed.value.key === keyOf(parts) ? parsed.value.floorBytes : null;
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
      keep(parts, floorBytes);
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

function keep(parts: MemoryFloorParts, floorBytes: number): void {
  const path = fileOf(parts.dataDir);
  try {
    writeFileSync(`${path}.new`, JSON.stringify({ key: keyOf(parts), floorBytes }));
    renameSync(`${path}.new`, path);
  } catch (error) {
    parts.log.warn({ error: describeError(error) }, 'the memory floor of runners could not be kept');
  }
}

function fileOf(dataDir: string): string {
  mkdirSync(dataDir, { recursive: true });
  return join(dataDir, 'runner-memory.json');
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
