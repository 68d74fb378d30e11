// One camera of the room with its real source process, for tests: what it gave, what it lost, and its processes.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Camera,
  type CameraHealth,
  type CameraLoss,
  type CameraSource,
  type CameraToken,
  openCamera,
} from '../../../agent/frames/frames.ts';
import { inputContractSchema } from '../../../shared/release/manifest.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';

const CONTRACT = inputContractSchema.parse({
  name: 'x',
  dtype: 'uint8',
  layout: 'NHWC',
  color: 'rgb',
  fit: 'letterbox',
  normalise: 'in-graph',
  shape: [1, 64, 64, 3],
});

export class CameraRig {
  readonly folder = mkdtempSync(join(tmpdir(), 'belay-cameras-'));
  readonly tokens: CameraToken[] = [];
  /** Between capture and the supervisor, ms. */
  readonly agesMs: number[] = [];
  readonly health: CameraHealth[] = [];
  readonly losses: CameraLoss[] = [];
  readonly log = openRecordingLog();
  isEnded = false;
  camera: Camera | null = null;

  async open(source: CameraSource): Promise<Camera> {
    mkdirSync(join(this.folder, 'rings'), { recursive: true });
    const camera = await openCamera({
      cameraId: 'cam-1',
      device: 'dev-1',
      source,
      contracts: [CONTRACT],
      ringDir: join(this.folder, 'rings'),
      log: this.log,
      onFrame: (token) => {
        this.tokens.push(token);
        this.agesMs.push(Number(process.hrtime.bigint()) / 1e6 - token.monotonicMs);
        camera.release(token.slot);
      },
      onHealth: (sample) => this.health.push(sample),
      onLost: (loss) => this.losses.push(loss),
      onEnded: () => {
        this.isEnded = true;
      },
    });
    this.camera = camera;
    return camera;
  }

  async close(): Promise<void> {
    await this.camera?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Everything that the log holds, as an operator would read it. */
  logText(): string {
    return JSON.stringify(this.log.entries);
  }

  async until(what: string, isTrue: () => boolean, deadlineMs = 20_000): Promise<void> {
    const endAt = performance.now() + deadlineMs;
    while (!isTrue()) {
      if (performance.now() > endAt)
        throw new Error(
          `still waiting for: ${what}; ${this.tokens.length} frames, losses ${JSON.stringify(this.losses)}`,
        );
      await delay(5);
    }
  }
}

export type ProcessSeen = { readonly pid: number; readonly command: string; readonly parent: number };

/** Processes below this one. */
export function descendants(of = process.pid): readonly ProcessSeen[] {
  return childrenOf(of).flatMap((pid) => {
    const command = read(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ') ?? '';
    return [{ pid, command, parent: of }, ...descendants(pid)];
  });
}

/** A zombie is gone. */
export function isRunning(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== null && stat.split(') ').at(-1)?.[0] !== 'Z';
}

function childrenOf(pid: number): readonly number[] {
  const text = read(`/proc/${pid}/task/${pid}/children`) ?? '';
  return text.trim().split(/\s+/).filter(Boolean).map(Number);
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
