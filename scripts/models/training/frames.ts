// Labelled frames for training and judging, rendered by the synthetic line and cached on disk in shards.
// The cache is only speed: a missing or short shard is rendered again, and every frame depends on its number alone.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../../../shared/basics/canonical-json.ts';
import {
  FRAME_PX,
  FRAME_SETS,
  type FrameSet,
  type LabelledFrame,
  renderLabelled,
  SCENE_VERSION,
  type TruthBox,
} from './scenes.ts';

const PIXELS = FRAME_PX * FRAME_PX;
const FRAMES_PER_SHARD = 200;

/** The first `count` frames of a set. `onRendered` is told after every shard that had to be rendered. */
export function readFrames(
  request: { set: FrameSet; count: number; cacheDir: string },
  onRendered: (framesDone: number) => void = () => {},
): readonly LabelledFrame[] {
  const frames: LabelledFrame[] = [];
  for (let shard = 0; frames.length < request.count; shard++) {
    if (ensureShard({ ...request, shard })) onRendered((shard + 1) * FRAMES_PER_SHARD);
    frames.push(...readShard(shardPath(request, shard)));
  }
  return frames.slice(0, request.count);
}

export function shardCount(frames: number): number {
  return Math.ceil(frames / FRAMES_PER_SHARD);
}

/** Renders one shard unless a whole one is already there; answers whether it rendered. */
export function ensureShard(request: { set: FrameSet; shard: number; cacheDir: string }): boolean {
  const path = shardPath(request, request.shard);
  if (existsSync(`${path}.json`) && existsSync(path) && statSync(path).size === FRAMES_PER_SHARD * PIXELS * 4)
    return false;
  mkdirSync(request.cacheDir, { recursive: true });
  const pixels = Buffer.alloc(FRAMES_PER_SHARD * PIXELS * 4);
  const boxes: (readonly TruthBox[])[] = [];
  for (let i = 0; i < FRAMES_PER_SHARD; i++) {
    const frame = renderLabelled(request.set, request.shard * FRAMES_PER_SHARD + i);
    pixels.set(frame.rgb, i * PIXELS * 4);
    pixels.set(frame.mask, i * PIXELS * 4 + PIXELS * 3);
    boxes.push(frame.boxes);
  }
  writeAside(path, pixels);
  writeAside(`${path}.json`, JSON.stringify(boxes));
  return true;
}

/** Names the data without rendering it: same digest, same generator version, seeds, mix and count. */
export function frameSetDigest(set: FrameSet, count: number): string {
  const said = { generator: SCENE_VERSION, set, settings: FRAME_SETS[set], count };
  return createHash('sha256').update(canonicalJson(said)).digest('hex');
}

function readShard(path: string): readonly LabelledFrame[] {
  const pixels = readFileSync(path);
  const boxes: readonly TruthBox[][] = JSON.parse(readFileSync(`${path}.json`, 'utf8'));
  return boxes.map((truth, i) => {
    const at = i * PIXELS * 4;
    return {
      rgb: pixels.subarray(at, at + PIXELS * 3),
      mask: pixels.subarray(at + PIXELS * 3, at + PIXELS * 4),
      boxes: truth,
    };
  });
}

function shardPath(request: { set: FrameSet; cacheDir: string }, shard: number): string {
  const key = frameSetDigest(request.set, 0).slice(0, 12);
  return join(request.cacheDir, `${request.set}-${key}-${String(shard).padStart(3, '0')}.frames`);
}

/** Two chains may render the same shard at once: each writes its own file, the last rename wins, the bytes are equal. */
function writeAside(path: string, content: Buffer | string): void {
  const part = `${path}.${process.pid}.part`;
  writeFileSync(part, content);
  renameSync(part, path);
}
