// Process entry: `run.ts train <release> <outDir> <cacheDir>` trains one release, `run.ts frames <set> <shard> <cacheDir>`
// renders one shard of frames. train.ts starts these, at most one per core. Progress is one JSON line per report.
import { ensureShard } from './frames.ts';
import type { FrameSet } from './scenes.ts';
import { trainRelease } from './train-release.ts';

const [verb, name = '', where = '', cacheDir = ''] = process.argv.slice(2);
if (verb === 'frames') {
  ensureShard({ set: name as FrameSet, shard: Number(where), cacheDir });
} else if (verb === 'train') {
  const onProgress = (progress: object) => process.stdout.write(`${JSON.stringify(progress)}\n`);
  await trainRelease({ release: name, outDir: where, cacheDir, onProgress });
} else {
  throw new Error(`run.ts: unknown verb "${verb}"; use "train" or "frames"`);
}
